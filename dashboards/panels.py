"""Panels, each with all that a reader needs: a title, what it means and what is bad, a unit, thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import bargauge, heatmap, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import common as build
from grafana_foundation_sdk.builders import dashboard as parts
from grafana_foundation_sdk.models import common, dashboard, units
from grafana_foundation_sdk.models import prometheus as prometheus_model

DATASOURCE: Final = common.DataSourceRef(type_val="prometheus", uid="${datasource}")

Panel = stat.Panel | timeseries.Panel | statetimeline.Panel | table.Panel | bargauge.Panel | heatmap.Panel
P = TypeVar("P", bound=Panel)
UP, DOWN, CALM, WARN, BAD, INFO = "green", "blue", "transparent", "orange", "red", "purple"

COUNT: Final = units.Short
SECONDS: Final = units.Seconds
RATE: Final = "cps"
SHARE: Final = units.PercentUnit
TIME: Final = units.DateTimeFromNow


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


def number(meaning: Meaning, expr: str, *, width: int = 4, text: str | None = None) -> stat.Panel:
    """One number of now, in the colour of its threshold; with `text` the name of a label in its place."""
    panel = stat.Panel().height(4).span(width)
    panel.with_target(_target(Query(expr=expr, legend=f"{{{{{text}}}}}" if text else "", instant=True), index=0))
    panel.reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.graph_mode(common.BigValueGraphMode.NONE).color_mode(common.BigValueColorMode.BACKGROUND)
    panel.text_mode(common.BigValueTextMode.NAME if text else common.BigValueTextMode.VALUE)
    return _described(panel, meaning)


def graph(
    meaning: Meaning,
    queries: Sequence[Query],
    *,
    width: int = 12,
    height: int = 8,
    steps: bool = False,
    area: bool = False,
) -> timeseries.Panel:
    """Lines over time; `steps` for what jumps, `area` to colour what is beyond a threshold."""
    panel = timeseries.Panel().height(height).span(width)
    for index, query in enumerate(queries):
        panel.with_target(_target(query, index=index))
    interpolation = common.LineInterpolation.STEP_AFTER if steps else common.LineInterpolation.LINEAR
    panel.line_interpolation(interpolation).line_width(2).fill_opacity(0).show_points(common.VisibilityMode.NEVER)
    panel.min(0)
    style = common.GraphThresholdsStyleMode.AREA if area else common.GraphThresholdsStyleMode.OFF
    panel.thresholds_style(build.GraphThresholdsStyleConfig().mode(style))
    panel.legend(
        build.VizLegendOptions()
        .show_legend(True)
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
    )
    panel.tooltip(build.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
    return _described(panel, meaning)


def bars(meaning: Meaning, queries: Sequence[Query], *, width: int = 24, height: int = 6) -> timeseries.Panel:
    """Bars over time, one upon the other: what adds up to a whole."""
    panel = graph(meaning, queries, width=width, height=height)
    panel.draw_style(common.GraphDrawStyle.BARS).fill_opacity(80).line_width(0)
    return panel.stacking(build.StackingConfig().mode(common.StackingMode.NORMAL))


def lanes(
    meaning: Meaning,
    queries: Sequence[Query],
    *,
    width: int = 24,
    height: int = 6,
    states: dict[str, tuple[str, str]] | None = None,
) -> statetimeline.Panel:
    """A lane for each series; `states` are words and colours of its values."""
    panel = statetimeline.Panel().height(height).span(width).show_value(common.VisibilityMode.AUTO).fill_opacity(80)
    for index, query in enumerate(queries):
        panel.with_target(_target(query, index=index))
    results = {
        value: dashboard.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate((states or {}).items())
    }
    panel.mappings([dashboard.ValueMap(options=results)] if results else [])
    return _described(panel, meaning)


def ranking(meaning: Meaning, query: Query, *, width: int = 12, height: int = 8) -> bargauge.Panel:
    """The first of many, the largest on top."""
    panel = bargauge.Panel().height(height).span(width).with_target(_target(query, index=0))
    panel.orientation(common.VizOrientation.HORIZONTAL).display_mode(common.BarGaugeDisplayMode.BASIC).min(0)
    panel.reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"]))
    return _described(panel, meaning)


def heat(meaning: Meaning, query: Query, *, width: int = 12, height: int = 8) -> heatmap.Panel:
    """How often a histogram's values were in which range."""
    panel = heatmap.Panel().height(height).span(width)
    target = _target(query, index=0).format(prometheus_model.PromQueryFormat.HEATMAP)
    return _described(panel.with_target(target), meaning)


