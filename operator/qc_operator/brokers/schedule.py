"""When each queue is due to be read. Pure: times are given, nothing waits here."""

from __future__ import annotations

import heapq
import itertools
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Schedule(Generic[Item]):
    """Items with a due time each. An item is in the schedule at most once: setting it again moves it."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Item]] = []
        self._entries: dict[Item, int] = {}
        self._numbers = itertools.count()

    def set(self, item: Item, *, due: float) -> None:
        """Make an item due at a time in seconds."""
        number = next(self._numbers)
        self._entries[item] = number
        heapq.heappush(self._heap, (due, number, item))

    def drop(self, item: Item) -> None:
        """Take an item out; nothing happens when it is not in."""
        self._entries.pop(item, None)

    def next_due(self) -> float | None:
        """When the first item is due, or None when there is none."""
        while self._heap:
            due, number, item = self._heap[0]
            if self._entries.get(item) == number:
                return due
            heapq.heappop(self._heap)  # It was moved or dropped since.
        return None

    def take(self, *, until: float, most: int) -> list[Item]:
        """Take out the items that are due by `until`, the longest overdue first, at most so many."""
        taken: list[Item] = []
        while len(taken) < most and self._heap and self._heap[0][0] <= until:
            _, number, item = heapq.heappop(self._heap)
            if self._entries.get(item) == number:
                del self._entries[item]
                taken.append(item)
        return taken
