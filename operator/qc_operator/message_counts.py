"""Messages that have passed through the queues of a QueueConsumer, as counters that never fall.

The counters of a queue never fall either; but their sum does when a queue goes that a pattern matched, and Prometheus
would take all that is left for new. So what each queue's counters grow by is added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qc_operator.scaling.observation import Counters, EntryObservation
from qc_operator.scaling.trust import TOTALS_MAX_AGE


class Passed(NamedTuple):
    """Messages since the process began to read the queues."""

    published: int = 0
    acknowledged: int = 0
    redelivered: int = 0


class MessageCounts:
    """Of some entries of one spec. Times are seconds of the operator's monotonic clock."""

    def __init__(self) -> None:
        self._passed = Passed()
        self._known: dict[tuple[str, str], Counters] = {}
        """Each queue's counters as they were last, by vhost and name."""
        self._seen = 0.0
        """The times of all counters, added up: another sum means that there are newer ones."""
        self._fresh_at: float | None = None
        """When the counters of that entry were read whose newest are the oldest; None where one has none."""

    def take(self, entries: Sequence[EntryObservation], *, now: float) -> Passed | None:
        """Take in the entries whose counters are read. None without any, and while those of one are old or missing."""
        seen = sum([entry.sums.counters_at for entry in entries])
        if seen != self._seen:
            self._seen = seen
            self._add(entries)
        if self._fresh_at is None or now - self._fresh_at > TOTALS_MAX_AGE:
            return None
        return self._passed

    def _add(self, entries: Sequence[EntryObservation]) -> None:
        counted = {
            (queue.vhost, queue.name): queue.counters
            for entry in entries
            for queue in entry.queues
            if queue.counters is not None
        }
        published, acknowledged, redelivered = self._passed
        for queue, now in counted.items():
            # What others had counted before this object came is not its own.
            before = self._known.get(queue, now)
            published += _growth(before.published, now.published)
            acknowledged += _growth(before.acknowledged, now.acknowledged)
            redelivered += _growth(before.redelivered, now.redelivered)
        self._passed = Passed(published, acknowledged, redelivered)
        self._known = counted
        newest = [
            max((queue.counters.at for queue in entry.queues if queue.counters is not None), default=None)
            for entry in entries
        ]
        self._fresh_at = None if None in newest else min([at for at in newest if at is not None], default=None)


def _growth(before: int, now: int) -> int:
    # They begin anew with another reader, as after a change of the Secret.
    return now - before if now >= before else now
