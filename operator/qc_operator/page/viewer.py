"""One person who looks on: the events that are still to be sent, so many and no more.

An event may be of ten thousand rows, which take 6 MB. It is kept in pieces that all who look on share, and is put
together 64 KiB at a time, as it is written: whoever does not read holds no copy of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Final

WAITING: Final = 32
"""Events that wait at most: a minute of them. Who does not take them in that time is let go, and asks again for what
was missed."""
SLICE: Final = 65_536
"""Bytes that are written in one go, or a little more: what is not sent at once of it is copied."""


class Viewer:
    """A bounded queue of events. `abort` ends the connection, whatever is under way on it."""

    def __init__(self, *, abort: Callable[[], None]) -> None:
        self._abort = abort
        self._events: deque[tuple[bytes, ...]] = deque()
        self._some = asyncio.Event()
        self.gone = False

    def put(self, *event: bytes) -> None:
        """Have an event sent, which may be in pieces. One too many ends the connection."""
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
                for part in slices(self._events.popleft()):
                    yield part
            if self.gone:
                return


def slices(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, so many at a time as are written in one go."""
    gathered = bytearray()
    for piece in pieces:
        for begin in range(0, len(piece), SLICE):
            gathered += piece[begin : begin + SLICE]
            if len(gathered) >= SLICE:
                yield bytes(gathered)
                gathered.clear()
    if gathered:
        yield bytes(gathered)
