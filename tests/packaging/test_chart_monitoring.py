"""What the chart gives Prometheus and Grafana."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from qc_consumer.settings import Settings
from tests.packaging.documents import blocks
from tests.packaging.rendering import CHART, ROOT, only, rendered

RULES = CHART / "files" / "alerts.yaml"
DASHBOARDS = CHART / "files" / "dashboards"
RUNBOOKS = "https://runbooks.example.com"
MONITORING = {"ServiceMonitor", "PodMonitor", "PrometheusRule", "ConfigMap"}


def test_without_being_asked_nothing_needs_the_definitions_of_prometheus_operator(helm: Path) -> None:
    assert MONITORING.isdisjoint(manifest["kind"] for manifest in rendered(helm))


@pytest.mark.parametrize(
    ("kind", "value", "endpoints"),
    [("ServiceMonitor", "serviceMonitor", "endpoints"), ("PodMonitor", "podMonitor", "podMetricsEndpoints")],
)
def test_a_monitor_keeps_the_namespace_of_the_metrics_and_names_the_shard(
    helm: Path, kind: str, value: str, endpoints: str
) -> None:
    manifests = rendered(helm, f"{value}.enabled=true", f"{value}.labels.release=prometheus", f"{value}.interval=15s")

    monitor = only(manifests, kind)
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"][endpoints] == [
        {"port": "metrics", "path": "/metrics", "honorLabels": True, "interval": "15s"}
    ]
    # Prometheus makes of it the label queueconsumer_dev_shard, by which the alerts tell shards apart.
    assert monitor["spec"]["podTargetLabels"] == ["queueconsumer.dev/shard"]
    assert "queueconsumer_dev_shard" in RULES.read_text()


def test_a_service_monitor_finds_the_service_and_a_pod_monitor_the_pods(helm: Path) -> None:
    by_service = rendered(helm, "serviceMonitor.enabled=true")
    by_pod = rendered(helm, "podMonitor.enabled=true")

    service = only(by_service, "Service")
    pod = only(by_pod, "Deployment")["spec"]["template"]
    chosen = only(by_service, "ServiceMonitor")["spec"]["selector"]["matchLabels"]
    assert chosen.items() <= service["metadata"]["labels"].items()
    assert "metrics" in [port["name"] for port in service["spec"]["ports"]]
    assert only(by_pod, "PodMonitor")["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert "metrics" in [port["name"] for port in pod["spec"]["containers"][0]["ports"]]


def test_an_interval_can_be_left_to_prometheus(helm: Path) -> None:
    (endpoint,) = only(rendered(helm, "serviceMonitor.enabled=true", "serviceMonitor.interval="), "ServiceMonitor")[
        "spec"
    ]["endpoints"]

    assert "interval" not in endpoint


CONSUMERS = ("consumers.podMonitor.enabled=true", "consumers.podMonitor.selector.matchLabels.tier=worker")


@pytest.mark.parametrize(
    ("settings", "where"),
    [((), {"any": True}), (("watch.namespaces={shop,bank}",), {"matchNames": ["shop", "bank"]})],
)
def test_consumers_are_scraped_where_they_are_scaled(
    helm: Path, settings: tuple[str, ...], where: dict[str, Any]
) -> None:
    spec = only(rendered(helm, *CONSUMERS, *settings), "PodMonitor", "queueconsumer-operator-consumers")["spec"]

    assert spec == {
        "selector": {"matchLabels": {"tier": "worker"}},
        "namespaceSelector": where,
        "podMetricsEndpoints": [{"port": "metrics", "path": "/metrics", "interval": "30s"}],
    }


def deployments(*texts: str) -> dict[str, Any]:
    """The pods of the Deployments in these texts, by the Deployment's name."""
    found = [each for text in texts for each in yaml.safe_load_all(text) if each]
    return {each["metadata"]["name"]: each["spec"]["template"] for each in found if each["kind"] == "Deployment"}


