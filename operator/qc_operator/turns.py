"""Turns: one at a time, and one more for all wishes that came meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from qc_operator.admission import Admission
from qc_operator.surroundings import Clock

log = logging.getLogger(__name__)


class Turns:
    """Takes a turn when it is woken and admitted, and nobody waits longer for it than for the turn under way.

    `urgent` says whether work waits for the next one. `ended` is told after each how many seconds it took.
    """

    def __init__(
        self,
        *,
        take: Callable[[], Awaitable[None]],
        clock: Clock,
        admission: Admission,
        urgent: Callable[[], bool] = lambda: False,
        ended: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._take = take
        self._urgent = urgent
        self._ended = ended
        self._admission = admission
        self._monotonic = clock.monotonic
        self.since: float | None = None
        """When the turn under way began, by `monotonic`; None between turns."""
        self.ended_at = float("-inf")
        """When the last one ended."""
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._waiting = False
        """Whether it will be admitted in one of the next passes of the loop."""
        self._hurried = False
        """Whether it has moved up since."""
        self._again = False
        self._closed = False

    def wake(self) -> None:
        """Take a turn now, or once more after the one under way."""
        if self._closed:
            return
        if self._task is not None:
            self._again = True
        elif not self._waiting:
            self._waiting, self._hurried = True, False
            self._admission.admit(self._begin, urgent=self._urgent)
        elif not self._hurried and self._urgent():
            self._hurried = True
            self._admission.hurry(self._begin)

    def wake_in(self, seconds: float | None) -> None:
        """Take one then, if nobody asks for another time before; None asks for none."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = None if seconds is None or self._closed else loop.call_later(seconds, self.wake)

    def close(self) -> None:
        """Take no more turns; the one under way is cancelled."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        waited, self._waiting = self._waiting, False
        if waited and not self._closed:
            self._task = asyncio.create_task(self._take_all())

    async def _take_all(self) -> None:
        try:
            while True:
                self._again = False
                self.since = began = self._monotonic()
                try:
                    await self._take()
                except Exception:
                    # A bug in one turn must not end the turns of this object, let alone of the others.
                    log.exception("a turn failed")
                self.ended_at = self._monotonic()
                self._ended(self.ended_at - began)
                if not self._again or self._closed:
                    return
        finally:
            self._task = self.since = None
