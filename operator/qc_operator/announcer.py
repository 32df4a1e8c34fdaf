"""Telling people: the status and the events of one QueueConsumer, written where there is news."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from qc_operator import reporting
from qc_operator.cluster import EventPoster, StatusWriter
from qc_operator.cluster.client import ApiError
from qc_operator.metrics import Metrics
from qc_operator.registry import Known
from qc_operator.reporting import Findings

REFUSED_RETRY = 5.0
"""Seconds before a status that was not taken is written again: readings come five times a second."""

log = logging.getLogger(__name__)


class Announcer:
    """Knows what was written last, and writes no more than it must."""

    def __init__(
        self,
        *,
        status: Mapping[str, Any],
        statuses: StatusWriter,
        events: EventPoster,
        metrics: Metrics,
        numbers_interval: float,
        on_gone: Callable[[], None],
    ) -> None:
        self._status: Mapping[str, Any] = status
        self._written: Mapping[str, Any] = status
        self._written_at = float("-inf")
        self._refused_at = float("-inf")
        self._statuses = statuses
        self._events = events
        self._metrics = metrics
        self._numbers_interval = numbers_interval
        self._on_gone = on_gone

    async def tell(self, findings: Findings, *, about: Known, now: float, wall: datetime) -> None:
        """Write status and events, where there is news. `now` is monotonic, `wall` the time for people, in UTC."""
        for condition in findings.conditions:
            self._metrics.condition.labels(*about.key, condition.type).set(condition.status == "True")
        ref = about.spec.scale_target_ref if about.spec else None
        previous = self._status.get("conditions", ())
        self._status = reporting.status(
            findings=findings,
            previous=self._status,
            generation=about.generation,
            target=f"{ref.kind}/{ref.name}" if ref else "",
            now=wall,
        )
        if not await self._write_status(about=about, now=now):
            return
        for event in reporting.events(findings=findings, previous=previous):
            await self._events.post(
                about=about, warning=event.warning, reason=event.reason, action=event.action, note=event.note, at=wall
            )

    async def _write_status(self, *, about: Known, now: float) -> bool:
        """Write the status if it must be. False when the object turns out to be gone."""
        numbers_due = now - self._written_at >= self._numbers_interval
        if now - self._refused_at < REFUSED_RETRY:
            return True
        if not reporting.must_write(status=self._status, written=self._written, numbers_due=numbers_due):
            return True
        try:
            await self._statuses.write(key=about.key, status=self._status)
        except ApiError as error:
            if error.not_found:
                # Deleted while the watch was away, which no event tells of any more.
                self._on_gone()
                return False
            self._metrics.api_errors.labels(resource="status", reason=error.reason).inc()
            log.warning("%s: the status was not written, next try in %.0f s: %s", about.key, REFUSED_RETRY, error)
            self._refused_at = now
        else:
            self._written, self._written_at = self._status, now
        return True
