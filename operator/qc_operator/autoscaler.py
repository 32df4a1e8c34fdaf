"""One QueueConsumer: observe -> decide -> act -> tell. One turn at a time, woken by readings.

There is no timer here: each reading, also one that says the same as before, is a turn, and so are failures to read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from qc_operator import reporting
from qc_operator.brokers import Feed, Feeds, QueueName
from qc_operator.brokers.reader import NOT_READ_YET
from qc_operator.cluster import EventPoster, Scale, ScaleWriter, StatusWriter
from qc_operator.cluster.client import ApiError
from qc_operator.metrics import Metrics
from qc_operator.readiness import active, blocked, readiness, target_problem
from qc_operator.registry import Known
from qc_operator.reporting import Change, Findings
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.decision import Decision, Memory, decide, remember_nothing
from qc_operator.scaling.observation import Depth, Observation, QueueObservation, Totals, Unknown
from qc_operator.settings import StatusSettings

WRITE_TRIES = 5
"""A Deployment's resourceVersion moves with its pods, so a conflict is common and means: read again."""
TARGET_RETRY = 5.0
"""Seconds before a target that could not be read or written is tried again."""

log = logging.getLogger(__name__)


class Clock(Protocol):
    """The time, in both of its senses."""

    def monotonic(self) -> float:
        """Seconds that never go back, for windows and ages."""

    def utcnow(self) -> datetime:
        """The wall's time, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything an autoscaler acts through."""

    feeds: Feeds
    scales: ScaleWriter
    statuses: StatusWriter
    events: EventPoster
    metrics: Metrics
    clock: Clock
    settings: StatusSettings