def columns(
    meaning: Meaning,
    queries: Sequence[Query],
    *,
    hidden: Sequence[str] = (),
    sort_by: str,
    overrides: Sequence[tuple[str, list[dashboard.DynamicConfigValue]]] = (),
    height: int = 12,
) -> table.Panel:
    """One line for each set of labels that the queries share, and a column for each query, named by its legend."""
    panel = table.Panel().height(height).span(24).filterable(True)
    names: dict[str, str] = {}
    for index, query in enumerate(queries):
        panel.with_target(_target(query, index=index).format(prometheus_model.PromQueryFormat.TABLE))
        names[f"Value #{_ref(index)}"] = query.legend
    panel.with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
    exclude = dict.fromkeys(("Time", *hidden), True)
    options: dict[str, Any] = {"excludeByName": exclude, "renameByName": names, "indexByName": {}}
    panel.with_transformation(dashboard.DataTransformerConfig(id_val="organize", options=options))
    panel.sort_by([build.TableSortByFieldState().display_name(sort_by).desc(True)])
    for name, properties in overrides:
        panel.override_by_name(name, properties)
    return _described(panel, meaning)


def dashed(name: str, colour: str) -> list[dashboard.DynamicConfigValue]:
    """Properties of a line that is a limit and no measurement. `name` is told by its legend."""
    return [
        _property("color", {"mode": "fixed", "fixedColor": colour}),
        _property("custom.lineStyle", {"fill": "dash", "dash": [8, 6]}),
        _property("displayName", name),
    ]


def coloured(colour: str) -> list[dashboard.DynamicConfigValue]:
    """Properties of a line of this colour."""
    return [_property("color", {"mode": "fixed", "fixedColor": colour})]


def column(
    unit: str, *, thresholds: Sequence[tuple[float | None, str]] = (), link: tuple[str, str] | None = None
) -> list[dashboard.DynamicConfigValue]:
    """Properties of a column: its unit, the colours of its cells, where a click leads (title and address)."""
    properties = [_property("unit", unit)]
    if thresholds:
        steps = [{"value": value, "color": colour} for value, colour in thresholds]
        properties.append(_property("thresholds", {"mode": "absolute", "steps": steps}))
        properties.append(_property("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    if link is not None:
        properties.append(_property("links", [{"title": link[0], "url": link[1], "targetBlank": False}]))
    return properties


def _property(name: str, value: object) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue(id_val=name, value=value)


def _described(panel: P, meaning: Meaning) -> P:
    panel.title(meaning.title).description(meaning.description).datasource(DATASOURCE)
    panel.unit(meaning.unit).no_value(meaning.no_value)
    steps = [dashboard.Threshold(value=value, color=colour) for value, colour in meaning.thresholds]
    panel.thresholds(parts.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps))
    if meaning.decimals is not None:
        panel.decimals(meaning.decimals)
    return panel


def _target(query: Query, *, index: int) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend or "__auto").ref_id(_ref(index))
    target.datasource(DATASOURCE).editor_mode(prometheus_model.QueryEditorMode.CODE)
    return target.instant() if query.instant else target.range()


def _ref(index: int) -> str:
    return chr(ord("A") + index)
