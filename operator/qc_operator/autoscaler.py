"""One QueueConsumer: observe -> decide -> act -> tell. One turn at a time, woken by readings.

No reading waits for a timer: each one, also one that says the same as before, is a turn, and so are failures to read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from msgspec.structs import replace

from qc_operator import scale_record
from qc_operator.actuation import Actuation, SupersededError, actuate
from qc_operator.announcer import Announcer
from qc_operator.brokers import Feed
from qc_operator.cluster.client import ApiError
from qc_operator.conditions import Condition
from qc_operator.conflict import Conflict
from qc_operator.feeding import Feeding
from qc_operator.holding import FinalizerError, Holding
from qc_operator.memory_kept import restored
from qc_operator.readiness import blocked, finalizer_problem, target_problem, unread
from qc_operator.registry import Known
from qc_operator.reporting import Findings
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.memory import Memory, remember_nothing
from qc_operator.scaling.observation import EntryObservation
from qc_operator.scaling.stabilization import Answers
from qc_operator.surroundings import Surroundings
from qc_operator.targeting import Targeting, Workplace
from qc_operator.turns import Turns
from qc_operator.verdict import verdict

UNREAD_TURN = 5.0
"""Seconds between two turns while queues cannot be read, of which no reading tells."""

log = logging.getLogger(__name__)


class Autoscaler:
    """Keeps one target's replicas where its queues want them."""

    def __init__(
        self,
        *,
        known: Known,
        surroundings: Surroundings,
        conflict: Callable[[Known], Conflict | None],
        on_gone: Callable[[], None],
    ) -> None:
        self._known = known
        self._conflict = conflict
        self._around = surroundings
        self._metrics = surroundings.metrics.of(known.key)
        status = known.status
        self._metrics.scale.remember(status.get("history"))
        self._announcer = Announcer(
            status=status,
            statuses=surroundings.statuses,
            events=surroundings.events,
            metrics=surroundings.metrics,
            clock=surroundings.clock,
            onlooker=surroundings.onlooker,
            numbers_interval=surroundings.settings.numbers_interval,
            on_gone=on_gone,
        )
        self._holding = Holding(around=surroundings, announcer=self._announcer)
        self._memory: Memory = remember_nothing(now=surroundings.clock.monotonic())
        self._feeding = Feeding(feeds=surroundings.feeds, namespace=known.key.namespace, notify=self.wake)
        self._targeting = Targeting(around=surroundings, namespace=known.key.namespace, wake=self.wake)
        self._turns = Turns(take=self._take_turn, monotonic=surroundings.clock.monotonic, ended=self._turn_ended)
        self._unread: asyncio.TimerHandle | None = None
        self.update(known)
        clock = surroundings.clock
        self._memory = restored(known=known, now=clock.monotonic(), at=clock.utcnow())

    @property
    def known(self) -> Known:
        """The object this one serves, as last seen."""
        return self._known

    @property
    def turn_since(self) -> float | None:
        """When the turn under way began, on the surroundings' clock; None between turns."""
        return self._turns.since

    @property
    def turn_ended(self) -> float:
        """When the last turn ended, on the surroundings' clock; minus infinity before the first."""
        return self._turns.ended_at

    def update(self, known: Known) -> None:
        """Take over a new spec; readings go on where they concern the same queues."""
        self._known = known
        if self._feeding.follow(known.spec):
            self._forget(other_target=False)
        self._metrics.specified(known.spec)
        if known.spec and self._targeting.follow(known.spec.scale_target_ref):
            self._announcer.forget_original()
            self._forget(other_target=True)
        self._holding.seen(known)
        self.wake()

    def wake(self) -> None:
        """Take a turn now, or once more after the one under way."""
        self._turns.wake()

    def close(self) -> None:
        """Stop. The target keeps its replicas."""
        self._turns.close()
        self._feeding.close()
        self._targeting.close()
        if self._unread is not None:
            self._unread.cancel()
        self._announcer.close()
        self._around.metrics.forget(self._known.key)
        self._around.onlooker.gone(self._known.key)

    def _forget(self, *, other_target: bool) -> None:
        """Begin anew: what was seen of other queues, or decided for another target, says nothing about these."""
        memory = remember_nothing(now=self._around.clock.monotonic())
        # Policies are about the target, whichever queues asked for the changes.
        self._memory = memory if other_target else replace(memory, changes=self._memory.changes)
        self._announcer.forget_learned()
        self._metrics.forget_readings()

    async def _take_turn(self) -> None:
        known, feed, place = self._known, self._feeding.feed, self._targeting.place
        if known.spec is None or feed is None or place is None:
            self._announcer.tell(Findings(conditions=blocked(known)), about=known)
            return
        entries, seen_at = feed.observe(), self._around.clock.monotonic()
        self._metrics.observed(
            entries,
            broker=feed.broker,
            unread=unread(problem=feed.problem, entries=entries),
            now=seen_at,
            at=self._around.clock.utcnow(),
        )
        self._come_back_if(unread=feed.problem is not None or not all(entry.known for entry in entries))
        if self._feeding.awaited(entries, now=seen_at):
            # The first reading of this broker is still to come, and what another one said is of no use.
            self._memory = replace(self._memory, since=seen_at, busy_at=seen_at, answers=Answers())
            return
        if not place.due(now=seen_at):
            return
        await self._around.rivals.settled()
        try:
            if self._conflict(known) is None:
                # What somebody else writes is not ours to give back.
                await self._holding.keep(known=known, spec=known.spec, target=place.target, now=seen_at)
            findings = await self._scale(
                known, spec=known.spec, feed=feed, place=place, entries=entries, seen_at=seen_at
            )
        except FinalizerError as refused:
            place.refused(now=seen_at)
            self._refused(refused.error, resource="finalizers", told=finalizer_problem(error=refused.error))
            return
        except ApiError as error:
            place.refused(now=seen_at)
            self._refused(error, resource="scale", told=target_problem(error=error, spec=known.spec), entries=entries)
            return
        except SupersededError:
            return  # The change has asked for another turn.
        if findings is not None:
            self._announcer.tell(findings, about=known)

    def _refused(
        self,
        error: ApiError,
        *,
        resource: str,
        told: tuple[Condition, ...],
        entries: tuple[EntryObservation, ...] = (),
    ) -> None:
        """Nothing was written, and the next try is not the next turn."""
        self._around.metrics.api_errors.labels(resource=resource, reason=error.reason).inc()
        self._around.metrics.evaluations.labels("error").inc()
        if error.passing:
            # Neither could a status be written now; nothing is known to be wrong with the object.
            log.warning("%s: %s not read or written: %s", self._known.key, resource, error)
        else:
            self._metrics.undecided()
            self._announcer.tell(Findings(conditions=told, entries=entries), about=self._known)

    def _turn_ended(self, seconds: float) -> None:
        metrics = self._around.metrics
        metrics.turn.observe(seconds)
        metrics.last_turn.at = self._around.clock.utcnow().timestamp()

    def _come_back_if(self, *, unread: bool) -> None:
        """Take another turn though no reading comes: a fallback becomes due, a pause ends, pods come and go."""
        if self._unread is not None:
            self._unread.cancel()
        self._unread = asyncio.get_running_loop().call_later(UNREAD_TURN, self.wake) if unread else None

    async def _scale(
        self,
        known: Known,
        *,
        spec: QueueConsumerSpec,
        feed: Feed,
        place: Workplace,
        entries: tuple[EntryObservation, ...],
        seen_at: float,
    ) -> Findings | None:
        """Decide and act; None where there is nothing to tell yet, because a step down is written in a moment."""
        if await place.created_anew(now=seen_at):
            # It has not been seen for a window, whatever its name; what its consumers can do, they still can.
            log.info("%s: its target was created anew", known.key)
            self._memory = remember_nothing(now=seen_at, capacity=self._memory.capacity)
            self._announcer.forget_original()
        before, conflict = self._memory, self._conflict(known)
        acted = await actuate(
            known=known,
            spec=spec,
            entries=entries,
            feed=feed,
            place=place,
            conflict=conflict,
            superseded=lambda: (
                self._known is not known or self._targeting.place is not place or self._conflict(known) != conflict
            ),
            memory=before,
            clock=self._around.clock,
            metrics=self._around.metrics,
            seen_at=seen_at,
        )
        decision, scale = acted.decision, acted.scale
        if before is self._memory:
            # Otherwise the spec has changed meanwhile, and the memory begins anew with it. What was not written has
            # changed nothing that a policy could count.
            self._memory = (
                decision.memory
                if acted.wrote
                else replace(decision.memory, changes=before.changes, changed_at=before.changed_at)
            )
        if acted.waits and not acted.by_hand:
            return None
        at_zero = (decision.replicas if acted.wrote else scale.replicas) == 0
        at_rest = (
            acted.conflict is None
            and at_zero
            and scale.running == 0
            and not spec.schedules
            and known.pause.until is None
        )
        feed.expect_change(at_zero=at_zero, at_rest=at_rest)
        self._measure(acted, place=place)
        return verdict(
            decision=decision,
            entries=entries,
            spec=spec,
            pause=known.pause,
            problem=feed.problem,
            running=scale.running,
            remarks=place.remarks,
            told=self._announcer.told,
            wrote=acted.wrote,
            conflict=acted.conflict,
            by_hand=acted.by_hand,
        )

    def _measure(self, acted: Actuation, *, place: Workplace) -> None:
        decision, now = acted.decision, self._around.clock.monotonic()
        change = acted.wrote and decision.replicas != decision.current
        result = scale_record.direction(before=decision.current, after=decision.replicas) if change else "hold"
        self._around.metrics.evaluations.labels(result).inc()
        self._metrics.decided(
            decision, wrote=acted.wrote, running=acted.scale.running, pods=place.target.pods(now=now), now=now
        )
