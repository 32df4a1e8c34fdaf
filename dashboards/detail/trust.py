"""Can it be trusted: readings, their failures, and conditions."""

from __future__ import annotations

from dashboards.meaning import BAD, CALM, COUNT, SECONDS, WARN, Meaning, Panel, Query
from dashboards.panels import bars, graph, lanes
from dashboards.queries import COUNTED, age_of_reading, counted, each


def panels() -> list[Panel]:
    """The panels."""
    return [
        graph(
            Meaning(
                title="Age of the last reading",
                description="How long ago the queues had last been read and decided upon when Prometheus asked. Of "
                "thousands that are at rest each has its turn within 10 s: 15 s is slow. 60 s raises an alert, and "
                "replicas do not go down.",
                unit=SECONDS,
                thresholds=((None, CALM), (15, WARN), (60, BAD)),
                no_value="never read",
            ),
            [Query(expr=age_of_reading(), legend="age")],
            width=8,
            area=True,
        ),
        bars(
            Meaning(
                title="Failures of reading by reason",
                description=f"Times that the queues could no longer be read, by the reason that Ready shows. {COUNTED}",
                unit=COUNT,
                no_value="none in this time",
            ),
            [Query(expr=counted("reading_failures_total", "reason"), legend="{{reason}}")],
            width=8,
            height=8,
        ).interval("2m"),
        lanes(
            Meaning(
                title="Conditions",
                description="Ready should be True. Paused and FallbackActive say that something other than the "
                "queues decides. A gap means Unknown.",
                unit="none",
            ),
            [Query(expr=each("status_condition", "condition"), legend="{{condition}}")],
            width=8,
            height=8,
            states={"1": ("True", "blue"), "0": ("False", "gray")},
        ),
        lanes(
            Meaning(
                title="Reason of the condition Ready",
                description="Scaling, or Observing, is well. Everything else says in one word what is in the way.",
                unit="none",
                no_value="not known",
            ),
            [Query(expr=each("status_ready_reason", "reason"), legend="{{reason}}")],
            height=4,
            states={"1": ("in force", "purple")},
        ),
    ]
