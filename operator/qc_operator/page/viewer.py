"""One person who looks on: the events that are still to be sent, so many and no more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

WAITING: Final = 32
"""Events that wait at most: a minute of them. Who does not take them in that time is let go, and asks again for what
was missed."""


class Viewer:
    """A bounded queue of events. `abort` ends the connection, whatever is under way on it."""

    def __init__(self, *, abort: Callable[[], None]) -> None:
        self._abort = abort
        self._events: deque[bytes] = deque()
        self._some = asyncio.Event()
        self.gone = False

    def put(self, event: bytes) -> None:
        """Have an event sent. One too many ends the connection."""
        if self.gone:
            return
        if len(self._events) >= WAITING:
            self.close()
            self._abort()
            return
        self._events.append(event)
        self._some.set()

    def close(self) -> None:
        """Send nothing more."""
        self.gone = True
        self._events.clear()
        self._some.set()

    async def events(self) -> AsyncIterator[bytes]:
        """What is to be sent, until it is closed."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._events:
                yield self._events.popleft()
            if self.gone:
                return
