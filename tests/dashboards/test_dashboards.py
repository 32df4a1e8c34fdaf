"""The dashboards are what their source says, are well made, and show what a real Prometheus has of an exposition."""

import re
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from dashboards.linter import findings
from qc_operator.metric_families import FAMILIES, OBJECT
from qc_operator.metrics import Metrics
from tests.dashboards import grafana, prometheus_server, recorded_run
from tests.dashboards.alert_rules import alerts, groups
from tests.dashboards.prometheus_server import Prometheus
from tests.dashboards.recorded_run import Event

BOARDS = grafana.dashboards()
EVERYTHING = {"cluster": ".*", "job": ".*", "namespace": ".*", "queueconsumer": ".*"}
HOUR = 3600
END = recorded_run.START + recorded_run.LONG - recorded_run.SCRAPE
# What is not the operator's: of Prometheus itself, kube-state-metrics, the kubelet, the consumer image.
OTHERS = re.compile(r"(ALERTS|scrape_|kube_|container_|queue_consumer_|process_|python_gc_|queueconsumer:)")
# They are in collapsed rows that say so, or there is nothing to show when all is well.
EMPTY = {"Errors of the API server"}


@pytest.fixture(scope="module")
def recorded() -> tuple[list[str], list[Event]]:
    return recorded_run.run()


