"""Telling people: the status and the events of one QueueConsumer, written where there is news."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from qc_operator import reporting, transitions
from qc_operator.cluster import EventPoster, StatusWriter
from qc_operator.cluster.client import ApiError
from qc_operator.metrics import Metrics
from qc_operator.registry import Known
from qc_operator.reporting import Findings
from qc_operator.scaling import capacity_kept, guards_kept
from qc_operator.scaling.memory import Memory
from qc_operator.surroundings import Clock, Onlooker
from qc_operator.transitions import Event

REFUSED_MOST = 60.0
"""Seconds between two such tries at most: they double."""
REFUSED_RETRY = 5.0
"""Seconds before a status that was not taken is written again: readings come five times a second."""

EVENTS_MOST = 100
"""Events that wait at most; while the API server is away the oldest go."""

log = logging.getLogger(__name__)


class Announcer:
    """Knows what was written last, and writes no more than it must.

    In a task of its own, so that a slow API server holds up what is told and never what is decided.
    """

    def __init__(
        self,
        *,
        status: Mapping[str, Any],
        statuses: StatusWriter,
        events: EventPoster,
        metrics: Metrics,
        clock: Clock,
        onlooker: Onlooker,
        numbers_interval: float,
        on_gone: Callable[[], None],
    ) -> None:
        self._status: Mapping[str, Any] = status
        self._written: Mapping[str, Any] = status
        self._written_at = float("-inf")
        self._refused_at = float("-inf")
        self._refused_for = REFUSED_RETRY
        self._news: deque[tuple[Event, datetime]] = deque(maxlen=EVENTS_MOST)
        self._about: Known | None = None
        self._memory: Memory | None = None
        self._statuses = statuses
        self._events = events
        self._metrics = metrics
        self._clock = clock
        self._onlooker = onlooker
        self._numbers_interval = numbers_interval
        self._on_gone = on_gone
        self._task: asyncio.Task[None] | None = None
        self._retry: asyncio.TimerHandle | None = None

    def tell(self, findings: Findings, *, about: Known) -> None:
        """Take in what a turn has found, and have it written where it is news."""
        ref = about.spec.scale_target_ref if about.spec else None
        now = self._clock.utcnow()
        news = transitions.events(findings=findings, previous=self._status.get("conditions", ()))
        for event in news:
            if event.action != "Scale":  # which the write has logged, with its numbers
                level = logging.WARNING if event.warning else logging.INFO
                log.log(level, "%s: %s: %s", about.key, event.reason, event.note)
            self._news.append((event, now))
        self._about = about
        if findings.decision is not None:
            self._memory = findings.decision.memory
        self._status = reporting.status(
            findings=findings,
            previous=self._status,
            generation=about.generation,
            target=reporting.target_name(ref) if ref else "",
            broker=_broker(about),
            now=now,
        )
        metrics = self._metrics.of(about.key)
        metrics.told(findings.conditions)
        metrics.scale.remember(self._status.get("history"))
        self._onlooker.told(about, status=self._status, change=findings.change, now=now)
        self._deliver()

    def forget_learned(self) -> None:
        """What was learned of other queues is not to be found in the status of these."""
        self._memory = None
        self._status = {name: value for name, value in self._status.items() if name != "learned"}

    @property
    def has_original(self) -> bool:
        """Whether the status has the number of replicas that this target had before the first decision."""
        return "originalReplicas" in self._status

    async def keep_original(self, replicas: int, *, about: Known) -> None:
        """Have that number in the status. Raises `ApiError`."""
        status = {**self._status, "originalReplicas": replicas}
        await self._statuses.write(key=about.key, uid=about.uid, status=status, urgent=True)
        self._status = status

    def forget_original(self) -> None:
        """What another target had before is not what this one had."""
        self._status = {name: value for name, value in self._status.items() if name != "originalReplicas"}

    def told(self, condition: str) -> str | None:
        """The reason that the status gives for a condition of this type, or None where it has none.

        One that no longer holds must be taken back; one that never did need not be told.
        """
        for known in self._status.get("conditions", ()):
            if known["type"] == condition:
                return str(known["reason"])
        return None

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
            status=self._status,
            written=self._written,
            numbers_due=now - self._written_at >= self._numbers_interval,
        )

    async def _write_all(self) -> None:
        """Write until there is no news: more may come in meanwhile, and only the latest status counts."""
        try:
            while self._about is not None and (self._news or self._status_is_due()):
                if self._status_is_due():
                    await self._write_status(self._status, about=self._about)
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

    def _learned(self, memory: Memory) -> dict[str, object]:
        learned = capacity_kept.remembered(memory.capacity)
        guards = guards_kept.remembered(memory.guards, now=self._clock.monotonic())
        return {**learned, "guards": guards} if guards else learned

    async def _write_status(self, told: Mapping[str, Any], *, about: Known) -> None:
        status = told
        if self._memory is not None:
            # Only now: it takes as long as a tenth of a turn, and readings come five times a second.
            status = {**status, "learned": self._learned(self._memory)}
        try:
            await self._statuses.write(key=about.key, uid=about.uid, status=status)
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


def _broker(known: Known) -> str:
    """The Secret, and the vhost where the spec names one: `shop-rabbitmq/shop`."""
    if known.spec is None:
        return ""
    broker = known.spec.broker
    return broker.secret_name if broker.vhost is None else f"{broker.secret_name}/{broker.vhost}"
