"""A release from its installation by an earlier chart to its end: upgraded, tried, rolled back, uninstalled.

`before.tgz` is the chart as it was at commit 77e4273, packaged by `helm package`: without NetworkPolicy, page and roles
for people, and with an older schema. conftest.py has this run before any other test that needs the operator.
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.e2e.chart import confinement
from tests.e2e.chart.cluster import AMQP, DEFINITION, NAMESPACE, OTHER, Cluster, target
from tests.e2e.conftest import RELEASE, ROOT, SYSTEM, Command, delete_namespace, run
from tests.ports import free_ports

pytestmark = pytest.mark.cluster

BEFORE: Final = Path(__file__).parent / "before.tgz"
CHART: Final = "charts/queueconsumer-operator"
SHIPPED: Final = ROOT / CHART / "files" / f"{DEFINITION}.yaml"
IMAGE: Final = ("--set", "image.repository=localhost/queueconsumer/operator", "--set", "image.tag=dev")
WAIT: Final = ("--wait", "--timeout", "120s")
OURS: Final = f"app.kubernetes.io/instance={RELEASE}"
KINDS: Final = (
    "deployments,pods,services,serviceaccounts,configmaps,poddisruptionbudgets,networkpolicies,roles,rolebindings,"
    "clusterroles,clusterrolebindings"
)


@pytest.fixture
def cluster_state(kubectl: Command, helm: Command) -> Iterator[Cluster]:
    """No release and no namespace of an aborted run before, and none after."""

    def uninstall() -> None:
        helm("uninstall", RELEASE, "--namespace", SYSTEM, "--ignore-not-found", *WAIT)

    run(sys.executable, "-m", "devcluster", "load", "operator", seconds=900)
    uninstall()
    for namespace in (NAMESPACE, SYSTEM):
        delete_namespace(kubectl, namespace)
    kubectl("create", "namespace", NAMESPACE)
    for role in ("edit", "view"):
        kubectl("create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}-person", "-n", NAMESPACE)
    yield Cluster(kubectl)
    uninstall()
    # Whoever installs the operator next waits for its namespace to be gone.
    kubectl("delete", "namespace", NAMESPACE, SYSTEM, "--ignore-not-found", "--wait=false")
    # Where it was left as it was rolled back: those who come next expect that of this checkout.
    if kubectl("get", "customresourcedefinition", DEFINITION, "--ignore-not-found", "--output=name"):
        kubectl("replace", "-f", str(SHIPPED))


def until(condition: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.3)


@contextmanager
def forwarded(said: str, *, kubeconfig: str) -> Iterator[str]:
    """The page, by the commands of the release's notes, at a free port of this machine; its address."""
    (commands,) = re.findall(r"^  (leader=.*\n  kubectl .* port-forward .*) 8081$", said, re.MULTILINE)
    (port,) = free_ports(1)
    # exec, so that what is ended is kubectl.
    script = f"{commands} {port}:8081".replace("\n  kubectl", "\n  exec kubectl")
    with subprocess.Popen(["bash", "-euc", script], env={**os.environ, "KUBECONFIG": kubeconfig}) as forwarding:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            forwarding.terminate()


def in_force(state: Cluster) -> None:
    """Have the release's NetworkPolicy hold from here on, and see that it closes what it should, and no more."""
    (policy,) = state.get("networkpolicies", "--namespace", SYSTEM)["items"]
    (chosen,) = [",".join(f"{key}={value}" for key, value in policy["spec"]["podSelector"]["matchLabels"].items())]
    operators = state.get("pods", "--namespace", SYSTEM, "--selector", chosen)["items"]
    for pod in operators:
        confinement.confine(pod["metadata"]["name"], policy=policy)
        confinement.restart(pod["metadata"]["name"])
    until(lambda: state.restarted(len(operators)), "both start again, under the policy")
    until(state.has_leader, "one of them leads")
    other = state.get("pods", "--namespace", NAMESPACE, "--selector", "app=lasting")["items"][0]
    operator = operators[0]
    assert state.reaches(other, operator, 8080)
    assert not state.reaches(other, operator, 8081)
    assert state.reaches(operator, other, AMQP)
    assert not state.reaches(operator, other, OTHER)
    assert state.reaches(other, other, OTHER)


