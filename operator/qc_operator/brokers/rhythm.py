"""When the slow lane takes its next turn: every few seconds, later while nobody answers, at once for a new queue."""

from __future__ import annotations

import asyncio
import contextlib
import random
from math import inf

HURRY = 0.05
"""Seconds between the first queue that asks for a turn at once and that turn."""
HURRIED_EVERY = 1.0
"""Seconds between two such turns: where queues come and go all the time, they must not follow each other."""


class Rhythm:
    """The pauses between turns."""

    def __init__(self, *, interval: float) -> None:
        self._interval = interval
        self._hurry = asyncio.Event()
        self._hurried_at = -inf

    def hurry(self) -> None:
        """End the pause early: there is a queue of which nothing is known."""
        self._hurry.set()

    async def pause(self, *, least: float) -> None:
        """Wait for the next turn, for `least` seconds or more unless somebody is in a hurry."""
        # The spread keeps the readers of many vhosts from asking in step.
        usual = self._interval * random.uniform(0.9, 1.0)  # noqa: S311 - not a secret
        # Not wait_for(): Python 3.11's forgets a cancellation that comes together with what it waits for.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(usual, least)):
                await self._hurry.wait()
            # Many queues are added at a time, and one turn is for all of them.
            loop = asyncio.get_running_loop()
            await asyncio.sleep(max(HURRY, self._hurried_at + HURRIED_EVERY - loop.time()))
            self._hurried_at = loop.time()
        self._hurry.clear()
