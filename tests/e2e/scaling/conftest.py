"""A broker for all tests here, and a workload of its own for each."""

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.conftest import Command, delete_namespace
from tests.e2e.scaling.broker import Broker, running
from tests.e2e.scaling.workload import Workload

NAMESPACE = "qc-e2e"


@pytest.fixture(scope="package")
def broker(
    operator: str,  # noqa: ARG001 - installed first
    kubectl: Command,
    kubeconfig: str,
) -> Iterator[Broker]:
    """A RabbitMQ in the cluster, in a namespace that holds all of these tests and goes with them.

    What an aborted run has left of it is gone before.
    """
    delete_namespace(kubectl, NAMESPACE)
    kubectl("create", "namespace", NAMESPACE)
    kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    program = shutil.which("kubectl") or "kubectl"
    with running(namespace=NAMESPACE, kubectl=kubectl, kubeconfig=kubeconfig, program=program) as started:
        yield started
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture
def make_workload(broker: Broker, kubectl: Command) -> Iterator[Callable[[str], Workload]]:
    """Makes workloads by name; they are gone after the test."""
    made: list[Workload] = []

    def make(name: str) -> Workload:
        workload = Workload(name=name, namespace=broker.namespace, kubectl=kubectl, broker=broker)
        made.append(workload)
        return workload

    yield make
    for workload in made:
        workload.delete()
