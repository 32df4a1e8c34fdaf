from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

MANIFESTS = sorted((Path(__file__).parents[3] / "examples" / "shop" / "manifests").glob("*.yaml"))
DOCUMENTS: list[dict[str, Any]] = [
    document for path in MANIFESTS for document in yaml.safe_load_all(path.read_text()) if document
]


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [document for document in DOCUMENTS if document["kind"] in kinds]


def workloads() -> Iterator[Any]:
    for document in of_kind("Deployment", "StatefulSet"):
        yield pytest.param(document["spec"]["template"]["spec"], id=document["metadata"]["name"])


def test_there_is_something_to_check() -> None:
    assert {document["metadata"]["name"] for document in of_kind("Deployment", "StatefulSet")} == {
        "rabbitmq", "mail", "invoice-store", "orders", "receipts", "invoices",
    }  # fmt: skip


@pytest.mark.parametrize("pod", [*workloads()])
def test_pods_are_restricted_and_bounded(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container["resources"]["limits"]
    assert "readinessProbe" in container
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert pod["terminationGracePeriodSeconds"] == 30
    # A Service called rabbitmq would put RABBITMQ_PORT=tcp://... into every pod.
    assert pod["enableServiceLinks"] is False


@pytest.mark.parametrize("name", ["receipts", "invoices"])
def test_a_consumer_its_queue_and_its_queueconsumer_fit_together(name: str) -> None:
    (deployment,) = [d for d in of_kind("Deployment") if d["metadata"]["name"] == name]
    (queue_consumer,) = [d for d in of_kind("QueueConsumer") if d["metadata"]["name"] == name]
    environment = {e["name"]: e.get("value") for e in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}

    assert deployment["spec"]["replicas"] == 0
    assert environment["CONSUMER_QUEUE"] == name
    assert environment["CONSUMER_HANDLER"] == f"{name}:handle"
    assert queue_consumer["spec"]["scaleTargetRef"]["name"] == name
    assert [queue["name"] for queue in queue_consumer["spec"]["queues"]] == [name]


def test_the_broker_starts_with_the_credentials_that_its_clients_read() -> None:
    (secret,) = of_kind("Secret")
    entries = secret["stringData"]
    configured = dict(line.split(" = ", 1) for line in entries["default_user.conf"].splitlines())

    assert secret["type"] == "servicebinding.io/rabbitmq"
    assert configured == {
        "default_user": entries["username"],
        "default_pass": entries["password"],
        "default_vhost": entries["vhost"],
    }


def test_sixteen_consumers_fit_on_a_node_of_two_cores() -> None:
    (maximum,) = {d["spec"]["maxReplicas"] for d in of_kind("QueueConsumer")}
    requests = {
        d["metadata"]["name"]: d["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"]
        for d in of_kind("Deployment", "StatefulSet")
    }
    millicores = {name: int(cpu.removesuffix("m")) for name, cpu in requests.items()}

    assert sum(millicores.values()) + (maximum - 1) * (millicores["receipts"] + millicores["invoices"]) <= 500
