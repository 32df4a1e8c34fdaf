"""Kubernetes events, one per transition: counted when they repeat, limited in number, kept for a server that is away.

The rules are those of client-go's tools/events (event_broadcaster.go) and of its spam filter. Nobody waits for an
event: while the API server takes none they are kept, and posting returns at once.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final, Literal

from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.cluster.event_budget import EventBudget
from qc_operator.cluster.event_object import News, new_name
from qc_operator.registry import Known

SERIES_SECONDS: Final = 360.0
"""After which the same event is a new one and no longer one more of a series: client-go's finishTime."""
SERIES_MOST: Final = 4096
"""Events that are remembered because they may come again."""

AGAIN: Final = 10.0
"""Seconds between two tries while the API server takes none, and up to a quarter more: as client-go waits."""
KEPT_MOST: Final = 1000
"""Events that are kept meanwhile; the oldest go. client-go's maxQueuedEvents."""
KEPT_SECONDS: Final = 900.0
"""For which one is kept. client-go gives up after two minutes; an API server may be away for longer."""

Outcome = Literal["done", "not now", "away"]
"""Of a try: posted or refused for good; refused for the moment, which says nothing about others; no use trying more."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Posted:
    """An event that is there."""

    name: str
    at: float
    count: int = 1


class Events:
    """Posts events about QueueConsumers, and about the targets that they name."""

    def __init__(
        self,
        *,
        api: KubernetesApi,
        identity: str,
        at_once: asyncio.Semaphore,
        monotonic: Callable[[], float],
        count_dropped: Callable[[], None] = lambda: None,
    ) -> None:
        self._api = api
        self._instance = identity.replace("/", ".")
        self._at_once = at_once
        self._monotonic = monotonic
        self._count_dropped = count_dropped
        self._budget = EventBudget()
        self._posted: OrderedDict[tuple[object, ...], _Posted] = OrderedDict()
        self._kept: deque[tuple[News, float]] = deque()
        self._trying: asyncio.Task[None] | None = None

    async def post(self, *, about: Known, warning: bool, reason: str, action: str, note: str, at: datetime) -> None:
        """Post one event, or count it with the one before that says the same. Never raises.

        One too many is dropped, and so is one that the API server refuses; what it cannot take now is posted later.
        """
        if not self._budget.spend(about.uid, now=self._monotonic()):
            self._count_dropped()
            log.debug("%s: event %s is one too many", about.key, reason)
            return
        name = new_name(about)
        news = News(about=about, warning=warning, reason=reason, action=action, note=note, at=at, name=name)
        if self._kept or await self._post(news) != "done":
            self._keep(news, since=self._monotonic())
        if self._kept and self._trying is None:
            self._trying = asyncio.create_task(self._try_again())

    def _keep(self, news: News, *, since: float) -> None:
        self._kept.append((news, since))
        if len(self._kept) > KEPT_MOST:
            self._kept.popleft()
            self._count_dropped()

    async def _try_again(self) -> None:
        """Until all that were kept are posted, or too old."""
        try:
            while self._kept:
                await asyncio.sleep(AGAIN * (1 + random.random() / 4))  # noqa: S311 - so that not all come at once
                await self._try_each()
        finally:
            self._trying = None

    async def _try_each(self) -> None:
        for _ in range(len(self._kept)):
            if not self._kept:
                return
            news, since = self._kept.popleft()
            if self._monotonic() - since > KEPT_SECONDS:
                self._count_dropped()
                continue
            outcome = await self._post(news)
            if outcome == "away":
                self._kept.appendleft((news, since))
                return
            if outcome == "not now":
                self._keep(news, since=since)

    async def _post(self, news: News) -> Outcome:
        async with self._at_once:
            before = self._posted.get(news.said)
            try:
                posted = await self._repeat(news, before) or await self._begin(news)
            except ApiError as error:
                return _outcome(news, error)
            self._posted[news.said] = posted
            self._posted.move_to_end(news.said)
            if len(self._posted) > SERIES_MOST:
                self._posted.popitem(last=False)
        return "done"

    async def _begin(self, news: News) -> _Posted:
        try:
            await self._api.post(news.path, news.body(instance=self._instance))
        except ApiError as error:
            if error.reason != "AlreadyExists":  # by a try whose answer was lost
                raise
        return _Posted(name=news.name, at=self._monotonic())

    async def _repeat(self, news: News, before: _Posted | None) -> _Posted | None:
        """Count one more of a series. None where there is none, or the first of it is gone."""
        now = self._monotonic()
        if before is None or now - before.at > SERIES_SECONDS:
            return None
        try:
            await self._api.merge_patch(f"{news.path}/{before.name}", news.series(count=before.count + 1))
        except ApiError as error:
            if error.not_found:
                return None
            raise
        return _Posted(name=before.name, at=now, count=before.count + 1)


def _outcome(news: News, error: ApiError) -> Outcome:
    if error.reason == "NotLeading":
        # The process that does lead tells what it sees.
        log.debug("%s: event %s was not posted: %s", news.about.key, news.reason, error)
        return "done"
    later = f", next try in some {AGAIN:.0f} s" if error.passing else ""
    log.warning("%s: event %s was not posted%s: %s", news.about.key, news.reason, later, error)
    if not error.passing:
        return "done"
    # A webhook that fails for the events of one namespace is an internal error, too.
    return "not now" if error.status == HTTPStatus.INTERNAL_SERVER_ERROR else "away"
