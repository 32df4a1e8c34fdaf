"""Where a vhost's totals come from: the management API, or the nodes' metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

import aiohttp

from qc_operator.brokers.credentials import Credentials
from qc_operator.brokers.login import Login
from qc_operator.brokers.management import ManagementApi, ManagementError
from qc_operator.brokers.node_metrics import MOST_AGE, NodeMetrics
from qc_operator.brokers.queue_facts import FactsBook
from qc_operator.brokers.queue_list import Row, listed, single
from qc_operator.brokers.snapshot import Interest, Snapshot
from qc_operator.scaling.observation import STREAM

MOST_SINGLES: Final = 8
"""Queues that are read one by one at most."""

SINGLE_COST: Final = 17
"""One queue read by itself costs the broker as much as so many in the list: 0.15 ms on 3.10.8 and 0.35 to 0.5 ms on
4.3.6, against 0.03 to 0.04 ms per row."""

LIST_EVERY: Final = 60
"""Turns after which the list is read all the same, to see how many queues the vhost holds by now."""

RETRY_STUCK: Final = 12
"""Turns after which the list is tried again that one stuck queue had held up."""


class ApiSource:
    """The management API: the list of the vhost, or single queues where that is cheaper."""

    def __init__(self, *, api: ManagementApi, facts: FactsBook) -> None:
        self._api = api
        self._facts = facts
        self.in_vhost: int | None = None
        """How many queues there were in the last list."""
        self.list_stuck = False
        """Whether the list was not answered in time, as one stuck classic queue brings about for all."""
        self._singles_count = True
        """Whether a queue that is asked for by itself comes with counts: from 3.13.1 on."""
        self._turns_without_list = 0

    async def read(self, interest: Interest) -> Snapshot:
        """Ask. Raises `ManagementError`."""
        watched = interest.watched()
        if self._few(watched):
            snapshot = await self._one_by_one(watched)
            if snapshot is not None:
                self._turns_without_list += 1
                return snapshot
        self._turns_without_list = 0
        return await self._list(watched)

    def _few(self, watched: Collection[str]) -> bool:
        if not 0 < len(watched) <= MOST_SINGLES or not self._singles_count:
            return False
        if self.list_stuck:
            return self._turns_without_list < RETRY_STUCK
        if self._turns_without_list >= LIST_EVERY or self.in_vhost is None:
            return False
        return len(watched) * SINGLE_COST < self.in_vhost

    async def _list(self, watched: Collection[str]) -> Snapshot:
        asked_at = asyncio.get_running_loop().time()
        arguments = self._facts.incomplete(watched)
        try:
            rows = await listed(self._api, arguments=arguments)
        except ManagementError as error:
            self.list_stuck = error.timed_out
            self._singles_count = True  # What is there when it answers again may be a later release.
            raise
        self.list_stuck = False
        self.in_vhost = len(rows)
        self._facts.learn(rows, watched=watched, complete=arguments)
        return Snapshot(
            source=self._api.where,
            counts={row.name: counts for row in rows if (counts := row.counts) is not None},
            at=asked_at,
            answered_at=asyncio.get_running_loop().time(),
            empty=not rows,
            left_out="leaves the queue out",
        )

    async def _one_by_one(self, watched: Collection[str]) -> Snapshot | None:
        """Read the queues by themselves; None when the release gives no counts this way."""
        asked_at = asyncio.get_running_loop().time()
        names = list(watched)
        rows: list[Row] = []
        failed: dict[str, ManagementError] = {}
        answers = await asyncio.gather(*(single(self._api, name) for name in names), return_exceptions=True)
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, ManagementError):
                failed[name] = answer
            elif isinstance(answer, BaseException):
                raise answer
            elif answer is not None:
                rows.append(answer)
        if len(failed) == len(names):
            raise next(iter(failed.values()))
        if any(row.counts is None and row.type != STREAM and row.state in ("running", "live") for row in rows):
            self._singles_count = False
            return None
        self._facts.learn(rows, watched=watched, complete=True)
        return Snapshot(
            source=self._api.where,
            counts={row.name: counts for row in rows if (counts := row.counts) is not None},
            at=asked_at,
            answered_at=asyncio.get_running_loop().time(),
            empty=False,
            left_out="knows no such queue, or no counts of it",
            failed={name: str(error) for name, error in failed.items()},
        )


class MetricsSource:
    """The nodes' metrics: for vhosts with many queues, and where no management API answers."""

    def __init__(self, *, metrics: NodeMetrics, facts: FactsBook) -> None:
        self._metrics = metrics
        self._facts = facts
        self.in_vhost: int | None = None
        """How many queues the nodes told of last."""

    @classmethod
    def of(
        cls,
        *,
        credentials: Credentials,
        login: Login,
        session: aiohttp.ClientSession,
        within: float,
        facts: FactsBook,
    ) -> MetricsSource | None:
        """The source that the Secret names; None when it names none."""
        if credentials.metrics_uri is None:
            return None
        metrics = NodeMetrics(
            uri=credentials.metrics_uri, credentials=credentials, login=login, session=session, within=within
        )
        return cls(metrics=metrics, facts=facts)

    async def read(self, interest: Interest) -> Snapshot:
        """Ask. Raises `NodeMetricsError`."""
        asked_at = asyncio.get_running_loop().time()
        watched = interest.watched()
        report = await self._metrics.read(with_types=self._facts.incomplete(watched))
        self._facts.learn_types(report.types, watched=watched)
        self.in_vhost = len(report.counts)
        at = asked_at - MOST_AGE
        return Snapshot(
            source=self._metrics.where,
            counts=report.counts,
            at=at,
            answered_at=asyncio.get_running_loop().time(),
            empty=not report.counts,
            left_out=f"tell nothing of the queue: {report.lost}" if report.lost else "leave the queue out",
        )
