"""Writing the status and the events of one QueueConsumer where there is news, and no more than that."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from qc_operator import transitions
from qc_operator.cluster.client import ApiError
from qc_operator.registry import Known
from qc_operator.surroundings import Surroundings
from qc_operator.transitions import Event

REFUSED_MOST = 60.0
"""Seconds between two such tries at most: they double."""
REFUSED_RETRY = 5.0
"""Seconds before a status that was not taken is written again: readings come five times a second."""

EVENTS_MOST = 100
"""Events that wait at most; while the API server is away the oldest go."""

log = logging.getLogger(__name__)


class Delivery:
    """Knows what was written last. `status` gives the latest one, to which `complete` adds what is dear to make.

    In a task of its own, so that a slow API server holds up what is told and never what is decided.
    """

    def __init__(
        self,
        *,
        around: Surroundings,
        status: Callable[[], Mapping[str, Any]],
        complete: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        on_gone: Callable[[], None],
    ) -> None:
        self._status = status
        self._complete = complete
        self._written: Mapping[str, Any] = status()
        # Who led before has written it: its numbers are not due before we have read all of them.
        self._written_at = around.clock.monotonic() if self._written else float("-inf")
        self._refused_at = float("-inf")
        self._refused_for = REFUSED_RETRY
        self._news: deque[tuple[Event, datetime]] = deque(maxlen=EVENTS_MOST)
        self._about: Known | None = None
        self._statuses, self._events = around.statuses, around.events
        self._metrics, self._clock = around.metrics, around.clock
        self._numbers_interval = around.settings.numbers_interval
        self._on_gone = on_gone
        self._task: asyncio.Task[None] | None = None
        self._retry: asyncio.TimerHandle | None = None

    def tell(self, news: Iterable[tuple[Event, datetime]], *, about: Known) -> None:
        """Write these events, and the status if it is news."""
        self._about = about
        self._news.extend(news)
        self._deliver()

    def tell_again(self) -> None:
        """Write the status though it is not new: somebody else has written another one."""
        self._written, self._written_at = {}, float("-inf")
        self._deliver()

    def close(self) -> None:
        """Write nothing more."""
        self._about = None
        if self._retry is not None:
            self._retry.cancel()
        if self._task is not None:
            self._task.cancel()

    def _deliver(self) -> None:
        if self._task is not None:
            return
        if self._news or self._status_is_due():
            self._task = asyncio.create_task(self._write_all())
        else:
            self._metrics.status_writes_skipped.inc()

    def _status_is_due(self) -> bool:
        now = self._clock.monotonic()
        return now - self._refused_at >= self._refused_for and transitions.must_write(
            status=self._status(),
            written=self._written,
            numbers_due=now - self._written_at >= self._numbers_interval,
        )

    async def _write_all(self) -> None:
        """Write until there is no news: more may come in meanwhile, and only the latest status counts."""
        try:
            while self._about is not None and (self._news or self._status_is_due()):
                if self._status_is_due():
                    await self._write_status(about=self._about)
                while self._news and self._about is not None:
                    event, at = self._news.popleft()
                    await self._events.post(
                        about=self._about,
                        warning=event.warning,
                        reason=event.reason,
                        action=event.action,
                        note=event.note,
                        at=at,
                    )
        except Exception:
            log.exception("telling failed")
        finally:
            self._task = None

    async def _write_status(self, *, about: Known) -> None:
        told: Mapping[str, Any] = {}

        def latest() -> Mapping[str, Any]:
            nonlocal told
            told = self._status()
            return self._complete(told)

        try:
            await self._statuses.write(key=about.key, uid=about.uid, status=latest)
        except ApiError as error:
            if error.not_found:
                # Deleted while the watch was away, which no event tells of any more.
                self._on_gone()
                return
            self._metrics.api_errors.labels(resource="status", reason=error.reason).inc()
            again = self._refused_at > self._written_at
            self._refused_for = min(2 * self._refused_for, REFUSED_MOST) if again else REFUSED_RETRY
            level = logging.DEBUG if again else logging.WARNING
            log.log(level, "%s: the status was not written, next try in %.0f s: %s",
                    about.key, self._refused_for, error)  # fmt: skip
            self._refused_at = self._clock.monotonic()
            # An object that cannot be acted on has no further turn that would try again.
            self._retry = asyncio.get_running_loop().call_later(self._refused_for, self._deliver)
        else:
            self._written, self._written_at = told, self._clock.monotonic()
