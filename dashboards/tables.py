"""Tables: one line for each object, with a column for each query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import common as build
from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models import prometheus as prometheus_model

from dashboards.meaning import Meaning, Query, described, ref, target
from dashboards.overrides import Overrides, custom


def columns(
    meaning: Meaning,
    queries: Sequence[Query],
    *,
    hidden: Sequence[str] = (),
    sort_by: str,
    overrides: Sequence[tuple[str, Overrides]] = (),
    height: int = 12,
) -> table.Panel:
    """One line for each set of labels that the queries share, and a column for each query, named by its legend."""
    panel = table.Panel().height(height).span(24).filterable(True)
    names: dict[str, str] = {}
    for index, query in enumerate(queries):
        panel.with_target(target(query, index=index).format(prometheus_model.PromQueryFormat.TABLE))
        names[f"Value #{ref(index)}"] = query.legend
    panel.with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
    exclude = dict.fromkeys(("Time", *hidden), True)
    options: dict[str, Any] = {"excludeByName": exclude, "renameByName": names, "indexByName": {}}
    panel.with_transformation(dashboard.DataTransformerConfig(id_val="organize", options=options))
    panel.sort_by([build.TableSortByFieldState().display_name(sort_by).desc(True)])
    for name, properties in overrides:
        panel.override_by_name(name, properties)
    return described(panel, meaning)


def column(
    unit: str, *, thresholds: Sequence[tuple[float | None, str]] = (), link: tuple[str, str] | None = None
) -> Overrides:
    """Properties of a column: its unit, the colours of its cells, where a click leads (title and address)."""
    properties = [custom("unit", unit)]
    if thresholds:
        steps = [{"value": value, "color": colour} for value, colour in thresholds]
        properties.append(custom("thresholds", {"mode": "absolute", "steps": steps}))
        properties.append(custom("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    if link is not None:
        properties.append(custom("links", [{"title": link[0], "url": link[1], "targetBlank": False}]))
    return properties
