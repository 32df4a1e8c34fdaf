"""Each query of a dashboard asks for what the operator has, and a real Prometheus that has scraped it answers."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from examples.demo.prometheus_server import Prometheus
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


@pytest.mark.parametrize("name", BOARDS)
def test_each_query_returns_data(name: str, prometheus: Prometheus) -> None:
    answers = grafana.answers(BOARDS[name], prometheus, start=END - SECONDS, end=END, chosen=grafana.EVERYTHING)

    assert [f"{title}: {expr}" for title, expr, found in answers if not found and title not in EMPTY] == []


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
