"""The slow lane of a reader: a vhost's totals, read every few seconds on behalf of all its queues.

Each turn asks the cheapest source that answers: the list of all queues, a few of them one by one, or the nodes' metrics
(`totals_sources.py`). What has not been told is unknown, never zero.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

import aiohttp

from qc_operator.brokers.alarms import Alarms
from qc_operator.brokers.asked import Asked, nobody
from qc_operator.brokers.counters import CounterLedger
from qc_operator.brokers.credentials import Credentials
from qc_operator.brokers.directory import Directory
from qc_operator.brokers.latest_totals import LatestTotals
from qc_operator.brokers.login import Login
from qc_operator.brokers.management import ManagementApi, ManagementError
from qc_operator.brokers.node_metrics import NodeMetricsError
from qc_operator.brokers.queue_facts import FactsBook
from qc_operator.brokers.queue_list import counted
from qc_operator.brokers.rhythm import Rhythm
from qc_operator.brokers.snapshot import Interest
from qc_operator.brokers.sources import Sources
from qc_operator.brokers.totals_sources import ApiSource, MetricsSource
from qc_operator.scaling.observation import Counters, QueueFacts, TotalsReading, Unavailable, Unknown
from qc_operator.settings import ReadingSettings

log = logging.getLogger(__name__)

COUNTERS_AWAITED = 0.3
"""Seconds by which the news of the totals waits for the counters, so that one decision sees both."""


class VhostTotals:
    """Ready and unacknowledged counts of the queues of one vhost, and what else the slow lane tells."""

    def __init__(
        self,
        *,
        credentials: Credentials,
        login: Login,
        settings: ReadingSettings,
        session: aiohttp.ClientSession,
        alarms: Alarms,
        interest: Interest,
        on_asked: Callable[[], None],
        on_answered: Callable[[bool], None],
        on_refused: Callable[[], None],
        asked: Asked = nobody,
    ) -> None:
        self._asked = asked
        self._alarms = alarms
        self._interest = interest
        self._on_asked = on_asked
        self._on_answered = on_answered
        self._on_refused = on_refused
        self._api_given = credentials.management.given
        self._latest = LatestTotals(given=self._api_given or credentials.metrics_uri is not None)
        self._rhythm = Rhythm(interval=settings.totals_interval)
        within = settings.totals_timeout
        self._api = ManagementApi(credentials=credentials, login=login, session=session, within=within)
        self._facts = FactsBook()
        self._counters = CounterLedger()
        self._by_api = ApiSource(api=self._api, facts=self._facts)
        by_metrics = MetricsSource.of(
            credentials=credentials, login=login, session=session, within=within, facts=self._facts
        )
        self._sources = Sources(api=self._by_api, metrics=by_metrics, facts=self._facts, settings=settings)
        self._directory = Directory(api=self._api, facts=self._facts)

    @property
    def alarmed(self) -> bool:
        """Whether an alarm of the broker blocks its publishers."""
        return self._alarms.alarmed

    def of(self, queue: str) -> TotalsReading:
        """What is known of one queue. A queue that the answer leaves out is unknown, never empty."""
        return self._latest.of(queue)

    def facts(self, queue: str) -> QueueFacts | None:
        """What the queue is, None until somebody has told."""
        return self._facts.of(queue)

    def counters(self, queue: str) -> Counters | None:
        """Its counters, None unless they are needed and the broker keeps them."""
        return self._counters.of(queue)

    def names(self) -> frozenset[str] | Unknown | Unavailable:
        """All queues of the vhost, also those that nobody can count. Listed only while a pattern needs them."""
        return self._directory.names()

    async def keep_reading(self) -> None:
        """Read until cancelled."""
        while True:
            try:
                await self._turn()
            except Exception:
                # A mistake of ours must not end the lane for ever: without it nothing scales down again.
                log.exception("the totals were not read")
                self._latest.lose(Unknown(cause="ReaderFailed", message="the totals were not read", at=float("-inf")))
                self._on_answered(False)  # noqa: FBT003 - the callback's only argument
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    # A task group whose child fails while it is being cancelled tells of the failure alone (3.11).
                    raise asyncio.CancelledError from None
            now = asyncio.get_running_loop().time()
            await self._rhythm.pause(least=self._sources.pause(now=now))

    def hurry(self) -> None:
        """Take the next turn now: there is a queue of which nothing is known."""
        self._rhythm.hurry()

    async def _turn(self) -> None:
        rated = self._interest.rated()
        self._counters.keep(rated)
        async with asyncio.TaskGroup() as tasks:
            others = []
            listing = None
            if self._sources.api_answers(now=asyncio.get_running_loop().time()):
                if self._interest.listing():
                    listing = tasks.create_task(self._list_queues())
                others.append(tasks.create_task(self._quietly(lambda: self._alarms.refresh(self._api))))
                if rated:
                    others.append(tasks.create_task(self._quietly(lambda: self._read_counters(rated))))
            good = await self._read_totals()
            if listing is not None:
                await listing
            if others:
                await asyncio.wait(others, timeout=COUNTERS_AWAITED)
            self._on_answered(good)

    async def _read_totals(self) -> bool:
        """Ask one source after the other; whether there was an answer that says something."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        self._on_asked()
        failure: ManagementError | NodeMetricsError | None = None
        for source in self._sources.in_order(self._interest.watched()):
            breaker = self._sources.breaker(source)
            if breaker.pause(now=asked_at):
                continue
            began = loop.time()
            try:
                snapshot = await source.read(self._interest)
            except (ManagementError, NodeMetricsError) as error:
                self._asked("totals", loop.time() - began, good=False)
                retry_after = error.retry_after if isinstance(error, ManagementError) else None
                breaker.failed(now=loop.time(), retry_after=retry_after)
                failure = error
                if isinstance(error, ManagementError) and error.refused:
                    self._on_refused()
            else:
                self._asked("totals", loop.time() - began, good=True)
                breaker.succeeded()
                return self._latest.take(snapshot)
        if failure is not None:
            self._latest.fail(failure, failures=self._sources.failures, asked_at=asked_at)
        return False

    async def _list_queues(self) -> None:
        try:
            await self._directory.read(self._interest.watched())
        except ManagementError as error:
            self._directory.failed(error, given=self._api_given or self._by_api.in_vhost is not None)
            self._sources.api_failed(now=asyncio.get_running_loop().time())

    async def _read_counters(self, rated: Collection[str]) -> None:
        asked_at = asyncio.get_running_loop().time()
        counts = await counted(self._api, queues=rated, in_vhost=self._by_api.in_vhost)
        self._counters.add(counts, at=asked_at)

    async def _quietly(self, asking: Callable[[], Awaitable[None]]) -> None:
        """Ask for what the totals do not hang on: where that fails they fail, too, and say so."""
        try:
            await asking()
        except ManagementError as error:
            log.debug("%s", error)
            self._sources.api_failed(now=asyncio.get_running_loop().time())
