"""A timer that can be set earlier at any time, and leaves some time between two beats."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PULSE = 0.05
"""Seconds between two beats at least: what is due by then goes out in one write."""
HELD_UP = 0.5
"""Seconds by which a beat may be late. Beyond, this process itself was held up, and the answers that seem to be missing
are waiting in its socket."""


class Pulse:
    """Calls `beat` with the loop's time, and whether the process was held up, when something is due."""

    def __init__(self, beat: Callable[[float, bool], None]) -> None:
        self._beat = beat
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._last = self._loop.time()

    def arm(self, due: float) -> None:
        """Beat when this is due, if not before."""
        when = max(due, self._last + PULSE)
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._fire, when)

    def stop(self) -> None:
        """Beat no more until it is armed again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self, when: float) -> None:
        self._timer, self._last = None, self._loop.time()
        self._beat(self._last, self._last - when >= HELD_UP)
