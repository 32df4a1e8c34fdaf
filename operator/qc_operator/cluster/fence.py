"""Keeps writes back that must not be made any more: those of a process that does not lead.

No client can call a request back that has left it, and none can look at the clock and send in one step. So the look is
made as late as can be, when the connection stands and the body is due: a process that was stopped while it waited for a
connection sends nothing when it goes on. What is left are the microseconds between the look and the kernel's taking
over the bytes, and the time that they are on their way. Against those, a write names the resourceVersion it builds on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload


def unfenced() -> float:
    """The right to write of a process that need not share it."""
    return float("inf")


class ClosedError(Exception):
    """The right to write ended before the body of a request was sent."""


class Fence:
    """`remaining` tells for how many seconds writing is allowed, none or fewer when it is not."""

    def __init__(self, *, remaining: Callable[[], float] = unfenced) -> None:
        self.remaining = remaining
        self._under_way = 0
        self._settled = asyncio.Event()
        self._settled.set()

    @contextmanager
    def write(self) -> Iterator[None]:
        """Count a write as under way: until it is answered, or given up."""
        self._under_way += 1
        self._settled.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._settled.set()

    async def settled(self) -> None:
        """Wait until no write is under way."""
        await self._settled.wait()


class FencedBody(BytesPayload):
    """The body of a write, which is sent only if writing is still allowed when its turn comes."""

    def __init__(self, content: bytes, *, content_type: str, fence: Fence) -> None:
        super().__init__(content, content_type=content_type)
        self._fence = fence
        self.held_back = False
        """Whether it was not sent, so that the server cannot have acted on it."""

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Send it. Raises `ClosedError` instead, and aiohttp then gives the request up with its headers unsent."""
        if self._fence.remaining() <= 0:
            self.held_back = True
            raise ClosedError
        await super().write_with_length(writer, content_length)
