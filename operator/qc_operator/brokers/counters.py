"""Message counters of queues that never fall, made from those of the broker that do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from qc_operator.scaling.observation import Counters


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A queue's counters as the broker shows them: since the queue, or the statistics, came to be."""

    published: int
    acknowledged: int
    delivered: int
    redelivered: int = 0


LIKELY: Final = 10
"""A counter that fell was reset if it shows no more than so many times its last growth, and so many besides."""


class CounterLedger:
    """Adds up what the counters of each queue grow by.

    They begin anew when a queue is deleted and declared again, and when a broker starts: all they show then has come
    since. They also fall when a node of a cluster leaves the sums, by which what remains is old and may be a million.
    What is told apart by its size is not told apart for sure, so what looks too large adds nothing.
    """

    def __init__(self) -> None:
        self._shown: dict[str, Counts] = {}
        self._grew: dict[str, Counts] = {}
        self._counters: dict[str, Counters] = {}

    def of(self, queue: str) -> Counters | None:
        """Since the first reading; None before it."""
        return self._counters.get(queue)

    def add(self, readings: Mapping[str, Counts], *, at: float) -> None:
        """Take in what the broker showed when it was asked at that time."""
        for queue, now in readings.items():
            before, sums = self._shown.get(queue, now), self._counters.get(queue, NONE)
            last = self._grew.get(queue, NOTHING)
            grew = Counts(
                published=_growth(before.published, now.published, last=last.published),
                acknowledged=_growth(before.acknowledged, now.acknowledged, last=last.acknowledged),
                delivered=_growth(before.delivered, now.delivered, last=last.delivered),
                redelivered=_growth(before.redelivered, now.redelivered, last=last.redelivered),
            )
            self._shown[queue], self._grew[queue] = now, grew
            self._counters[queue] = Counters(
                published=sums.published + grew.published,
                acknowledged=sums.acknowledged + grew.acknowledged,
                delivered=sums.delivered + grew.delivered,
                redelivered=sums.redelivered + grew.redelivered,
                at=at,
            )

    def keep(self, queues: Collection[str]) -> None:
        """Forget all queues but these."""
        for queue in self._shown.keys() - set(queues):
            del self._shown[queue], self._grew[queue], self._counters[queue]


NOTHING: Final = Counts(published=0, acknowledged=0, delivered=0)
NONE: Final = Counters(published=0, acknowledged=0, delivered=0, at=0.0)


def _growth(before: int, now: int, *, last: int) -> int:
    if now >= before:
        return now - before
    return now if now <= LIKELY * last + LIKELY else 0