class Autoscaler:
    """Keeps one target's replicas where its queues want them."""

    def __init__(self, *, known: Known, surroundings: Surroundings) -> None:
        self._known = known
        self._around = surroundings
        self._memory: Memory = remember_nothing(now=surroundings.clock.monotonic())
        self._feed: Feed | None = None
        self._feeding: object = None
        self._scale: Scale | None = None
        self._scale_at = float("-inf")
        self._target_retry_at = float("-inf")
        self._status: Mapping[str, Any] = known.status
        self._written: Mapping[str, Any] = known.status
        self._written_at = float("-inf")
        self._turn: asyncio.Task[None] | None = None
        self._again = False
        self.update(known)

    @property
    def known(self) -> Known:
        """The object this one serves, as last seen."""
        return self._known

    def update(self, known: Known) -> None:
        """Take over a new spec; readings go on where they concern the same queues."""
        self._known = known
        spec = known.spec
        usable = spec is not None and not known.not_implemented
        feeding = (spec.broker, tuple((q.name, q.vhost) for q in spec.queues)) if spec and usable else None
        if feeding != self._feeding:
            self._close_feed()
            self._feeding = feeding
            if spec and usable:
                self._feed = self._around.feeds.open(
                    namespace=known.key.namespace,
                    secret=spec.broker.secret_name,
                    vhost=spec.broker.vhost,
                    queues=[QueueName(name=queue.name or "", vhost=queue.vhost) for queue in spec.queues],
                    notify=self.wake,
                )
        self._scale_at = float("-inf")
        self.wake()

    def wake(self) -> None:
        """Take a turn now, or once more after the one under way."""
        if self._turn is None:
            self._turn = asyncio.create_task(self._take_turns())
        else:
            self._again = True

    def close(self) -> None:
        """Stop. The target keeps its replicas."""
        self._close_feed()
        if self._turn is not None:
            self._turn.cancel()
        self._around.metrics.forget(self._known.key)

    def _close_feed(self) -> None:
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    async def _take_turns(self) -> None:
        try:
            while True:
                self._again = False
                await self._take_turn()
                if not self._again:
                    return
        except Exception:
            # A bug in one turn must not end the loop of this object, let alone of the others.
            log.exception("%s: a turn failed", self._known.key)
        finally:
            self._turn = None

    async def _take_turn(self) -> None:
        known, spec = self._known, self._known.spec
        if spec is None or self._feed is None:
            await self._tell(Findings(conditions=blocked(known)))
            return
        queues = self._feed.observe()
        if self._feed.problem is None and any(_not_read_yet(queue) for queue in queues):
            return
        seen_at = self._around.clock.monotonic()
        try:
            findings = await self._scale_target(spec=spec, queues=queues, seen_at=seen_at)
        except ApiError as error:
            self._around.metrics.api_errors.labels(resource="scale", reason=error.reason).inc()
            self._scale_at, self._target_retry_at = float("-inf"), seen_at + TARGET_RETRY
            log.warning("%s: the target's scale was not read or written: %s", known.key, error)
            if error.passing:
                return  # Neither could a status be written now; nothing is known to be wrong with the object.
            findings = Findings(conditions=target_problem(error=error, spec=spec), queues=queues)
        if findings is not None:
            await self._tell(findings)

    async def _scale_target(
        self, *, spec: QueueConsumerSpec, queues: tuple[QueueObservation, ...], seen_at: float
    ) -> Findings | None:
        """Decide and write, again after each conflict. None while a failing target is left alone."""
        if seen_at < self._target_retry_at:
            return None
        change: Change | None = None
        for _ in range(WRITE_TRIES):
            scale = await self._read_scale(spec, now=seen_at)
            observation = Observation(queues=queues, current=scale.replicas)
            now = self._around.clock.monotonic()
            decision = decide(spec=spec, observation=observation, memory=self._memory, now=now)
            if decision.replicas == scale.replicas:
                break
            try:
                await self._write_scale(spec, decision=decision, scale=scale, seen_at=seen_at)
            except ApiError as error:
                if not error.conflict:
                    raise
                self._scale_at = float("-inf")
                continue
            change = Change(before=scale.replicas, after=decision.replicas)
            break
        else:
            return None  # Somebody writes faster than we read; the next reading tries again.
        self._memory = decision.memory
        if self._feed is not None:
            self._feed.expect_change(at_zero=decision.replicas == 0)
        self._measure(spec=spec, queues=queues, decision=decision)
        return Findings(
            conditions=(
                readiness(problem=self._feed.problem if self._feed else None, queues=queues, spec=spec),
                active(decision=decision, queues=queues),
            ),
            decision=decision,
            queues=queues,
            running=None if self._scale is None else self._scale.running,
            change=change,
        )

    async def _read_scale(self, spec: QueueConsumerSpec, *, now: float) -> Scale:
        if self._scale is None or now - self._scale_at > self._around.settings.scale_max_age:
            self._scale = await self._around.scales.read(
                namespace=self._known.key.namespace, target=spec.scale_target_ref
            )
            self._scale_at = now
        return self._scale

    async def _write_scale(self, spec: QueueConsumerSpec, *, decision: Decision, scale: Scale, seen_at: float) -> None:
        self._scale = await self._around.scales.write(
            namespace=self._known.key.namespace,
            target=spec.scale_target_ref,
            replicas=decision.replicas,
            resource_version=scale.resource_version,
        )
        now = self._around.clock.monotonic()
        self._scale_at = now
        direction = "up" if decision.replicas > scale.replicas else "down"
        metrics, key = self._around.metrics, self._known.key
        metrics.reaction.labels(direction=direction).observe(now - seen_at)
        metrics.scale_events.labels(key.namespace, key.name, direction, decision.reason.value).inc()
        log.info(
            "%s: %d -> %d replicas, %s: %s", key, scale.replicas, decision.replicas, decision.reason, decision.message
        )

    def _measure(self, *, spec: QueueConsumerSpec, queues: tuple[QueueObservation, ...], decision: Decision) -> None:
        metrics, labels = self._around.metrics, self._known.key
        metrics.current.labels(*labels).set(decision.current)
        metrics.desired.labels(*labels).set(decision.replicas)
        metrics.min_replicas.labels(*labels).set(spec.min_replicas)
        metrics.max_replicas.labels(*labels).set(spec.max_replicas)
        for queue in queues:
            if isinstance(queue.depth, Depth):
                metrics.ready.labels(*labels, queue.name).set(queue.depth.ready)
            if isinstance(queue.totals, Totals):
                metrics.unacknowledged.labels(*labels, queue.name).set(queue.totals.unacknowledged)
        if all(isinstance(queue.depth, Depth) for queue in queues):
            metrics.last_reading.labels(*labels).set(self._around.clock.utcnow().timestamp())

    async def _tell(self, findings: Findings) -> None:
        """Write status and events, where there is news."""
        known, around = self._known, self._around
        now, wall = around.clock.monotonic(), around.clock.utcnow()
        for condition in findings.conditions:
            around.metrics.condition.labels(*known.key, condition.type).set(condition.status == "True")
        ref = known.spec.scale_target_ref if known.spec else None
        status = reporting.status(
            findings=findings,
            previous=self._status,
            generation=known.generation,
            target=f"{ref.kind}/{ref.name}" if ref else "",
            now=wall,
        )
        news = reporting.events(findings=findings, previous=self._status.get("conditions", ()))
        self._status = status
        numbers_due = now - self._written_at >= around.settings.numbers_interval
        if reporting.must_write(status=status, written=self._written, numbers_due=numbers_due):
            try:
                await around.statuses.write(key=known.key, status=status)
                self._written, self._written_at = status, now
            except ApiError as error:
                if not error.not_found:
                    around.metrics.api_errors.labels(resource="status", reason=error.reason).inc()
                    log.warning("%s: the status was not written: %s", known.key, error)
                # Not before the numbers' interval again: a failing API server is not hammered.
                self._written_at = now
        for event in news:
            await around.events.post(
                about=known, warning=event.warning, reason=event.reason, action=event.action, note=event.note, at=wall
            )


def _not_read_yet(queue: QueueObservation) -> bool:
    return isinstance(queue.depth, Unknown) and queue.depth.cause == NOT_READ_YET
