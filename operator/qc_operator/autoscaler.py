"""One QueueConsumer: observe -> decide -> act -> tell. One turn at a time, woken by readings.

There is no timer here: each reading, also one that says the same as before, is a turn, and so are failures to read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from qc_operator.announcer import Announcer, Clock
from qc_operator.brokers import NOT_READ_YET, Feed, Feeds, QueueSource
from qc_operator.cluster import EventPoster, Scale, ScaleWriter, StatusWriter
from qc_operator.cluster.client import ApiError
from qc_operator.metrics import Metrics
from qc_operator.readiness import active, blocked, readiness, standby, target_problem
from qc_operator.registry import Known
from qc_operator.reporting import Change, Findings
from qc_operator.resource import Queue, QueueConsumerSpec
from qc_operator.scaling.decision import Decision, Memory, decide, remember_nothing
from qc_operator.scaling.observation import EntryObservation, Observation, Unknown
from qc_operator.settings import StatusSettings
from qc_operator.target import Target

WRITE_TRIES = 5
"""A Deployment's resourceVersion moves with its pods, so a conflict is common and means: read again."""
START_PATIENCE = 3.0
"""Seconds in which a first reading that is still to come is no news. What is known is decided upon after them."""
TARGET_RETRY = 5.0
"""Seconds before a target that could not be read or written is tried again."""

