"""One QueueConsumer: observe -> decide -> act -> tell. One turn at a time, woken by readings.

No reading waits for a timer: each one, also one that says the same as before, is a turn, and so are failures to read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from qc_operator import refusal
from qc_operator.actuation import SupersededError, actuate
from qc_operator.announcer import Announcer
from qc_operator.brokers import Feed
from qc_operator.cluster.client import ApiError
from qc_operator.conflict import Conflict
from qc_operator.feeding import Feeding
from qc_operator.holding import FinalizerError, Holding
from qc_operator.readiness import blocked
from qc_operator.recollection import Recollection
from qc_operator.registry import Known
from qc_operator.reporting import Findings
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.observation import EntryObservation
from qc_operator.surroundings import Surroundings
from qc_operator.targeting import Targeting, Workplace
from qc_operator.turn_metrics import TurnMetrics
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
        self._metrics = TurnMetrics(known=known, around=surroundings)
        self._announcer = Announcer(around=surroundings, status=known.status, on_gone=on_gone)
        self._holding = Holding(around=surroundings, announcer=self._announcer)
        self._recollection = Recollection(known=known, clock=surroundings.clock)
        self._feeding = Feeding(feeds=surroundings.feeds, namespace=known.key.namespace, notify=self.wake)
        self._targeting = Targeting(around=surroundings, namespace=known.key.namespace, wake=self.wake)
        self.turns = Turns(
            take=self._take_turn,
            clock=surroundings.clock,
            admission=surroundings.admission,
            urgent=lambda: self._feeding.work_waits,
            ended=self._metrics.turn_ended,
        )
        self.update(known)

    @property
    def known(self) -> Known:
        """The object this one serves, as last seen."""
        return self._known

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
        self.turns.wake()

    def last_status(self) -> Mapping[str, Any]:
        """The status that says that the object is served no longer. Somebody else is to write it."""
        return self._announcer.last_status(about=self._known)

    def tell_again(self) -> None:
        """Write the status though it is not new: somebody else has written another one."""
        self._announcer.tell_again()

    def close(self) -> None:
        """Stop. The target keeps its replicas."""
        self.turns.close()
        self._feeding.close()
        self._targeting.close()
        self._announcer.close()
        self._metrics.close()
        self._around.onlooker.gone(self._known.key)

    def _forget(self, *, other_target: bool) -> None:
        """Begin anew with other queues, or another target."""
        self._recollection.follow(other_target=other_target)
        self._announcer.forget_learned()
        self._metrics.forget_readings()

    async def _take_turn(self) -> None:
        known, feed, place = self._known, self._feeding.feed, self._targeting.place
        if known.spec is None or feed is None or place is None:
            self._announcer.tell(Findings(conditions=blocked(known)), about=known)
            # No reading comes. Where all objects are so, an operator without turns would pass for one that hangs.
            self.turns.wake_in(UNREAD_TURN)
            return
        entries, seen_at = feed.observe(), self._around.clock.monotonic()
        self._metrics.observed(entries, feed=feed, now=seen_at)
        unread = feed.problem is not None or not all(entry.known for entry in entries)
        # Though no reading comes: a fallback becomes due, a pause ends, pods come and go.
        self.turns.wake_in(UNREAD_TURN if unread else None)
        if self._feeding.awaited(entries, now=seen_at):
            self._recollection.nothing_seen(now=seen_at)
            return
        if retry_in := place.retry_in(now=seen_at):
            # A queue that does not change may be read again only seconds after that.
            self.turns.wake_in(retry_in)
            return
        await self._around.rivals.settled()
        try:
            if self._conflict(known) is None:
                # What somebody else writes is not ours to give back.
                await self._holding.keep(known=known, spec=known.spec, target=place.target, now=seen_at)
            findings = await self._scale(
                known, spec=known.spec, feed=feed, place=place, entries=entries, seen_at=seen_at
            )
        except (FinalizerError, ApiError) as refused:
            place.refused(now=seen_at)
            self.turns.wake_in(place.retry_in(now=seen_at))  # The next try is not the next reading.
            refusal.tell(
                refused,
                about=self._known,
                spec=known.spec,
                entries=entries,
                announcer=self._announcer,
                metrics=self._metrics,
            )
            return
        except SupersededError:
            return  # The change has asked for another turn.
        if findings is not None:
            self._announcer.tell(findings, about=known)
            place.foreign.told()

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
            log.info("%s: its target was created anew", known.key)
            self._recollection.target_created_anew(now=seen_at)
            self._announcer.forget_original()
        before, conflict = self._recollection.memory, self._conflict(known)
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
        self._recollection.decided(acted.decision, on=before, wrote=acted.wrote)
        if acted.waits and not acted.by_hand:
            return None
        at_rest = acted.at_rest and not spec.schedules and known.pause.until is None
        feed.expect_change(at_zero=acted.at_zero, at_rest=at_rest)
        self._metrics.acted(acted, place=place)
        return verdict(
            decision=acted.decision,
            entries=entries,
            spec=spec,
            pause=known.pause,
            problem=feed.problem,
            running=acted.scale.running,
            remarks=place.remarks,
            told=self._announcer.told,
            wrote=acted.wrote,
            conflict=acted.conflict,
            by_hand=acted.by_hand,
        )
