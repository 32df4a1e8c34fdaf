"""All QueueConsumers: which of them need somebody, and what happened."""

from __future__ import annotations

from dashboards import board as boards
from dashboards.fleet import numbers, worst_first
from dashboards.marks import with_marks
from dashboards.meaning import COUNT, Meaning, Panel, Query
from dashboards.panels import bars
from dashboards.queries import COUNTED, counted


def board() -> boards.Board:
    """The dashboard."""
    made = boards.board(
        "queueconsumer-fleet",
        "QueueConsumer / Fleet",
        "All QueueConsumers of an operator, worst first. A name in the table leads to its details.",
        since="now-6h",
        refresh="30s",
    )
    made = with_marks(boards.with_consumers(made, several=True))
    boards.row(made, "Is work on time?", numbers.panels())
    boards.row(made, "Which ones need somebody?", [worst_first.table(), *worst_first.rankings()])
    return boards.row(made, "What happened?", [_events()])


def _events() -> Panel:
    return bars(
        Meaning(
            title="Scale events by direction and reason",
            description="Every change of replicas, counted once, at any range: the marks in graphs may merge when "
            f"they are close together, these bars do not. {COUNTED}",
            unit=COUNT,
            no_value="no scale event in this time",
        ),
        [Query(expr=counted("scale_events_total", "direction", "reason"), legend="{{direction}}: {{reason}}")],
        height=8,
    ).interval("2m")
