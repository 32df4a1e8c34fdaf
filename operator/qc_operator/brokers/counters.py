"""Message counters of queues that never fall, made from those of the broker that do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from qc_operator.scaling.observation import Counters


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A queue's counters as the broker shows them: since the queue, or the statistics, came to be."""

    published: int
    acknowledged: int
    delivered: int


class CounterLedger:
    """Adds up what the counters of each queue grow by.

    They begin anew when a queue is deleted and declared again, and when a broker starts; and they fall when a node of a
    cluster leaves the sums, by which what remains is old. Nobody can tell the two apart, so a reading that is lower
    than before adds nothing: that loses what came in a few seconds, while all that is shown may be a million.
    """

    def __init__(self) -> None:
        self._shown: dict[str, Counts] = {}
        self._counters: dict[str, Counters] = {}

    def of(self, queue: str) -> Counters | None:
        """Since the first reading; None before it."""
        return self._counters.get(queue)

    def add(self, readings: Mapping[str, Counts], *, at: float) -> None:
        """Take in what the broker showed when it was asked at that time."""
        for queue, now in readings.items():
            before, sums = self._shown.get(queue, now), self._counters.get(queue)
            self._shown[queue] = now
            self._counters[queue] = Counters(
                published=(sums.published if sums else 0) + _growth(before.published, now.published),
                acknowledged=(sums.acknowledged if sums else 0) + _growth(before.acknowledged, now.acknowledged),
                delivered=(sums.delivered if sums else 0) + _growth(before.delivered, now.delivered),
                at=at,
            )

    def keep(self, queues: Collection[str]) -> None:
        """Forget all queues but these."""
        for queue in self._shown.keys() - set(queues):
            del self._shown[queue], self._counters[queue]


def _growth(before: int, now: int) -> int:
    return max(0, now - before)
