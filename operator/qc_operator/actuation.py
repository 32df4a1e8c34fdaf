"""Deciding on a target's present scale and writing the answer, until nobody else has written in between."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from qc_operator.brokers import Feed
from qc_operator.cluster import Scale
from qc_operator.cluster.client import ApiError
from qc_operator.conflict import Conflict
from qc_operator.foreign_writes import agrees
from qc_operator.metrics import Metrics
from qc_operator.registry import Known
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scale_record import direction
from qc_operator.scaling.decision import Decision, decide
from qc_operator.scaling.memory import Memory
from qc_operator.scaling.observation import Depth, EntryObservation, Observation
from qc_operator.surroundings import Clock
from qc_operator.targeting import Workplace

WRITE_TRIES = 5
"""A Deployment's resourceVersion moves with its pods, so a conflict is common and means: read again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actuation:
    """The decision that stands, and the target's scale after it."""

    decision: Decision
    scale: Scale
    wrote: bool = False
    """Whether the decision was written, or would have been if it had changed anything."""
    waits: bool = False
    """Whether it will be in a moment, once the pods stand out that should go."""
    conflict: Conflict | None = None
    """Why it was not, or might not be the next time."""
    by_hand: str = ""
    """What is to be told of replicas that somebody else has set."""

    @property
    def at_zero(self) -> bool:
        """Whether no replicas are asked for."""
        return (self.decision.replicas if self.wrote else self.scale.replicas) == 0

    @property
    def at_rest(self) -> bool:
        """Whether there are no pods either, and nobody else who would start some."""
        return self.at_zero and self.scale.running == 0 and self.conflict is None


class SupersededError(Exception):
    """What was decided upon is not so any more: the next turn decides."""


async def actuate(
    *,
    known: Known,
    spec: QueueConsumerSpec,
    entries: tuple[EntryObservation, ...],
    feed: Feed,
    place: Workplace,
    conflict: Conflict | None,
    superseded: Callable[[], bool],
    memory: Memory,
    clock: Clock,
    metrics: Metrics,
    seen_at: float,
) -> Actuation:
    """Decide and write; after each conflict decide anew on what somebody else has made of it.

    `seen_at` is when the entries were seen, in seconds of the clock. `mode: Observe` writes nothing, and neither does
    an object with a `conflict`. `superseded` is asked right before a write whether all this is still so: the object
    may have been changed, paused or deleted while a request was waited for. Raises `ApiError` and `SupersededError`.
    """
    by_hand, target, foreign = "", place.target, place.foreign
    idle = conflict is not None or spec.mode == "Observe"
    for _ in range(WRITE_TRIES):
        scale = await target.scale(now=seen_at)
        decision = decide(
            spec=spec,
            observation=Observation(
                entries=entries, current=scale.replicas, running=scale.running, pods=target.pods(now=seen_at)
            ),
            memory=memory,
            now=clock.monotonic(),
            at=clock.utcnow(),
            pause=known.pause,
        )
        if idle:
            # What others write is theirs to write, and when it ends, it begins anew.
            foreign.forget()
            return Actuation(decision=decision, scale=scale, conflict=conflict)
        by_hand = foreign.see(scale, agreed=agrees(decision), now=seen_at) or by_hand
        may_write = foreign.may_write(now=seen_at)
        # Where nothing may be written, nothing is prepared either.
        replicas = decision.replicas if may_write else scale.replicas
        ready = place.scale_in.ready(scale=scale, replicas=replicas, entries=entries, feed=feed, now=clock.monotonic())
        if replicas == scale.replicas:
            return Actuation(
                decision=decision, scale=scale, wrote=may_write, conflict=foreign.conflict, by_hand=by_hand
            )
        if not ready:
            return Actuation(decision=decision, scale=scale, waits=True, conflict=foreign.conflict, by_hand=by_hand)
        if superseded():
            raise SupersededError
        foreign.asks(decision.replicas)
        try:
            written = await target.ask(decision.replicas, known=scale, now=seen_at)
        except ApiError as error:
            if not error.conflict:
                raise
        else:
            now = clock.monotonic()
            way = direction(before=decision.current, after=decision.replicas)
            metrics.reaction.of(way).observe(now - _read_at(entries, seen_at=seen_at))
            metrics.of(known.key).scale.scaled(decision, now=now, at=clock.utcnow())
            change = f"{scale.replicas} -> {decision.replicas} replicas"
            log.info("%s: %s, %s: %s", known.key, change, decision.reason.value, decision.message)
            foreign.wrote(written, now=seen_at)
            return Actuation(decision=decision, scale=written, wrote=True, conflict=foreign.conflict, by_hand=by_hand)
    raise ApiError(status=0, reason="Conflict", message="somebody else writes the scale again and again")


def _read_at(entries: tuple[EntryObservation, ...], *, seen_at: float) -> float:
    """When the newest reading came, which is what has woken the turn: with thousands it has waited in line since."""
    times = [queue.depth.at for entry in entries for queue in entry.queues if isinstance(queue.depth, Depth)]
    return min(max(times, default=seen_at), seen_at)
