"""Who is told of each question to a broker, as for a metric."""

from __future__ import annotations

from typing import Protocol


class Asked(Protocol):
    """Told of one question that was answered or given up."""

    def __call__(self, method: str, seconds: float, *, good: bool) -> None:
        """`method` is `declare` for one queue or `totals` for a vhost, `good` whether there was an answer."""


def nobody(method: str, seconds: float, *, good: bool) -> None:
    """Nobody is told."""
