"""The conditions ScalingLimited and ObjectiveMet: what holds replicas back, and whether work is on time."""

from __future__ import annotations

from typing import Final

from qc_operator.conditions import Condition, Truth
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.observation import EntryObservation
from qc_operator.scaling.reasons import Limit

LIMITED: Final = {
    Limit.MIN: "TooFewReplicas",
    Limit.MAX: "TooManyReplicas",
    Limit.UP_POLICY: "ScaleUpLimited",
    Limit.DOWN_POLICY: "ScaleDownLimited",
    Limit.BUSY_FLOOR: "ReplicasBusy",
}
"""The reason of ScalingLimited by the limit: the first two as a HorizontalPodAutoscaler words them."""

LASTING: Final = frozenset({"SingleActiveConsumer", "ConsumersStuck", "DownstreamLimited", "Unschedulable"})
"""Reasons that somebody must do something about: told at once and by an event.

The others come and go with the load, several times a second where a queue is emptied and filled again; they are told
with the numbers, every 15 s.
"""


def scaling_limited(
    *, decision: Decision, entries: tuple[EntryObservation, ...], spec: QueueConsumerSpec, told: str | None
) -> tuple[Condition, ...]:
    """ScalingLimited, for a decision that was made.

    `told` is the reason that the status gives for it; without one, nothing is said while nothing limits.
    """
    reason, message = _limit(decision=decision, entries=entries, spec=spec)
    if reason is not None:
        return (Condition(type="ScalingLimited", status="True", reason=reason, message=message),)
    unknown = any(queue.facts is None for entry in entries for queue in entry.queues)
    if told is None or (told == "SingleActiveConsumer" and unknown):
        # Not known is not no: after a restart the slow lane has yet to say what the queue is.
        return ()
    return (Condition(type="ScalingLimited", status="False", reason="NotLimited", message="nothing limits replicas"),)


def _limit(
    *, decision: Decision, entries: tuple[EntryObservation, ...], spec: QueueConsumerSpec
) -> tuple[str | None, str]:
    single = [
        queue.name
        for entry in entries
        for queue in entry.queues
        if queue.facts is not None and queue.facts.single_active_consumer
    ]
    if single and spec.max_replicas > 1:
        return "SingleActiveConsumer", (
            f"queue {single[0]} has a single active consumer: of {spec.max_replicas} replicas all but one would only "
            "stand by; set maxReplicas to 1, or use a queue without x-single-active-consumer"
        )
    if decision.guard is not None:
        return decision.guard.reason, decision.guard.message
    if decision.limited_by is Limit.STABILIZATION:
        held = next(step for step in decision.steps if step.name == "stabilization")
        return ("ScaleUpStabilized" if "scaleUp" in held.source else "ScaleDownStabilized"), decision.message
    reason = LIMITED.get(decision.limited_by)
    return reason, decision.message


def objective_met(*, decision: Decision, spec: QueueConsumerSpec, told: str | None) -> tuple[Condition, ...]:
    """ObjectiveMet, where a queue has a `wait` objective or had one."""
    if not any(source.wait for source in spec.queues):
        if told is None:
            return ()
        return (_objective("Unknown", "NoObjective", "no queue has a wait objective"),)
    if decision.infeasible is not None:
        return (_objective("False", "ObjectiveInfeasible", decision.infeasible),)
    waiting = [
        (source.name or source.pattern, wait)
        for source, wait in zip(spec.queues, decision.waiting, strict=False)
        if wait is not None
    ]
    late = "; ".join(
        f"messages in {name} wait about {wait.seconds:.0f} s, objectiveSeconds is {wait.objective}"
        for name, wait in waiting
        if wait.seconds is not None and wait.seconds > wait.objective
    )
    guard = decision.guard
    # Of consumers that are stuck the estimate says what they managed before.
    stuck = guard is not None and guard.reason == "ConsumersStuck"
    if late or stuck:
        message = ": ".join(words for words in (late, guard.message if guard else "") if words)
        return (_objective("False", guard.reason if guard else "WaitTooLong", message),)
    if not waiting or any(wait.seconds is None for _, wait in waiting):
        return (_objective("Unknown", "WaitUnknown", "how long messages wait is not known yet"),)
    return (_objective("True", "WaitWithinObjective", "every message is expected to be taken in time"),)


def _objective(status: Truth, reason: str, message: str) -> Condition:
    return Condition(type="ObjectiveMet", status=status, reason=reason, message=message)
