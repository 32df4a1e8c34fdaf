"""One QueueConsumer: four questions, one after the other, on one time axis."""

from __future__ import annotations

from dashboards import board as boards
from dashboards.detail import history, replicas, trust, work_on_time, workload
from dashboards.marks import with_marks


def board() -> boards.Board:
    """The dashboard."""
    made = boards.board(
        "queueconsumer-detail",
        "QueueConsumer / Detail",
        "One QueueConsumer: is work on time, why this many pods, what happened, and can it be trusted.",
        since="now-3h",
        refresh="10s",
    )
    made = with_marks(boards.with_target(boards.with_consumers(made, several=False)))
    made.link(boards.runbooks())
    boards.row(made, "Is work on time?", work_on_time.panels())
    boards.row(made, "Why this many pods?", replicas.panels())
    boards.row(made, "What happened?", history.panels())
    boards.row(made, "Can I trust it?", trust.panels())
    return boards.row(made, "What does the workload say?", workload.panels(), collapsed=True)
