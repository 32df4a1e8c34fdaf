"""What a panel is told of itself: its title, what it means and what is bad, its unit, its thresholds, its queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from grafana_foundation_sdk.builders import bargauge, heatmap, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as parts
from grafana_foundation_sdk.models import common, dashboard, units
from grafana_foundation_sdk.models import prometheus as prometheus_model

DATASOURCE: Final = common.DataSourceRef(type_val="prometheus", uid="${datasource}")

Panel = stat.Panel | timeseries.Panel | statetimeline.Panel | table.Panel | bargauge.Panel | heatmap.Panel
P = TypeVar("P", bound=Panel)
CALM, WARN, BAD = "transparent", "orange", "red"

COUNT: Final = units.Short
SECONDS: Final = units.Seconds
RATE: Final = "cps"
SHARE: Final = units.PercentUnit
TIME: Final = units.DateTimeFromNow

States = Mapping[str, tuple[str, str]]
"""Words and colours by the value that they stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question to Prometheus, and the name of what it answers: a legend or a column."""

    expr: str
    legend: str = ""
    instant: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a reader is told of a panel. `no_value` is what it says where there is nothing to show."""

    title: str
    description: str
    unit: str
    thresholds: tuple[tuple[float | None, str], ...] = ((None, CALM),)
    """From which value on which colour; the first from minus infinity on."""
    no_value: str = "nothing to show"
    decimals: int | None = None


def described(panel: P, meaning: Meaning) -> P:
    """The panel with all of that."""
    panel.title(meaning.title).description(meaning.description).datasource(DATASOURCE)
    panel.unit(meaning.unit).no_value(meaning.no_value)
    steps = [dashboard.Threshold(value=value, color=colour) for value, colour in meaning.thresholds]
    panel.thresholds(parts.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps))
    if meaning.decimals is not None:
        panel.decimals(meaning.decimals)
    return panel


def target(query: Query, *, index: int) -> prometheus.Dataquery:
    """A panel's query at this place among its queries."""
    target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend or "__auto").ref_id(ref(index))
    target.datasource(DATASOURCE).editor_mode(prometheus_model.QueryEditorMode.CODE)
    return target.instant() if query.instant else target.range()


def ref(index: int) -> str:
    """The letter by which a panel names the query at this place."""
    return chr(ord("A") + index)
