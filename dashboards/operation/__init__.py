"""The operator itself: whether it works, how quick it is, and what it costs."""

from __future__ import annotations

from dashboards import board as boards
from dashboards.operation import access, cost, speed, working


def board() -> boards.Board:
    """The dashboard."""
    made = boards.board(
        "queueconsumer-operator",
        "QueueConsumer / Operator",
        "The operator's own health: who leads, how quick decisions are, brokers and API server, memory and CPU.",
        since="now-3h",
        refresh="30s",
    )
    boards.row(made, "Does it work?", working.panels())
    boards.row(made, "Is it quick?", speed.panels())
    boards.row(made, "Can it read and write?", access.panels())
    return boards.row(made, "What does it cost?", cost.panels())
