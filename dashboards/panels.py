"""Panels of each kind, every one with all that a reader needs: see `meaning.py`."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import bargauge, heatmap, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders import common as build
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import prometheus as prometheus_model

from dashboards.meaning import Meaning, Query, States, described, target


def number(
    meaning: Meaning,
    expr: str,
    *,
    width: int = 4,
    height: int = 4,
    text: str | None = None,
    states: States | None = None,
) -> stat.Panel:
    """One number of now, in the colour of its threshold; with `text` the name of a label in its place.

    `states` are words and colours of its values.
    """
    panel = stat.Panel().height(height).span(width)
    panel.mappings(_words(states))
    panel.with_target(target(Query(expr=expr, legend=f"{{{{{text}}}}}" if text else "", instant=True), index=0))
    panel.reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.graph_mode(common.BigValueGraphMode.NONE).color_mode(common.BigValueColorMode.BACKGROUND)
    panel.text_mode(common.BigValueTextMode.NAME if text else common.BigValueTextMode.VALUE)
    return described(panel, meaning)


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
        panel.with_target(target(query, index=index))
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
    return described(panel, meaning)


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
    states: States | None = None,
) -> statetimeline.Panel:
    """A lane for each series; `states` are words and colours of its values."""
    panel = statetimeline.Panel().height(height).span(width).show_value(common.VisibilityMode.AUTO).fill_opacity(80)
    for index, query in enumerate(queries):
        panel.with_target(target(query, index=index))
    panel.mappings(_words(states))
    return described(panel, meaning)


def ranking(meaning: Meaning, query: Query, *, width: int = 12, height: int = 8) -> bargauge.Panel:
    """The first of many, the largest on top."""
    panel = bargauge.Panel().height(height).span(width).with_target(target(query, index=0))
    panel.orientation(common.VizOrientation.HORIZONTAL).display_mode(common.BarGaugeDisplayMode.BASIC).min(0)
    panel.reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"]))
    return described(panel, meaning)


def heat(meaning: Meaning, query: Query, *, width: int = 12, height: int = 8) -> heatmap.Panel:
    """How often a histogram's values were in which range."""
    panel = heatmap.Panel().height(height).span(width)
    return described(
        panel.with_target(target(query, index=0).format(prometheus_model.PromQueryFormat.HEATMAP)), meaning
    )


def _words(states: States | None) -> list[dashboard.ValueMapping]:
    """What stands for values."""
    results = {
        value: dashboard.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate((states or {}).items())
    }
    return [dashboard.ValueMap(options=results)] if results else []
