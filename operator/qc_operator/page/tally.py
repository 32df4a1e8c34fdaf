"""The changes of replicas of all QueueConsumers: the latest ones, and how many replicas came and went in an hour."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Hashable, Mapping
from itertools import takewhile
from typing import Any, Final

import msgspec

LATEST: Final = 50
MINUTES: Final = 60


class Scaling(msgspec.Struct, frozen=True, kw_only=True, rename={"before": "from", "after": "to"}):
    """A change of replicas of one object, with its reason in words."""

    namespace: str
    name: str
    time: str
    before: int
    after: int
    reason: str
    message: str


class Tally:
    """Counts by the minute. Times are whole seconds since the epoch."""

    def __init__(self) -> None:
        self.latest: deque[Scaling] = deque(maxlen=LATEST)
        """By their time."""
        self._news: deque[Scaling] = deque(maxlen=LATEST)
        """The same as they came: of what was done before this process, the object that is told of last comes last."""
        self.added = 0
        """Those that were ever among the latest."""
        self._minutes: dict[int, list[int]] = {}

    def count(self, *, at: int, before: int, after: int) -> None:
        """Count the replicas of one change, which may lie in the past."""
        counts = self._minutes.get(at // 60)
        if counts is None:
            self._drop_before(at)  # Nobody may look for weeks, and ask for an hour.
            counts = self._minutes[at // 60] = [0, 0]
        counts[after < before] += abs(after - before)

    def add(self, scaling: Scaling) -> None:
        """Keep it as the latest."""
        self.latest.append(scaling)
        self._add_news(scaling)

    def recall(self, scaling: Scaling) -> None:
        """Keep one that was made before, at its place among the latest, if it is one of them.

        Times are compared as text: all are of one form (RFC 3339, UTC, to the second).
        """
        kept = self.latest
        full = len(kept) == LATEST
        # An object that is served again after a while has changes that are there already.
        if (full and scaling.time <= kept[0].time) or scaling in kept:
            return
        if full:
            kept.popleft()
        kept.insert(bisect_right(kept, scaling.time, key=lambda each: each.time), scaling)
        self._add_news(scaling)

    def since(self, added: int) -> list[Scaling]:
        """Those that came after the first `added`, as far as they are kept, in the order in which they came."""
        news = list(self._news)
        return news[len(news) - min(self.added - added, len(news)) :]

    def hour(self, *, now: int) -> tuple[int, int]:
        """Replicas added and taken away in the last hour."""
        self._drop_before(now)
        counts = self._minutes.values()
        return sum(count[0] for count in counts), sum(count[1] for count in counts)

    def clear(self) -> None:
        """Forget all."""
        self.latest.clear()
        self._news.clear()
        self._minutes.clear()

    def _add_news(self, scaling: Scaling) -> None:
        self._news.append(scaling)
        self.added += 1

    def _drop_before(self, now: int) -> None:
        for minute in [minute for minute in self._minutes if minute <= now // 60 - MINUTES]:
            del self._minutes[minute]


class Left:
    """Objects that left within the hour, and until when the changes of each were counted.

    One may come back, as with a label of its namespace, and then tells of the same changes again. Times of changes are
    compared as text: see `Tally.recall`.
    """

    def __init__(self) -> None:
        self._left: dict[Hashable, tuple[int, str]] = {}
        """By the time at which they left."""

    def put(self, key: Hashable, *, now: int, counted: str) -> None:
        """One leaves, whose last change that was counted is of that time."""
        self._left.pop(key, None)
        self._left[key] = now, counted
        # What was done more than an hour ago is not counted anyway.
        for each in list(takewhile(lambda each: self._left[each][0] <= now - 60 * MINUTES, self._left)):
            del self._left[each]

    def take(self, key: Hashable) -> str:
        """One is there: the time of its last change that was counted, or nothing."""
        return self._left.pop(key, (0, ""))[1]

    def clear(self) -> None:
        """Forget all."""
        self._left.clear()

    def __len__(self) -> int:
        return len(self._left)


def scaling(*, namespace: str, name: str, entry: Mapping[str, Any]) -> Scaling:
    """One entry of `status.history` as the page tells it."""
    return Scaling(
        namespace=namespace,
        name=name,
        time=entry["time"],
        before=entry["from"],
        after=entry["to"],
        reason=entry["reason"],
        message=entry.get("message", ""),
    )