log = logging.getLogger(__name__)


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

    def __init__(self, *, known: Known, surroundings: Surroundings, on_gone: Callable[[], None]) -> None:
        self._known = known
        self._around = surroundings
        self._announcer = Announcer(
            status=known.status,
            statuses=surroundings.statuses,
            events=surroundings.events,
            metrics=surroundings.metrics,
            clock=surroundings.clock,
            numbers_interval=surroundings.settings.numbers_interval,
            on_gone=on_gone,
        )
        self._memory: Memory = remember_nothing(now=surroundings.clock.monotonic())
        self._feed: Feed | None = None
        self._feeding: object = None
        self._awaiting_since: float | None = None
        """Since when a first reading is awaited, after a start or with new credentials."""
        self._target: Target | None = None
        self._target_retry_at = float("-inf")
        self._turn: asyncio.Task[None] | None = None
        self._again = False
        self._closed = False
        self.update(known)

    @property
    def known(self) -> Known:
        """The object this one serves, as last seen."""
        return self._known

    def update(self, known: Known) -> None:
        """Take over a new spec; readings go on where they concern the same queues."""
        self._known = known
        spec = known.spec if not known.not_implemented else None
        feeding = (spec.broker, tuple(_source(queue) for queue in spec.queues)) if spec else None
        if feeding != self._feeding:
            self._close_feed()
            self._forget()
            self._feeding = feeding
            self._feed = self._open_feed(spec) if spec else None
        if spec:
            if self._target is not None and self._target.ref != spec.scale_target_ref:
                self._forget()
            self._target = Target(
                scales=self._around.scales,
                namespace=known.key.namespace,
                ref=spec.scale_target_ref,
                max_age=self._around.settings.scale_max_age,
            )
        self._target_retry_at = float("-inf")
        self.wake()

    def wake(self) -> None:
        """Take a turn now, or once more after the one under way."""
        if self._closed:
            return
        if self._turn is None:
            self._turn = asyncio.create_task(self._take_turns())
        else:
            self._again = True

    def close(self) -> None:
        """Stop. The target keeps its replicas."""
        self._closed = True
        self._close_feed()
        self._announcer.close()
        if self._turn is not None:
            self._turn.cancel()
        self._around.metrics.forget(self._known.key)

    def _forget(self) -> None:
        """Begin anew: what was seen of other queues, or decided for another target, says nothing about these."""
        self._memory = remember_nothing(now=self._around.clock.monotonic())
        self._around.metrics.forget(self._known.key)

    def _open_feed(self, spec: QueueConsumerSpec) -> Feed:
        return self._around.feeds.open(
            namespace=self._known.key.namespace,
            secret=spec.broker.secret_name,
            vhost=spec.broker.vhost,
            queues=[_source(queue) for queue in spec.queues],
            notify=self.wake,
        )

    def _close_feed(self) -> None:
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    async def _take_turns(self) -> None:
        try:
            while True:
                self._again = False
                try:
                    await self._take_turn()
                except Exception:
                    # A bug in one turn must not end the turns of this object, let alone of the others.
                    log.exception("%s: a turn failed", self._known.key)
                if not self._again or self._closed:
                    return
        finally:
            self._turn = None

    async def _take_turn(self) -> None:
        known, feed, target, clock = self._known, self._feed, self._target, self._around.clock
        if known.spec is None or feed is None or target is None:
            self._announcer.tell(Findings(conditions=blocked(known)), about=known)
            return
        entries, seen_at = feed.observe(), clock.monotonic()
        if feed.problem is not None or not any(_not_read_yet(entry) for entry in entries):
            self._awaiting_since = None
        elif self._awaiting_since is None:
            self._awaiting_since = seen_at
        if self._awaiting_since is not None and seen_at - self._awaiting_since < START_PATIENCE:
            # The first reading of this broker is still to come, and what another one said is of no use.
            self._memory = replace(self._memory, since=seen_at, busy_at=seen_at, answers=())
            return
        if seen_at < self._target_retry_at:
            return
        try:
            findings = await self._scale(spec=known.spec, feed=feed, target=target, entries=entries, seen_at=seen_at)
        except ApiError as error:
            self._around.metrics.api_errors.labels(resource="scale", reason=error.reason).inc()
            log.warning("%s: the target's scale was not read or written: %s", known.key, error)
            self._target_retry_at = seen_at + TARGET_RETRY
            target.forget()
            if error.passing:
                return  # Neither could a status be written now; nothing is known to be wrong with the object.
            findings = Findings(conditions=target_problem(error=error, spec=known.spec), entries=entries)
        self._announcer.tell(findings, about=known)

    async def _scale(
        self,
        *,
        spec: QueueConsumerSpec,
        feed: Feed,
        target: Target,
        entries: tuple[EntryObservation, ...],
        seen_at: float,
    ) -> Findings:
        """Decide and write; after each conflict decide anew on what somebody else has made of it."""
        for _ in range(WRITE_TRIES):
            scale = await target.scale(now=seen_at)
            decision = decide(
                spec=spec,
                observation=Observation(entries=entries, current=scale.replicas, running=scale.running),
                memory=self._memory,
                now=self._around.clock.monotonic(),
            )
            if decision.replicas == scale.replicas:
                break
            try:
                scale = await self._write(target=target, decision=decision, scale=scale, seen_at=seen_at)
            except ApiError as error:
                if not error.conflict:
                    raise
            else:
                break
        else:
            raise ApiError(status=0, reason="Conflict", message="somebody else writes the scale again and again")
        if target is self._target:
            # Otherwise the spec has changed meanwhile, and the memory begins anew with it.
            self._memory = decision.memory
        feed.expect_change(at_zero=decision.replicas == 0)
        self._around.metrics.measure(
            self._known.key, spec=spec, entries=entries, decision=decision, running=scale.running
        )
        changed = decision.replicas != decision.current
        return Findings(
            conditions=(
                readiness(problem=feed.problem, entries=entries, spec=spec),
                active(decision=decision, entries=entries),
                *standby(entries=entries, spec=spec, told=self._announcer.has_told("ScalingLimited")),
            ),
            decision=decision,
            entries=entries,
            running=scale.running,
            change=Change(before=decision.current, after=decision.replicas) if changed else None,
        )

    async def _write(self, *, target: Target, decision: Decision, scale: Scale, seen_at: float) -> Scale:
        written = await target.ask(decision.replicas, known=scale, now=seen_at)
        now, key = self._around.clock.monotonic(), self._known.key
        self._around.metrics.scaled(key, decision=decision, reaction=now - seen_at)
        log.info("%s: %d -> %d replicas, %s: %s", key, scale.replicas, *_told(decision))
        return written


def _told(decision: Decision) -> tuple[int, str, str]:
    return decision.replicas, decision.reason.value, decision.message


def _source(queue: Queue) -> QueueSource:
    rated = any((queue.publish_rate, queue.deliver_rate, queue.drain, queue.wait))
    return QueueSource(name=queue.name, pattern=queue.pattern, vhost=queue.vhost, rated=rated)


def _not_read_yet(entry: EntryObservation) -> bool:
    if entry.unmatched is not None:
        return entry.unmatched.cause == NOT_READ_YET
    return any(isinstance(queue.depth, Unknown) and queue.depth.cause == NOT_READ_YET for queue in entry.queues)
