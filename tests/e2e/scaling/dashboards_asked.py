"""What the dashboards ask Prometheus, for panels, for marks in graphs and for what a person may choose."""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from examples.demo import monitoring
from examples.demo.prometheus_server import Prometheus
from tests.dashboards import grafana
from tests.e2e.scaling.workload import Workload

Series = list[dict[str, Any]]

LOOKED_AT: Final = 16 * 60
"""Seconds that a dashboard shows. A whole number of the bars' intervals of two minutes: the last bar ends with it."""
NOTHING: Final = {
    ("alerts", "When alerts fired"): "all is well",
    ("alerts", "Firing now"): "all is well",
    ("detail", "Failures of reading by reason"): "all is well",
    ("operator", "Errors of the API server"): "all is well",
    ("detail", "Pods by phase"): "there is no kube-state-metrics here, which this collapsed row asks for",
    ("detail", "Restarts of containers"): "there is no kube-state-metrics here, which this collapsed row asks for",
    ("detail", "CPU"): "the kubelet is not scraped, which this collapsed row asks for",
}
"""Panels that may have nothing to show in this run, by dashboard and title, and why."""
UNMARKED: Final = {
    "Fallback": "the queue is read all the time",
    "Alerts": "all is well",
}
"""Marks that need not be there in this run, and why."""


def chosen(workload: Workload) -> dict[str, str]:
    """What a person has chosen at the head of a dashboard."""
    return {
        "cluster": ".*",
        "job": monitoring.OPERATOR_JOB,
        "namespace": workload.namespace,
        "queueconsumer": workload.name,
        "target_name": workload.name,
    }


def unanswered(prometheus: Prometheus, variables: Mapping[str, str], *, busy: int, end: int) -> list[str]:
    """Queries of panels to which there is no number, neither while messages were there nor afterwards."""
    missing = []
    for name, board in grafana.dashboards().items():
        per_moment = [
            list(grafana.answers(board, prometheus, start=end - LOOKED_AT, end=end, now=moment, chosen=dict(variables)))
            for moment in (busy, end)
        ]
        for moments in zip(*per_moment, strict=True):
            title, expr, _ = moments[0]
            if (name, title) not in NOTHING and not any(_has_numbers(series) for _, _, series in moments):
                missing.append(f"{name}: {title}: {expr}")
    return missing


def _has_numbers(series: Series) -> bool:
    """Whether there is anything to draw: a quantile of nothing is NaN."""
    values = [value for each in series for _, value in (each.get("values") or [each["value"]])]
    return any(math.isfinite(float(value)) for value in values)


def unmarked(prometheus: Prometheus, workload: Workload, *, end: int) -> list[str]:
    """Changes of the QueueConsumer's status, and other things that have happened here, without a mark in the graphs."""
    marked, missing = set(), []
    for board in grafana.dashboards().values():
        for annotation in board["annotations"].get("list", ()):
            if not annotation.get("expr"):
                continue
            step = grafana.step_of(LOOKED_AT, least=annotation["step"])
            expr = grafana.interpolated(annotation["expr"], step=step, seconds=LOOKED_AT, chosen=chosen(workload))
            series = prometheus.range(expr, start=end - LOOKED_AT, end=end, step=step)
            times = {round(mark.time) for mark in grafana.marks(annotation, series)}
            if annotation["name"].startswith("Scaled"):
                marked |= times
            elif not times and annotation["name"] not in UNMARKED:
                missing.append(annotation["name"])
    return missing + [json.dumps(change) for change in workload.status["history"] if _at(change) not in marked]


def _at(change: dict[str, Any]) -> int:
    return round(datetime.fromisoformat(change["time"]).timestamp())


def unfilled(prometheus: Prometheus, variables: Mapping[str, str], *, end: int) -> list[str]:
    """Variables at the head of a dashboard for which there is nothing to choose; nobody names clusters here."""
    missing = []
    for name, board in grafana.dashboards().items():
        for variable in board["templating"]["list"]:
            found = re.fullmatch(r"label_values\((.*), (\w+)\)", variable.get("definition") or "")
            if found is None or found[2] == "cluster":
                continue
            expr = grafana.interpolated(found[1], step=60, seconds=LOOKED_AT, chosen=dict(variables))
            values = {each["metric"].get(found[2]) for each in prometheus.instant(expr, at=end)}
            if variables[found[2]] not in values:
                missing.append(f"{name}: {variable['name']}: {values}")
    return missing


def excused() -> set[tuple[str, str]]:
    """Panels and marks that are excused above and do not exist."""
    boards = grafana.dashboards()
    titles = {(name, panel["title"]) for name, board in boards.items() for panel in grafana.panels(board)}
    marks = {each["name"] for board in boards.values() for each in board["annotations"].get("list", ())}
    return (NOTHING.keys() - titles) | {("marks", name) for name in UNMARKED.keys() - marks}
