"""Deciding on a target's present scale and writing the answer, until nobody else has written in between."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from qc_operator.cluster import Scale
from qc_operator.cluster.client import ApiError
from qc_operator.metrics import Metrics
from qc_operator.registry import Known
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.decision import Decision, decide
from qc_operator.scaling.memory import Memory
from qc_operator.scaling.observation import EntryObservation, Observation
from qc_operator.surroundings import Clock
from qc_operator.target import Target

WRITE_TRIES = 5
"""A Deployment's resourceVersion moves with its pods, so a conflict is common and means: read again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actuation:
    """The decision that stands, and the target's scale after it."""

    decision: Decision
    scale: Scale


async def actuate(
    *,
    known: Known,
    spec: QueueConsumerSpec,
    entries: tuple[EntryObservation, ...],
    target: Target,
    memory: Memory,
    clock: Clock,
    metrics: Metrics,
    seen_at: float,
) -> Actuation:
    """Decide and write; after each conflict decide anew on what somebody else has made of it.

    `seen_at` is when the entries were seen, in seconds of the clock. `mode: Observe` writes nothing. Raises `ApiError`.
    """
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
        if decision.replicas == scale.replicas or spec.mode == "Observe":
            return Actuation(decision=decision, scale=scale)
        try:
            written = await target.ask(decision.replicas, known=scale, now=seen_at)
        except ApiError as error:
            if not error.conflict:
                raise
        else:
            metrics.scaled(known.key, decision=decision, reaction=clock.monotonic() - seen_at)
            change = f"{scale.replicas} -> {decision.replicas} replicas"
            log.info("%s: %s, %s: %s", known.key, change, decision.reason.value, decision.message)
            return Actuation(decision=decision, scale=written)
    raise ApiError(status=0, reason="Conflict", message="somebody else writes the scale again and again")
