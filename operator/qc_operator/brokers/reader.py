"""One reader per broker, vhost and login, shared by every QueueConsumer on it.

The cost follows brokers and watched queues, never QueueConsumers times poll rate. Two lanes: passive declares over one
connection (`amqp.py`), several times a second where it matters, and the vhost's totals every 5 s (`management.py`).
A reading goes from the wire to its listeners by a call, with no timer between.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from qc_operator.brokers import NOT_READ_YET, Problem
from qc_operator.brokers.amqp import BrokerConnection, BrokerError
from qc_operator.brokers.credentials import Credentials
from qc_operator.brokers.schedule import Schedule
from qc_operator.brokers.totals import VhostTotals
from qc_operator.scaling.observation import (
    Depth,
    DepthReading,
    QueueObservation,
    Unknown,
)
from qc_operator.settings import ReadingSettings

RECONNECT_FIRST = 0.5
RECONNECT_MOST = 10.0
REFUSED_MOST = 5.0
"""Longest pause after a refused login: each refusal has the Secret read again, so this is how fast it heals."""


log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True, kw_only=True)
class Listener:
    """Whoever wants a queue's readings."""

    notify: Callable[[], None]
    """Called with no delay whenever a reading has come in."""
    refused: Callable[[], None]
    """Called when the broker refuses the login: the Secret may hold a new one."""
    at_zero: bool = True
    """Whether its target is at zero, so that the first message must be seen at once."""


@dataclass(eq=False, slots=True, kw_only=True)
class _Watch:
    """What is known of one queue, and who listens."""

    queue: str
    depth: DepthReading
    arrived: int = 0
    """By how much ready has grown since the totals that are known were asked for."""
    arrived_since_asked: int = 0
    """The same for totals that are under way."""
    changed_at: float = float("-inf")
    failures: int = 0
    listeners: list[Listener] = field(default_factory=list)