def rows(page: str) -> list[tuple[str, str]]:
    """Namespace and name of each QueueConsumer that the page shows; none while it cannot be reached."""
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{page}/api/v1/queueconsumers", timeout=5) as response:
            return [(row["namespace"], row["name"]) for row in json.load(response)["items"]]
    except OSError:
        return []


def test_a_release_lives_through_upgrade_rollback_and_uninstall(
    cluster_state: Cluster, kubectl: Command, helm: Command, kubeconfig: str
) -> None:
    state = cluster_state
    release = (RELEASE, "--namespace", SYSTEM)
    helm("install", *release, str(BEFORE), "--create-namespace", "--take-ownership", "--force-conflicts", *IMAGE, *WAIT)
    old = state.schema()
    kubectl("apply", "-f", "-", stdin=target("lasting"))
    until(lambda: state.replicas("lasting") == 2, "the operator of the earlier chart scales")
    assert not state.may("get", role="view")

    notes = helm("upgrade", *release, CHART, *IMAGE, *WAIT)

    shipped = yaml.safe_load(SHIPPED.read_text())["spec"]["versions"][0]["schema"]
    assert state.schema() == shipped != old
    assert state.replicas("lasting") == 2
    until(lambda: state.may("create", role="edit"), "the role edit has the rules of the chart's")
    until(lambda: state.may("get", role="view"), "the role view has the rules of the chart's")
    assert not state.may("create", role="view")
    assert state.names("networkpolicies", "--namespace", SYSTEM) == {"NetworkPolicy/queueconsumer-operator"}

    until(state.has_leader, "a pod of the new chart leads")
    if confinement.possible():
        in_force(state)
    with forwarded(notes, kubeconfig=kubeconfig) as page:
        until(lambda: rows(page) == [(NAMESPACE, "lasting")], "the page shows what is served")

    tried = helm("test", *release, "--logs", "--timeout", "120s")

    assert "1 replica, and its pod is ready\n" in tried
    assert "no replicas, after" in tried
    until(lambda: "test" not in str(state.names(KINDS, "--namespace", SYSTEM)), "what the test has made is gone")
    assert not state.get("queueconsumers", "--namespace", SYSTEM)["items"]

    helm("rollback", *release, "1", *WAIT)

    assert state.schema() == old
    assert state.replicas("lasting") == 2
    assert not state.names("networkpolicies", "--namespace", SYSTEM)
    kubectl("annotate", "--overwrite", "qc", "lasting", "-n", NAMESPACE, "queueconsumer.dev/paused-replicas=1")
    until(lambda: state.replicas("lasting") == 1, "the operator scales after the rollback")

    helm("uninstall", *release, *WAIT)

    until(lambda: not state.names(KINDS, "--all-namespaces", "--selector", OURS), "all objects of the release are gone")
    assert state.schema() == old
    assert state.names("queueconsumers", "--namespace", NAMESPACE) == {"QueueConsumer/lasting"}
    assert state.replicas("lasting") == 1


@pytest.mark.skipif(not confinement.possible(), reason="deletes all QueueConsumers of the cluster")
def test_a_release_for_one_namespace_has_rights_there_only_and_takes_its_definition_along_if_told_so(
    cluster_state: Cluster, kubectl: Command, helm: Command
) -> None:
    state = cluster_state
    release = (RELEASE, "--namespace", SYSTEM)
    scope = ("--set", f"watch.namespaces={{{NAMESPACE}}}", "--set", "crds.keep=false")
    helm(
        "install", *release, CHART, "--create-namespace", "--take-ownership", "--force-conflicts", *IMAGE, *scope, *WAIT
    )

    for verb, resource in (("list", "queueconsumers"), ("get", "secrets"), ("list", "deployments")):
        assert state.operator_may(verb, resource, namespace=NAMESPACE), resource
        assert not state.operator_may(verb, resource, namespace=SYSTEM), resource
    assert not state.names("clusterrolebindings", "--selector", OURS)

    tried = helm("test", *release, "--logs", "--timeout", "120s")

    assert "no replicas, after" in tried

    helm("uninstall", *release, *WAIT)

    gone = ("get", "customresourcedefinition", DEFINITION, "--ignore-not-found", "--output=name")
    until(lambda: not kubectl(*gone), "the definition is gone, too")
