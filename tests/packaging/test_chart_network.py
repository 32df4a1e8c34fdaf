"""The chart's NetworkPolicy: who may reach the operator, and whom it may reach."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from qc_operator.brokers import binding
from tests.packaging.documents import DOCS
from tests.packaging.rendering import only, rendered

ALL_PODS: list[dict[str, Any]] = [{"namespaceSelector": {}}]


def policy(helm: Path, *settings: str) -> dict[str, Any]:
    found: dict[str, Any] = only(rendered(helm, *settings), "NetworkPolicy")["spec"]
    return found


def tcp(*ports: int) -> list[dict[str, Any]]:
    return [{"port": port, "protocol": "TCP"} for port in ports]


def test_it_is_for_the_pods_of_the_operator_and_in_both_directions(helm: Path) -> None:
    manifests = rendered(helm, "shards=2")

    found = only(manifests, "NetworkPolicy")["spec"]
    assert found["policyTypes"] == ["Ingress", "Egress"]
    pods = [manifest["spec"]["template"] for manifest in manifests if manifest["kind"] == "Deployment"]
    assert len(pods) == 2
    for pod in pods:
        assert found["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


def test_pods_may_read_metrics_and_nothing_else_comes_in(helm: Path) -> None:
    assert policy(helm)["ingress"] == [{"from": ALL_PODS, "ports": tcp(8080)}]


def test_the_page_is_opened_to_whom_it_is_told(helm: Path) -> None:
    opened = policy(helm, 'networkPolicy.page.from:=[{"podSelector": {"matchLabels": {"app": "ingress"}}}]')

    assert opened["ingress"] == [
        {"from": ALL_PODS, "ports": tcp(8080)},
        {"from": [{"podSelector": {"matchLabels": {"app": "ingress"}}}], "ports": tcp(8081)},
    ]


def test_a_page_that_is_not_served_is_not_opened(helm: Path) -> None:
    closed = policy(helm, f"networkPolicy.page.from:={ALL_PODS}".replace("'", '"'), "page.enabled=false")

    assert [rule["ports"] for rule in closed["ingress"]] == [tcp(8080)]


def test_everything_can_be_closed(helm: Path) -> None:
    closed = policy(helm, "networkPolicy.metrics.from:=[]")

    assert "ingress" not in closed
    assert "Ingress" in closed["policyTypes"]


def test_the_operator_reaches_name_servers_api_server_brokers_and_issuers(helm: Path) -> None:
    assert policy(helm)["egress"] == [
        {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
        {"ports": tcp(443, 6443)},
        {"ports": tcp(5671, 5672, 15671, 15672, 15691, 15692)},
        {"ports": tcp(443)},
    ]


def open_ports(helm: Path) -> set[int]:
    return {port["port"] for rule in policy(helm)["egress"] for port in rule["ports"] if port["protocol"] == "TCP"}


@pytest.mark.parametrize("tls", ["true", "false"])
def test_ports_that_a_secret_means_without_naming_them_are_open(helm: Path, tls: str) -> None:
    given = {"host": "rabbitmq", "username": "scaler", "password": "x", "tls": tls}
    data = {key: base64.b64encode(value.encode()).decode() for key, value in given.items()}

    credentials = binding.from_secret(data=data, secret="shop/rabbitmq", vhost=None)

    meant = {port for _, port in credentials.hosts} | {URL(credentials.management.uri).port}
    assert len(meant) == 2
    assert meant <= open_ports(helm)


def test_ports_in_what_the_documents_say_of_a_secret_are_open(helm: Path) -> None:
    text = "".join((DOCS / page).read_text() for page in ("secrets.md", "reading-queues.md", "quickstart.md"))

    named = {int(port) for port in re.findall(r"(?:amqps?|https?)://[^\s/:`]+:(\d+)", text)}

    assert {15671, 15672, 15692} <= named <= open_ports(helm)


def test_each_of_them_can_be_narrowed(helm: Path) -> None:
    narrowed = policy(
        helm,
        "networkPolicy.dns.ports:=[5353]",
        'networkPolicy.dns.to:=[{"namespaceSelector": {"matchLabels": {"name": "openshift-dns"}}}]',
        "networkPolicy.apiServer.ports:=[6443]",
        'networkPolicy.apiServer.to:=[{"ipBlock": {"cidr": "10.0.0.1/32"}}]',
        "networkPolicy.brokers.ports:=[5671]",
        'networkPolicy.brokers.to:=[{"podSelector": {"matchLabels": {"app": "rabbitmq"}}, "namespaceSelector": {}}]',
        "networkPolicy.tokenIssuers.ports:=[]",
        'networkPolicy.egress:=[{"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}]',
    )

    assert narrowed["egress"] == [
        {
            "ports": [{"port": 5353, "protocol": "UDP"}, {"port": 5353, "protocol": "TCP"}],
            "to": [{"namespaceSelector": {"matchLabels": {"name": "openshift-dns"}}}],
        },
        {"ports": tcp(6443), "to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}]},
        {
            "ports": tcp(5671),
            "to": [{"podSelector": {"matchLabels": {"app": "rabbitmq"}}, "namespaceSelector": {}}],
        },
        {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]},
    ]


def test_it_can_be_left_to_others(helm: Path) -> None:
    assert "NetworkPolicy" not in {manifest["kind"] for manifest in rendered(helm, "networkPolicy.enabled=false")}