class BrokerReader:
    """Keeps the readings of the watched queues fresh until it is closed."""

    def __init__(
        self,
        *,
        credentials: Credentials,
        settings: ReadingSettings,
        identity: str,
        session: aiohttp.ClientSession,
    ) -> None:
        self._credentials = credentials
        self._settings = settings
        self._identity = identity
        self._watches: dict[str, _Watch] = {}
        self._due: Schedule[_Watch] = Schedule()
        self._quarantine: Schedule[_Watch] = Schedule()
        self._totals = VhostTotals(
            credentials=credentials,
            settings=settings,
            session=session,
            on_asked=self._totals_asked,
            on_answered=self._totals_answered,
        )
        self._problem: Problem | None = None
        self._tasks = [asyncio.create_task(self._keep_connected()), asyncio.create_task(self._totals.keep_reading())]

    @property
    def problem(self) -> Problem | None:
        """Why nothing can be read at all, or None."""
        return self._problem

    def watch(self, queue: str, listener: Listener) -> None:
        """Read a queue from now on and tell the listener of each reading."""
        now = asyncio.get_running_loop().time()
        watch = self._watches.get(queue)
        if watch is None:
            cause, message = (
                (self._problem.reason, self._problem.message) if self._problem else (NOT_READ_YET, "no reading yet")
            )
            watch = _Watch(queue=queue, depth=Unknown(cause=cause, message=message, at=now))
            self._watches[queue] = watch
            # The spread keeps ten thousand QueueConsumers that start together from being read in one burst.
            self._due.set(watch, due=now + random.uniform(0, 0.05))  # noqa: S311 - not a secret
        watch.listeners.append(listener)

    def unwatch(self, queue: str, listener: Listener) -> None:
        """Stop telling a listener; the last one to go ends the reading of the queue."""
        watch = self._watches[queue]
        watch.listeners.remove(listener)
        if not watch.listeners:
            del self._watches[queue]
            self._due.drop(watch)
            self._quarantine.drop(watch)

    def observe(self, queue: str) -> QueueObservation:
        """The latest of both lanes. No I/O."""
        watch = self._watches[queue]
        return QueueObservation(
            name=queue,
            vhost=self._credentials.vhost,
            depth=watch.depth,
            totals=self._totals.of(queue),
            arrived=watch.arrived,
        )

    async def close(self) -> None:
        """End both lanes and the connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_connected(self) -> None:
        pause = RECONNECT_FIRST
        while True:
            connection = BrokerConnection(
                credentials=self._credentials,
                identity=self._identity,
                declare_timeout=self._settings.declare_timeout,
            )
            try:
                await connection.open()
                self._problem = None
                pause = RECONNECT_FIRST
                await self._read_until_closed(connection)
            except Exception as failure:  # noqa: BLE001 - whatever it is, the queues must be read again
                error = _broker_error(failure)
                self._fail(error)
                refused = error.reason in {"AuthenticationFailed", "AccessRefused", "VhostNotFound"}
                most = REFUSED_MOST if refused else RECONNECT_MOST
                if refused:
                    for listener in self._listeners():
                        listener.refused()
            finally:
                await connection.close()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
            pause = min(2 * pause, most)

    async def _read_until_closed(self, connection: BrokerConnection) -> None:
        """Let as many workers read as there are channels; raises `BrokerError` when the connection is gone."""
        for watch in self._watches.values():
            self._quarantine.drop(watch)
            self._due.set(watch, due=0.0)
        workers = [
            asyncio.create_task(self._read(connection, schedule))
            for schedule in [self._due] * self._settings.channels + [self._quarantine]
        ]
        try:
            ended: list[asyncio.Future[Any]] = [connection.closed, *workers]
            await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
            for worker in workers:
                if worker.done():
                    worker.result()
            raise connection.closed.result()
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _read(self, connection: BrokerConnection, schedule: Schedule[_Watch]) -> None:
        while True:
            watch = await schedule.next()
            reading = await connection.declare(watch.queue)
            if self._watches.get(watch.queue) is watch:
                self._apply(watch, reading)

    def _apply(self, watch: _Watch, reading: DepthReading) -> None:
        before, watch.depth = watch.depth, reading
        if isinstance(reading, Depth):
            watch.failures = 0
            seen = before.ready if isinstance(before, Depth) else 0
            grown = max(0, reading.ready - seen)
            watch.arrived += grown
            watch.arrived_since_asked += grown
            if reading.ready != seen:
                watch.changed_at = reading.at
            self._due.set(watch, due=reading.at + self._interval(watch, now=reading.at))
        else:
            watch.failures += 1
            # A missing or slow queue goes to a channel of its own, so that it never holds up the others.
            pause = min(self._settings.retry_first * 2 ** (watch.failures - 1), self._settings.retry_most)
            self._quarantine.set(watch, due=reading.at + pause * random.uniform(0.8, 1.0))  # noqa: S311
        for listener in tuple(watch.listeners):
            listener.notify()

    def _interval(self, watch: _Watch, *, now: float) -> float:
        moving = now - watch.changed_at < self._settings.moving_for
        if moving or any(listener.at_zero for listener in watch.listeners):
            return self._settings.fast_interval
        return self._settings.steady_interval

    def _fail(self, error: BrokerError) -> None:
        """Nothing can be read: every reading becomes unknown, with the connection's cause."""
        now = asyncio.get_running_loop().time()
        self._problem = Problem(reason=error.reason, message=str(error))
        for watch in self._watches.values():
            watch.depth = Unknown(cause=error.reason, message=str(error), at=now)
        self._notify_all()

    def _totals_asked(self) -> None:
        for watch in self._watches.values():
            watch.arrived_since_asked = 0

    def _totals_answered(self, good: bool) -> None:  # noqa: FBT001 - the callback's only argument
        if good:
            for watch in self._watches.values():
                watch.arrived = watch.arrived_since_asked
        self._notify_all()

    def _notify_all(self) -> None:
        for listener in self._listeners():
            listener.notify()

    def _listeners(self) -> set[Listener]:
        return {listener for watch in self._watches.values() for listener in watch.listeners}


def _broker_error(failure: Exception) -> BrokerError:
    """The cause of a failure; one that is our own mistake is logged and must not end the reading for ever."""
    if isinstance(failure, BrokerError):
        return failure
    log.error("the reader failed", exc_info=failure)
    return BrokerError("ReaderFailed", f"the reader failed and starts again: {type(failure).__name__}")