def test_the_values_that_the_chart_shows_have_the_consumers_of_the_shop_scraped(helm: Path) -> None:
    """Prometheus says nothing of a PodMonitor that finds nothing."""
    (shown,) = [block.text for block in blocks(CHART / "README.md") if "podMonitor:" in block.text]
    manifests = sorted((ROOT / "examples" / "shop" / "manifests").glob("*.yaml"))
    pods = deployments(*(manifest.read_text() for manifest in manifests))

    settings = [f"{value}:={json.dumps(given)}" for value, given in yaml.safe_load(shown).items()]
    spec = only(rendered(helm, *settings), "PodMonitor", "queueconsumer-operator-consumers")["spec"]

    named = spec["podMetricsEndpoints"][0]["port"]
    assert {
        name: [port["containerPort"] for port in pod["spec"]["containers"][0]["ports"] if port["name"] == named]
        for name, pod in pods.items()
        if spec["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    } == {"receipts": [9090], "invoices": [9090]}


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md"])
def test_a_consumer_that_is_shown_names_the_port_by_which_it_is_scraped(helm: Path, page: str) -> None:
    shown = [block.text for block in blocks(ROOT / page) if block.language == "yaml" and "CONSUMER_QUEUE" in block.text]
    spec = only(rendered(helm, *CONSUMERS), "PodMonitor", "queueconsumer-operator-consumers")["spec"]

    (pod,) = deployments(*shown).values()
    (container,) = pod["spec"]["containers"]

    assert container["ports"] == [
        {"name": spec["podMetricsEndpoints"][0]["port"], "containerPort": Settings(queue="receipts").metrics_port}
    ]


def test_the_image_of_consumers_exposes_the_port_that_they_serve() -> None:
    lines = (ROOT / "consumer_image" / "Dockerfile").read_text().splitlines()

    exposed = [line.split()[1:] for line in lines if line.startswith("EXPOSE ")]

    assert exposed == [[str(Settings(queue="receipts").metrics_port)]]


def rules(helm: Path, *settings: str) -> list[dict[str, Any]]:
    rule = only(rendered(helm, "prometheusRule.enabled=true", *settings), "PrometheusRule")
    return [each for group in rule["spec"]["groups"] for each in group["rules"]]


def shipped() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def test_the_rules_are_those_that_promtool_has_tested_with_addresses_of_the_values(helm: Path) -> None:
    found = rules(
        helm,
        "prometheusRule.runbookUrl=https://git.example.net/runbooks/",
        "prometheusRule.grafanaUrl=http://grafana.lan",
    )

    text = json.dumps(shipped())
    text = text.replace("https://runbooks.example.com", "https://git.example.net/runbooks")
    assert found == json.loads(text.replace("https://grafana.example.com", "http://grafana.lan"))
    assert "example.com" not in json.dumps(found)


def test_groups_keep_their_names_and_intervals(helm: Path) -> None:
    rendered_groups = only(rendered(helm, "prometheusRule.enabled=true"), "PrometheusRule")["spec"]["groups"]
    groups = yaml.safe_load(RULES.read_text())["groups"]

    assert [{**group, "rules": []} for group in rendered_groups] == [{**group, "rules": []} for group in groups]


def test_without_an_address_an_alert_names_the_file_of_its_runbook_and_what_to_type_next(helm: Path) -> None:
    found = [rule for rule in rules(helm) if "alert" in rule]

    assert [rule["alert"] for rule in found] == [rule["alert"] for rule in shipped() if "alert" in rule]
    for rule in found:
        assert rule["annotations"].keys() == {"summary", "description"}
        told = re.search(
            r"told in (docs/runbooks/\w+\.md) of QueueConsumer\. Next: kubectl", rule["annotations"]["description"]
        )
        assert told is not None, rule["alert"]
        assert (ROOT / told[1]).stem == rule["alert"]
        assert (ROOT / told[1]).is_file()


def test_with_an_address_the_description_is_as_promtool_has_tested_it(helm: Path) -> None:
    found = rules(helm, "prometheusRule.runbookUrl=https://git.example.net")

    assert [rule.get("annotations", {}).get("description") for rule in found] == [
        rule.get("annotations", {}).get("description") for rule in shipped()
    ]


def test_an_alert_can_be_left_out(helm: Path) -> None:
    found = rules(helm, "prometheusRule.disabled={QueueConsumerFlapping}")

    names = [rule.get("alert") for rule in shipped()]
    assert "QueueConsumerFlapping" in names
    assert [rule.get("alert") for rule in found] == [name for name in names if name != "QueueConsumerFlapping"]


def boards(helm: Path, *settings: str) -> dict[str, Any]:
    """The dashboards in the ConfigMaps, by file."""
    maps = [found for found in rendered(helm, "dashboards.enabled=true", *settings) if found["kind"] == "ConfigMap"]
    return {name: json.loads(text) for found in maps for name, text in found["data"].items()}


def without_runbooks(part: Any) -> Any:
    """The same without links to where runbooks can be read."""
    if isinstance(part, dict):
        return {key: without_runbooks(value) for key, value in part.items()}
    if isinstance(part, list):
        return [
            without_runbooks(each) for each in part if RUNBOOKS not in str(isinstance(each, dict) and each.get("url"))
        ]
    return part


def test_dashboards_lead_to_the_runbooks_where_these_can_be_read(helm: Path) -> None:
    texts = {path.name: path.read_text() for path in DASHBOARDS.glob("*.json")}

    found = boards(helm, "prometheusRule.runbookUrl=https://git.example.net/runbooks/")

    assert found == {
        name: json.loads(text.replace(RUNBOOKS, "https://git.example.net/runbooks")) for name, text in texts.items()
    }
    assert len([name for name, text in texts.items() if RUNBOOKS in text]) == 2


def test_dashboards_have_no_link_that_leads_nowhere(helm: Path) -> None:
    found = boards(helm)

    files = {path.name: json.loads(path.read_text()) for path in DASHBOARDS.glob("*.json")}
    assert found == {name: without_runbooks(board) for name, board in files.items()}
    assert "example.com" not in json.dumps(found)


def test_each_dashboard_has_a_config_map_with_the_label_of_the_sidecar(helm: Path) -> None:
    maps = [found for found in rendered(helm, "dashboards.enabled=true") if found["kind"] == "ConfigMap"]

    assert sorted(name for found in maps for name in found["data"]) == sorted(
        path.name for path in DASHBOARDS.glob("*")
    )
    for found in maps:
        assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert found["metadata"]["namespace"] == "queueconsumer-system"
        # RFC 1123, as the API server asks of a name.
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", found["metadata"]["name"])


def test_dashboards_go_where_the_sidecar_looks_and_into_its_folder(helm: Path) -> None:
    settings = (
        "dashboards.namespace=grafana",
        "dashboards.annotations.grafana_folder=Queues",
        "dashboards.labels.team=a",
    )
    maps = [found for found in rendered(helm, "dashboards.enabled=true", *settings) if found["kind"] == "ConfigMap"]

    assert {found["metadata"]["namespace"] for found in maps} == {"grafana"}
    assert {found["metadata"]["annotations"]["grafana_folder"] for found in maps} == {"Queues"}
    assert {found["metadata"]["labels"]["team"] for found in maps} == {"a"}
