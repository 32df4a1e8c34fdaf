"""One QueueConsumer: observe -> decide -> act -> tell. One turn at a time, woken by readings.

No reading waits for a timer: each one, also one that says the same as before, is a turn, and so are failures to read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from msgspec.structs import replace

from qc_operator.actuation import actuate
from qc_operator.announcer import Announcer
from qc_operator.brokers import Feed
from qc_operator.cluster.client import ApiError
from qc_operator.feeding import Feeding
from qc_operator.memory_kept import restored
from qc_operator.readiness import blocked, target_problem
from qc_operator.registry import Known
from qc_operator.reporting import Findings
from qc_operator.resource import QueueConsumerSpec, ScaleTargetRef
from qc_operator.scaling.memory import Memory, remember_nothing
from qc_operator.scaling.observation import EntryObservation
from qc_operator.scaling.stabilization import Answers
from qc_operator.surroundings import Surroundings
from qc_operator.target import Target, TargetPods
from qc_operator.turns import Turns
from qc_operator.verdict import verdict

TARGET_RETRY = 5.0
"""Seconds before a target that could not be read or written is tried again."""

UNREAD_TURN = 5.0
"""Seconds between two turns while queues cannot be read, of which no reading tells."""

log = logging.getLogger(__name__)


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
        self._feeding = Feeding(feeds=surroundings.feeds, namespace=known.key.namespace, notify=self.wake)
        self._target: Target | None = None
        self._target_retry_at = float("-inf")
        self._turns = Turns(take=self._take_turn)
        self._unread: asyncio.TimerHandle | None = None
        self.update(known)
        clock = surroundings.clock
        self._memory = restored(known=known, now=clock.monotonic(), at=clock.utcnow())

    @property
    def known(self) -> Known:
        """The object this one serves, as last seen."""
        return self._known

    def update(self, known: Known) -> None:
        """Take over a new spec; readings go on where they concern the same queues."""
        self._known = known
        spec = known.spec if not known.not_implemented else None
        if self._feeding.follow(spec):
            self._forget(other_target=False)
        if spec:
            self._take_target(spec.scale_target_ref)
        self._target_retry_at = float("-inf")
        self.wake()

    def wake(self) -> None:
        """Take a turn now, or once more after the one under way."""
        self._turns.wake()

    def close(self) -> None:
        """Stop. The target keeps its replicas."""
        self._turns.close()
        self._feeding.close()
        if self._target is not None:
            self._target.close()
        if self._unread is not None:
            self._unread.cancel()
        self._announcer.close()
        self._around.metrics.forget(self._known.key)

    def _take_target(self, ref: ScaleTargetRef) -> None:
        if self._target is not None:
            if self._target.ref == ref:
                self._target.forget()
                return
            self._target.close()
            self._forget(other_target=True)
        namespace = self._known.key.namespace
        self._target = Target(
            scales=self._around.scales,
            namespace=namespace,
            ref=ref,
            max_age=self._around.settings.scale_max_age,
            pods=TargetPods(reader=self._around.pods, namespace=namespace, notify=self.wake),
        )

    def _forget(self, *, other_target: bool) -> None:
        """Begin anew: what was seen of other queues, or decided for another target, says nothing about these."""
        memory = remember_nothing(now=self._around.clock.monotonic())
        # Policies are about the target, whichever queues asked for the changes.
        self._memory = memory if other_target else replace(memory, changes=self._memory.changes)
        self._announcer.forget_learned()
        self._around.metrics.forget(self._known.key)

    async def _take_turn(self) -> None:
        known, feed, target, clock = self._known, self._feeding.feed, self._target, self._around.clock
        if known.spec is None or feed is None or target is None:
            self._announcer.tell(Findings(conditions=blocked(known)), about=known)
            return
        entries, seen_at = feed.observe(), clock.monotonic()
        self._come_back_if(unread=feed.problem is not None or not all(entry.known for entry in entries))
        if self._feeding.awaited(entries, now=seen_at):
            # The first reading of this broker is still to come, and what another one said is of no use.
            self._memory = replace(self._memory, since=seen_at, busy_at=seen_at, answers=Answers())
            return
        if seen_at < self._target_retry_at:
            return
        try:
            findings = await self._scale(spec=known.spec, feed=feed, target=target, entries=entries, seen_at=seen_at)
        except ApiError as error:
            self._around.metrics.api_errors.labels(resource="scale", reason=error.reason).inc()
            if error.passing:
                log.warning("%s: the target's scale was not read or written: %s", known.key, error)
            self._target_retry_at = seen_at + TARGET_RETRY
            target.forget()
            if error.passing:
                return  # Neither could a status be written now; nothing is known to be wrong with the object.
            findings = Findings(conditions=target_problem(error=error, spec=known.spec), entries=entries)
        self._announcer.tell(findings, about=known)

    def _come_back_if(self, *, unread: bool) -> None:
        """Take another turn though no reading comes: a fallback becomes due, a pause ends, pods come and go."""
        if self._unread is not None:
            self._unread.cancel()
        self._unread = asyncio.get_running_loop().call_later(UNREAD_TURN, self.wake) if unread else None

    async def _scale(
        self,
        *,
        spec: QueueConsumerSpec,
        feed: Feed,
        target: Target,
        entries: tuple[EntryObservation, ...],
        seen_at: float,
    ) -> Findings:
        before = self._memory
        acted = await actuate(
            known=self._known,
            spec=spec,
            entries=entries,
            target=target,
            memory=before,
            clock=self._around.clock,
            metrics=self._around.metrics,
            seen_at=seen_at,
        )
        decision, scale = acted.decision, acted.scale
        observing = spec.mode == "Observe"
        if before is self._memory:
            # Otherwise the spec has changed meanwhile, and the memory begins anew with it. What was only observed has
            # changed nothing that a policy could count.
            self._memory = (
                replace(decision.memory, changes=before.changes, changed_at=before.changed_at)
                if observing
                else decision.memory
            )
        feed.expect_change(at_zero=(scale.replicas if observing else decision.replicas) == 0)
        self._around.metrics.measure(
            self._known.key, spec=spec, entries=entries, decision=decision, running=scale.running
        )
        return verdict(
            decision=decision,
            entries=entries,
            spec=spec,
            pause=self._known.pause,
            problem=feed.problem,
            running=scale.running,
            pods_problem=target.pods_problem,
            told=self._announcer.told,
        )
