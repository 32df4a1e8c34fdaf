"""Tables: one line for each object, with a column for each query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from grafana_foundation_sdk.builders import common as build
from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models import prometheus as prometheus_model

from dashboards.meaning import Meaning, Query, States, described, ref, target
from dashboards.overrides import Overrides, custom


def columns(
    meaning: Meaning,
    queries: Sequence[Query],
    *,
    hidden: Sequence[str] = (),
    renamed: Mapping[str, str] = MappingProxyType({}),
    sort_by: Sequence[str],
    overrides: Sequence[tuple[str, Overrides]] = (),
    height: int = 12,
) -> table.Panel:
    """One line for each set of labels that the queries share, and a column for each query, named by its legend.

    Queries in `hidden` have no column beside their labels', which `renamed` gives a title. The first column in
    `sort_by` counts first, the largest on top: Grafana puts lines without a value in it below all others, so it should
    be one that each line has.
    """
    panel = table.Panel().height(height).span(24).filterable(True)
    names: dict[str, str] = {}
    for index, query in enumerate(queries):
        panel.with_target(target(query, index=index).format(prometheus_model.PromQueryFormat.TABLE))
        # With one query alone Grafana's data source for Prometheus leaves the letter out.
        names[f"Value #{ref(index)}" if len(queries) > 1 else "Value"] = query.legend
    panel.with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
    unseen = (name for name, title in names.items() if title in hidden)
    exclude = dict.fromkeys(("Time", *unseen), True)
    options: dict[str, Any] = {"excludeByName": exclude, "renameByName": {**names, **renamed}, "indexByName": {}}
    panel.with_transformation(dashboard.DataTransformerConfig(id_val="organize", options=options))
    panel.sort_by([build.TableSortByFieldState().display_name(name).desc(True) for name in sort_by])
    for name, properties in overrides:
        panel.override_by_name(name, properties)
    return described(panel, meaning)


def column(
    unit: str,
    *,
    thresholds: Sequence[tuple[float | None, str]] = (),
    link: tuple[str, str] | None = None,
    states: States | None = None,
) -> Overrides:
    """Properties of a column: its unit, the colours of its cells, where a click leads (title and address).

    `states` are words and colours of its values.
    """
    properties = [custom("unit", unit)]
    if thresholds:
        steps = [{"value": value, "color": colour} for value, colour in thresholds]
        properties.append(custom("thresholds", {"mode": "absolute", "steps": steps}))
        properties.append(custom("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    if states is not None:
        words = {
            value: {"text": text, "color": colour, "index": index}
            for index, (value, (text, colour)) in enumerate(states.items())
        }
        properties.append(custom("mappings", [{"type": "value", "options": words}]))
        properties.append(custom("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    if link is not None:
        properties.append(custom("links", [{"title": link[0], "url": link[1], "targetBlank": False}]))
    return properties
