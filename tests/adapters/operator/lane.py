"""The slow lane of a reader, on a real broker and without the fast one."""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from qc_operator.brokers.alarms import Alarms
from qc_operator.brokers.binding import from_secret
from qc_operator.brokers.login import Login
from qc_operator.brokers.totals import VhostTotals
from qc_operator.brokers.web import open_session
from qc_operator.scaling.observation import Totals, TotalsReading
from qc_operator.settings import ReadingSettings
from tests.adapters.operator.conftest import keys_for
from tests.rabbitmq_vhost import Vhost

QUICK = ReadingSettings(retry_first=0.3, retry_most=0.6, totals_interval=0.25, totals_timeout=1.0)


@dataclass
class Wish:
    """What the reader would need."""

    queues: list[str] = field(default_factory=list)
    with_counters: list[str] = field(default_factory=list)
    patterns: bool = False

    def watched(self) -> list[str]:
        return self.queues

    def rated(self) -> list[str]:
        return self.with_counters

    def listing(self) -> bool:
        return self.patterns


@dataclass
class Lane:
    """What it says, and when it last said so."""

    wish: Wish
    alarms: Alarms
    answers: list[bool] = field(default_factory=list)
    refusals: int = 0
    _totals: VhostTotals | None = None
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def totals(self) -> VhostTotals:
        assert self._totals is not None
        return self._totals

    @totals.setter
    def totals(self, totals: VhostTotals) -> None:
        self._totals = totals

    def answered(self, good: bool) -> None:  # noqa: FBT001 - the callback's only argument
        self.answers.append(good)
        self._woken.set()

    def refused(self) -> None:
        self.refusals += 1

    def of(self, queue: str) -> TotalsReading:
        return self.totals.of(queue)

    async def until(self, condition: Callable[[], Any], *, within: float = 15.0) -> float:
        """Wait for it to hold after a turn; how many seconds that took."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(within):
                while not condition():
                    self._woken.clear()
                    await self._woken.wait()
        except TimeoutError:
            said = {queue: self.of(queue) for queue in self.wish.queues[:5]}
            pytest.fail(f"not within {within} s; the lane says {said}")
        return loop.time() - started

    async def turns(self, count: int) -> None:
        """Wait for so many turns more."""
        end = len(self.answers) + count
        await self.until(lambda: len(self.answers) >= end)

    async def until_read(self, queue: str, *, within: float = 15.0) -> Totals:
        """Wait for totals of a queue."""
        await self.until(lambda: isinstance(self.of(queue), Totals), within=within)
        reading = self.of(queue)
        assert isinstance(reading, Totals)
        return reading

    async def until_unknown(self, queue: str, cause: str, *, within: float = 15.0) -> str:
        """Wait for the totals of a queue to be unknown for this cause; the message that goes with it."""
        await self.until(lambda: getattr(self.of(queue), "cause", None) == cause, within=within)
        return str(getattr(self.of(queue), "message", ""))


@contextlib.asynccontextmanager
async def slow_lane(
    vhost: Vhost,
    *queues: str,
    rated: list[str] | None = None,
    patterns: bool = False,
    settings: ReadingSettings = QUICK,
    alarms: Alarms | None = None,
    **secret: str,
) -> AsyncIterator[Lane]:
    """Read for the block. `secret` are keys of the Secret in place of the usual ones; an empty one is left out."""
    keys = keys_for(vhost) | secret
    data = {key: b64encode(value.encode()).decode() for key, value in keys.items() if value}
    credentials = from_secret(data=data, secret="ns/broker", vhost=None)
    alarms = alarms or Alarms(interval=settings.totals_interval)
    wish = Wish(queues=list(queues), with_counters=rated or [], patterns=patterns)
    async with open_session() as session:
        lane = Lane(wish=wish, alarms=alarms)
        lane.totals = VhostTotals(
            credentials=credentials,
            login=Login(credentials=credentials, session=session),
            settings=settings,
            session=session,
            alarms=alarms,
            interest=wish,
            on_asked=lambda: None,
            on_answered=lane.answered,
            on_refused=lane.refused,
        )
        task = asyncio.create_task(lane.totals.keep_reading())
        try:
            yield lane
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
