"""What Grafana does between a dashboard and Prometheus, as far as the dashboards here need it.

Variables are as "Global variables" of its documentation has them. Annotations are a port of
processEvents of its Prometheus data source (packages/grafana-prometheus/src/annotations.ts).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from examples.demo.prometheus_server import Prometheus
from tests.dashboards.alert_rules import RULES

FOLDER: Final = RULES.parent / "dashboards"
WIDTH: Final = 1000
"""Points of a graph: its width in pixels."""
SCRAPE: Final = 30
"""The scrape interval of the data source, in seconds."""
EVERYTHING: Final = dict.fromkeys(("cluster", "job", "namespace", "queueconsumer", "target_name"), ".*")
"""The choice in each variable that leaves nothing out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An annotation: a time, or a region from one to another, in seconds."""

    time: float
    end: float
    title: str
    text: str
    tags: tuple[str, ...]


def dashboards() -> dict[str, dict[str, Any]]:
    """The shipped dashboards by their file's name."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(Path(FOLDER).glob("*.json"))}


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The panels, also those of collapsed rows, without the rows themselves."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels") or ()
        else:
            yield panel


def seconds(duration: str) -> int:
    """A duration such as 2m."""
    amount, unit = re.fullmatch(r"(\d+)([smh])", duration).groups()
    return int(amount) * {"s": 1, "m": 60, "h": 3600}[unit]


def step_of(long: int, *, least: str = "1s") -> int:
    """Seconds between two points of a query over this long."""
    return max(seconds(least), math.ceil(long / WIDTH))


def interpolated(expr: str, *, step: int, seconds: int, chosen: dict[str, str]) -> str:
    """A query as Prometheus gets it."""
    known = {
        "__rate_interval": f"{max(step + SCRAPE, 4 * SCRAPE)}s",
        "__interval": f"{step}s",
        "__range": f"{seconds}s",
        **chosen,
    }
    return re.sub(r"\$(\w+)", lambda name: known[name[1]], expr)


def answers(
    board: dict[str, Any],
    prometheus: Prometheus,
    *,
    start: int,
    end: int,
    chosen: dict[str, str],
    now: int | None = None,
) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Title, query and series of every query of the panels; what asks for one number gets that of `now`, or the end."""
    for panel in panels(board):
        step = step_of(end - start, least=panel.get("interval") or "1s")
        for target in panel["targets"]:
            expr = interpolated(target["expr"], step=step, seconds=end - start, chosen=chosen)
            if target.get("instant"):
                found = prometheus.instant(expr, at=end if now is None else now)
            else:
                found = prometheus.range(expr, start=start, end=end, step=step)
            yield panel["title"], expr, found


def marks(annotation: dict[str, Any], series: list[dict[str, Any]], *, joined: int | None = None) -> Iterator[Mark]:
    """The annotations that Grafana makes of the answer to an annotation's query.

    Times no more than `joined` seconds apart are one region: the step of the query in newer releases, that of the
    annotation in older ones.
    """
    step = (joined or seconds(annotation["step"])) * 1000
    for each in series:
        labels = each["metric"]
        if annotation.get("useValueForTime"):
            times = [math.floor(float(value)) for _, value in each["values"]]
        else:
            times = [math.floor(float(time) * 1000) for time, value in each["values"] if float(value) > 0]
        regions: list[list[int]] = []
        for time in times:
            if regions and regions[-1][1] + step >= time:
                regions[-1][1] = time
            else:
                regions.append([time, time])
        for begin, end in regions:
            yield Mark(
                time=begin / 1000,
                end=end / 1000,
                title=_filled(annotation.get("titleFormat") or "", labels),
                text=_filled(annotation.get("textFormat") or "", labels),
                tags=tuple(labels[key] for key in (annotation.get("tagKeys") or "").split(",") if key in labels),
            )


def _filled(template: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda name: labels.get(name[1], ""), template)