@pytest.fixture(scope="module")
def prometheus(
    recorded: tuple[list[str], list[Event]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    with prometheus_server.running(tmp_path_factory.mktemp("prometheus"), recorded[0]) as server:
        yield server


def test_the_json_is_what_its_source_says() -> None:
    done = subprocess.run([sys.executable, "-m", "dashboards", "--check"], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", BOARDS)
def test_the_linter_finds_nothing(name: str) -> None:
    assert list(findings(BOARDS[name])) == []


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
    seconds = 3 * HOUR
    empty = []
    for panel in grafana.panels(BOARDS[name]):
        step = grafana.step_of(seconds, least=panel.get("interval") or "1s")
        for target in panel["targets"]:
            expr = grafana.interpolated(target["expr"], step=step, seconds=seconds, chosen=EVERYTHING)
            if target.get("instant"):
                found = prometheus.instant(expr, at=END)
            else:
                found = prometheus.range(expr, start=END - seconds, end=END, step=step)
            if not found and panel["title"] not in EMPTY:
                empty.append(f"{panel['title']}: {expr}")

    assert empty == []


@pytest.mark.parametrize("hours", [1, 3, 6])
def test_at_least_99_of_100_scale_events_are_marked_also_over_a_change_of_leader(
    hours: int, prometheus: Prometheus, recorded: tuple[list[str], list[Event]]
) -> None:
    # Half of the time is before the change, half of it after.
    begin = recorded_run.CHANGE - hours * HOUR // 2
    end = min(begin + hours * HOUR, END)
    found = _scale_marks(prometheus, begin=begin, end=end)
    # The last scrape interval's events have not been scraped yet.
    events = [event for event in recorded[1] if begin <= event.at < end - 2 * recorded_run.SCRAPE]
    marked = [
        event
        for event in events
        if any(
            mark.time - recorded_run.SCRAPE <= event.at <= mark.end + 1
            for mark in found[event.name, event.direction, event.reason]
        )
    ]

    assert len(events) > 20 * hours
    assert len(marked) / len(events) >= 0.99


def test_a_mark_says_why_and_stands_where_the_event_was(
    prometheus: Prometheus, recorded: tuple[list[str], list[Event]]
) -> None:
    event = next(event for event in recorded[1] if event.at > recorded_run.CHANGE + HOUR and event.reason == "WokeUp")
    found = _scale_marks(prometheus, begin=event.at - HOUR, end=event.at + HOUR)[event.name, "up", "WokeUp"]

    (mark,) = [mark for mark in found if mark.time == event.at]
    assert mark.title == f"▲ shop/{event.name} up: WokeUp"
    assert mark.text.startswith("Why: WokeUp.")
    assert mark.tags == ("up", "WokeUp")


@pytest.mark.parametrize("hours", [1, 6])
def test_the_bars_count_each_event_once_over_a_change_of_leader(
    hours: int, prometheus: Prometheus, recorded: tuple[list[str], list[Event]]
) -> None:
    (panel,) = [panel for panel in grafana.panels(BOARDS["fleet"]) if panel["title"].startswith("Scale events by")]
    step = grafana.step_of(hours * HOUR, least=panel["interval"])
    # Bars stand at multiples of the step, each for the step before it.
    begin = (recorded_run.CHANGE - hours * HOUR // 2) // step * step
    end = begin + hours * HOUR // step * step
    expr = grafana.interpolated(panel["targets"][0]["expr"], step=step, seconds=hours * HOUR, chosen=EVERYTHING)

    counted: dict[tuple[str, str], float] = {}
    for series in prometheus.range(expr, start=begin + step, end=end, step=step):
        kind = series["metric"]["direction"], series["metric"]["reason"]
        counted[kind] = sum(float(value) for _, value in series["values"])

    # A scrape at the end of a bar has what came up to it; what the old leader did after its last scrape nobody has.
    last_scrape = (recorded_run.CHANGE - 1) // recorded_run.SCRAPE * recorded_run.SCRAPE
    happened: dict[tuple[str, str], float] = {}
    for event in recorded[1]:
        if begin < event.at <= end and not last_scrape < event.at < recorded_run.CHANGE:
            happened[event.direction, event.reason] = happened.get((event.direction, event.reason), 0) + 1
    assert counted == happened


def _scale_marks(prometheus: Prometheus, *, begin: int, end: int) -> dict[tuple[str, str, str], list[grafana.Mark]]:
    """The marks of the dashboard, by QueueConsumer, direction and reason."""
    found: dict[tuple[str, str, str], list[grafana.Mark]] = {}
    for annotation in BOARDS["detail"]["annotations"]["list"]:
        if not annotation["name"].startswith("Scaled"):
            continue
        step = grafana.step_of(end - begin, least=annotation["step"])
        expr = grafana.interpolated(annotation["expr"], step=step, seconds=end - begin, chosen=EVERYTHING)
        for series in prometheus.range(expr, start=begin, end=end, step=step):
            labels = series["metric"]
            kind = labels["queueconsumer"], labels["direction"], labels["reason"]
            found[kind] = list(grafana.marks(annotation, [series]))
    return found


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


def test_the_folder_has_nothing_else() -> None:
    assert sorted(path.stem for path in Path(grafana.FOLDER).iterdir()) == ["alerts", "detail", "fleet", "operator"]


def _broken(name: str) -> dict[str, Any]:
    """The fleet with one thing wrong."""
    board = deepcopy(BOARDS["fleet"])
    panel = next(grafana.panels(board))
    defaults, target = panel["fieldConfig"]["defaults"], panel["targets"][0]
    match name:
        case "no description":
            panel["description"] = ""
        case "no unit":
            del defaults["unit"]
        case "the editor's thresholds":
            defaults["thresholds"]["steps"] = [{"value": None, "color": "green"}, {"value": 80, "color": "red"}]
        case "another data source":
            target["datasource"] = {"type": "prometheus", "uid": "P123"}
        case "no cluster":
            target["expr"] = 'sum(queueconsumer_info{job=~"$job"})'
        case "a fixed window":
            target["expr"] = "sum(rate(up[5m]))"
        case "an unknown variable":
            target["expr"] = 'up{pod="$pod"}'
        case "editable":
            board["editable"] = True
        case "a row that asks nothing":
            board["panels"][0]["title"] = "Overview"
    return board


@pytest.mark.parametrize(
    "name",
    [
        *("no description", "no unit", "the editor's thresholds", "another data source"),
        *("no cluster", "a fixed window", "an unknown variable", "editable", "a row that asks nothing"),
    ],
)
def test_the_linter_finds_what_is_wrong(name: str) -> None:
    assert len(list(findings(_broken(name)))) == 1
