"""Properties that one line or one column of a panel has and the others do not."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard

Overrides = list[dashboard.DynamicConfigValue]


def dashed(name: str, colour: str, *, dots: bool = False) -> Overrides:
    """Properties of a line that is a limit or a wish, and no measurement. `name` is told by its legend."""
    style = {"fill": "dot", "dash": [0, 8]} if dots else {"fill": "dash", "dash": [8, 6]}
    return [
        custom("color", {"mode": "fixed", "fixedColor": colour}),
        custom("custom.lineStyle", style),
        custom("displayName", name),
    ]


def band(*, down_to: str) -> Overrides:
    """Properties of a line with a faint band from it down to another one."""
    return [custom("custom.fillBelowTo", down_to), custom("custom.fillOpacity", 8)]


def coloured(colour: str) -> Overrides:
    """Properties of a line of this colour."""
    return [custom("color", {"mode": "fixed", "fixedColor": colour})]


def custom(name: str, value: object) -> dashboard.DynamicConfigValue:
    """One property, by the name that Grafana has for it."""
    return dashboard.DynamicConfigValue(id_val=name, value=value)
