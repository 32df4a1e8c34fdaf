"""When each queue is due to be read, and handing it to the next free reader at that moment."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Schedule(Generic[Item]):
    """Items with a due time each, taken by whoever waits first. One timer serves all of them.

    An item is in the schedule at most once: setting it again moves it.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Item]] = []
        self._entries: dict[Item, int] = {}
        self._numbers = itertools.count()
        self._waiting: deque[asyncio.Future[Item]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def set(self, item: Item, *, due: float) -> None:
        """Make an item due at a time of the running loop's clock, in seconds."""
        number = next(self._numbers)
        self._entries[item] = number
        heapq.heappush(self._heap, (due, number, item))
        self._serve()

    def drop(self, item: Item) -> None:
        """Take an item out; nothing happens when it is not in."""
        self._entries.pop(item, None)

    async def next(self) -> Item:
        """Wait for the next item that is due, and take it out."""
        waiter: asyncio.Future[Item] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._serve()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                # The item was handed over at the very moment the waiter gave up: it must not be lost.
                self.set(waiter.result(), due=0.0)
            raise

    def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._heap:
            due, number, item = self._heap[0]
            if self._entries.get(item) != number:
                heapq.heappop(self._heap)
                continue
            while self._waiting and self._waiting[0].done():
                self._waiting.popleft()
            if not self._waiting:
                return
            if due > loop.time():
                self._timer = loop.call_at(due, self._serve)
                return
            heapq.heappop(self._heap)
            del self._entries[item]
            self._waiting.popleft().set_result(item)
