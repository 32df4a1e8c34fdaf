"""Each query of a dashboard asks for what the operator has, and a real Prometheus that has scraped it answers."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from examples.demo.prometheus_server import Prometheus
from qc_consumer.metrics import Metrics as Consumer
from qc_operator.metric_families import FAMILIES, OBJECT
from qc_operator.metrics import Metrics
from tests.dashboards import grafana, recorded_run
from tests.dashboards.alert_rules import alerts, groups
from tests.dashboards.recorded_pod import SCRAPE

BOARDS = grafana.dashboards()
SECONDS = 3 * 3600
END = recorded_run.START + recorded_run.LONG - SCRAPE
# What is not the operator's: of Prometheus itself, kube-state-metrics, the kubelet, the consumer image.
OTHERS = re.compile(r"(ALERTS|scrape_|kube_|container_|queue_consumer_|process_|python_gc_|queueconsumer:)")
# They are in collapsed rows that say so, or there is nothing to show when all is well.
EMPTY = {"Errors of the API server"}


@pytest.mark.parametrize("name", BOARDS)
def test_each_metric_and_label_of_a_query_is_one_that_the_operator_has(name: str) -> None:
    known = _known()
    wrong = []
    for expr in _expressions(BOARDS[name]):
        for metric, matchers in re.findall(r"\b([a-z_:]+(?:_[a-z_:]+)+)(?:\{([^}]*)\})", expr):
            if OTHERS.match(metric):
                continue
            labels = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", matchers)) - {"cluster", "job", "le"}
            if not labels <= known.get(re.sub(r"_bucket$", "", metric), {"-"}):
                wrong.append((metric, labels))

    assert wrong == []


def test_each_metric_of_an_alert_is_one_that_the_operator_has() -> None:
    text = " ".join(str(rule["expr"]) for group in groups() for rule in group["rules"])
    text += " ".join(str(alert["annotations"]) for alert in alerts())

    assert set(re.findall(r"\bqueueconsumer_[a-z_]+", text)) - set(_known()) - {"queueconsumer_dev_shard"} == set()


def test_dead_letters_are_counted_by_pods_that_tell_when_they_began() -> None:
    """Counter and start are compared without the labels that only the counter has."""
    (alert,) = [alert for alert in alerts() if alert["alert"] == "QueueConsumerDeadLettersGrowing"]
    (ignored,) = re.findall(r"ignoring \((.*?)\)", alert["expr"])
    metrics = {family.name: family.samples for family in Consumer("receipts").registry.collect()}
    (dead_letters,) = [
        each
        for each in metrics["queue_consumer_messages"]
        if each.labels.get("outcome") == "dead_lettered" and each.name.endswith("_total")
    ]

    assert (dead_letters.value, set(dead_letters.labels)) == (0, set(ignored.split(", ")))
    assert [each.labels for each in metrics["process_start_time_seconds"]] == [{}]


@pytest.mark.parametrize("name", BOARDS)
def test_each_query_returns_data(name: str, prometheus: Prometheus) -> None:
    answers = grafana.answers(BOARDS[name], prometheus, start=END - SECONDS, end=END, chosen=grafana.EVERYTHING)

    assert [f"{title}: {expr}" for title, expr, found in answers if not found and title not in EMPTY] == []


def test_the_workload_is_the_target_of_the_queueconsumer_whatever_it_is_called(prometheus: Prometheus) -> None:
    chosen = grafana.EVERYTHING | {"namespace": "shop", "queueconsumer": "receipts"}
    (variable,) = [each for each in BOARDS["detail"]["templating"]["list"] if each["name"] == "target_name"]
    (series,) = re.findall(r"^label_values\((.*), target_name\)$", variable["definition"])
    expr = grafana.interpolated(series, step=60, seconds=SECONDS, chosen=chosen)
    names = {found["metric"]["target_name"] for found in prometheus.instant(expr, at=END)}
    # All of them, which Grafana joins where no other value for all is given.
    assert (variable["current"]["value"], variable["allValue"]) == (["$__all"], "")
    chosen["target_name"] = f"({'|'.join(sorted(names))})"

    answers = {
        title: [round(float(series["values"][-1][1]), 3) for series in found]
        for title, _, found in grafana.answers(
            BOARDS["detail"], prometheus, start=END - SECONDS, end=END, chosen=chosen
        )
        if title in {"Pods by phase", "Restarts of containers", "CPU"}
    }

    assert names == {"receipts-worker"}
    assert answers == {"Pods by phase": [1], "Restarts of containers": [0], "CPU": [0.1]}


def _expressions(board: dict[str, Any]) -> Iterator[str]:
    for panel in grafana.panels(board):
        yield from (target["expr"] for target in panel["targets"])
    yield from (annotation["expr"] for annotation in board["annotations"].get("list", ()) if annotation.get("expr"))


def _known() -> dict[str, set[str]]:
    """The operator's metrics with their labels."""
    metrics = Metrics()
    metrics.watch_brokers(list)
    known = {family.name: {*OBJECT, *family.labels} for family in FAMILIES}
    return known | {described.name: set(described.labels) for described in metrics.process.described}
