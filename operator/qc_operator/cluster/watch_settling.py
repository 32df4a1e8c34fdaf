"""Waiting for a watch to know all objects, of many who go on one after the other and not in the same moment."""

from __future__ import annotations

import asyncio
from typing import Final

AT_ONCE: Final = 50
"""Who waits takes a turn next, of about 0.3 ms. Ten thousand in one pass of the event loop would hold up everything
else for seconds: longer than a leader has for renewing its Lease."""


class Settling:
    """Over when it is ended, or after `most` seconds from its creation in a running event loop."""

    def __init__(self, *, most: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + most
        self._timer = self._loop.call_at(self._until, self._release)
        self._waiting: list[asyncio.Future[None]] = []
        self._releasing: asyncio.Task[None] | None = None
        self.ended = False
        """Whether it was ended; also later than `most`."""

    async def over(self) -> None:
        """Wait until it is over."""
        if self._releasing is not None:
            return
        waiter = self._loop.create_future()
        self._waiting.append(waiter)
        await waiter

    def end(self) -> None:
        """Let all go on."""
        self.ended = True
        self._release()

    def _release(self) -> None:
        self._timer.cancel()
        if self._releasing is None:
            self._releasing = self._loop.create_task(self._release_all())

    async def _release_all(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            for waiter in some:
                if not waiter.done():
                    waiter.set_result(None)
            await asyncio.sleep(0)
