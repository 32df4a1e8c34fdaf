"""What happened: scale events, reversals, and how long pods took to start."""

from __future__ import annotations

from dashboards import board as boards
from dashboards.meaning import BAD, COUNT, SECONDS, WARN, Meaning, Panel, Query
from dashboards.overrides import coloured
from dashboards.panels import bars, number
from dashboards.queries import COUNTED, counted, each


def panels() -> list[Panel]:
    """The panels."""
    return [
        bars(
            Meaning(
                title="Scale events by direction and reason",
                description="Every change of replicas, counted once, at any range. The marks in the graphs say when. "
                f"{COUNTED}",
                unit=COUNT,
                no_value="no scale event in this time",
            ),
            [Query(expr=counted("scale_events_total", "direction", "reason"), legend="{{direction}}: {{reason}}")],
            width=8,
        ).interval("2m"),
        bars(
            Meaning(
                title="Replicas added and taken away",
                description="How many replicas the changes were about. Many small ones up and down cost start-up time. "
                f"{COUNTED}",
                unit=COUNT,
                no_value="none in this time",
            ),
            [Query(expr=counted("scaled_replicas_total", "direction"), legend="{{direction}}")],
            width=8,
        )
        .interval("2m")
        .override_by_name("up", coloured("green"))
        .override_by_name("down", coloured("blue")),
        number(
            Meaning(
                title="Reversals per hour",
                description="Changes in the other direction than the one before. Six an hour is flapping: widen "
                "the window of behavior.scaleDown, or the gap between the two thresholds of lag.",
                unit=COUNT,
                thresholds=((None, "green"), (3, WARN), (6, BAD)),
                decimals=0,
            ),
            f"sum(increase(queueconsumer_direction_reversals_total{{{boards.CONSUMER}}}[1h]))",
            height=6,
        ),
        number(
            Meaning(
                title="Start of a pod",
                description="From the creation of a pod to its first acknowledgement, p90. Longer than the "
                "objective means that a cold start cannot be in time.",
                unit=SECONDS,
                no_value="not observed yet",
            ),
            each("estimated_start_seconds"),
            height=6,
        ),
    ]
