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
    Limit.PAUSED: "Paused",
}
"""The reason of ScalingLimited by the limit: the first two as a HorizontalPodAutoscaler words them.

The others, `guard` and `stabilization`, stand for more than one reason; which one, the step of the decision tells.
"""

LASTING: Final = frozenset({"SingleActiveConsumer", "ConsumersStuck", "DownstreamLimited", "Unschedulable"})
"""Reasons that somebody must do something about: told at once and by an event.

The others come and go with the load, several times a second where a queue is emptied and filled again; they are told
with the numbers, every 15 s.
"""


def scaling_limited(
    *, decision: Decision, entries: tuple[EntryObservation, ...], spec: QueueConsumerSpec, told: str | None
) -> tuple[Condition, ...]:
    """ScalingLimited, for a decision that was made: True whenever `decision.limited_by` names a limit.

    A reason that somebody must do something about is told before it, and also while nothing asks for more. `told` is
    the reason that the status gives for the condition.
    """
    lasting = _lasting(decision=decision, entries=entries, spec=spec)
    if lasting is not None:
        reason, message = lasting
        return (Condition(type="ScalingLimited", status="True", reason=reason, message=message),)
    unknown = any(queue.facts is None for entry in entries for queue in entry.queues)
    if told == "SingleActiveConsumer" and unknown:
        # Not known is not no: after a restart the slow lane has yet to say what the queue is.
        return ()
    limit = _limit(decision)
    if limit is not None:
        return (Condition(type="ScalingLimited", status="True", reason=limit, message=decision.message),)
    return (Condition(type="ScalingLimited", status="False", reason="NotLimited", message="nothing limits replicas"),)


def _lasting(
    *, decision: Decision, entries: tuple[EntryObservation, ...], spec: QueueConsumerSpec
) -> tuple[str, str] | None:
    """The reason and the words of what somebody must do something about, or None."""
    queues = [queue for entry in entries for queue in entry.queues]
    single = [queue for queue in queues if queue.facts is not None and queue.facts.single_active_consumer]
    if single and spec.max_replicas > 1:
        words, remedy = f"queue {single[0].name} has a single active consumer", "use a queue without"
        if len(single) == len(queues):
            words = f"{words}: of {spec.max_replicas} replicas all but one would only stand by"
            remedy = f"set maxReplicas to 1, or {remedy}"
        else:
            words = f"{words}: one replica does all of its messages, whatever the other queues ask for"
        return "SingleActiveConsumer", f"{words}; {remedy} x-single-active-consumer"
    if decision.guard is not None:
        return decision.guard.reason, decision.guard.message
    return None


def _limit(decision: Decision) -> str | None:
    """The reason for what limits this very decision, or None."""
    if decision.limited_by is Limit.STABILIZATION:
        held = next(step for step in decision.steps if step.name == "stabilization")
        return "ScaleUpStabilized" if "scaleUp" in held.source else "ScaleDownStabilized"
    if decision.limited_by is Limit.GUARD:
        # A guard's step names its reason; where there is none, it is a reading that is missing.
        return next((step.source for step in decision.steps if step.name == "guard"), "ReadingMissing")
    return LIMITED.get(decision.limited_by)


def objective_met(*, decision: Decision, spec: QueueConsumerSpec, told: str | None) -> tuple[Condition, ...]:
    """ObjectiveMet, where a queue has a `wait` objective or had one."""
    if not any(source.wait for source in spec.queues):
        if told is None:
            return ()
        return (_objective("Unknown", "NoObjective", "no queue has a wait objective"),)
    met, guard = on_time(decision), decision.guard
    if decision.infeasible is not None and met is not False:
        return (_objective("False", "ObjectiveInfeasible", decision.infeasible),)
    if met is False:
        late = "; ".join(
            f"messages in {source.name or source.pattern} wait about {wait.seconds:.0f} s, objectiveSeconds is "
            f"{wait.objective}"
            for source, wait in zip(spec.queues, decision.waiting, strict=False)
            if wait is not None and wait.seconds is not None and wait.seconds > wait.objective
        )
        message = ": ".join(words for words in (late, guard.message if guard else decision.infeasible or "") if words)
        return (_objective("False", guard.reason if guard else "WaitTooLong", message),)
    if met is None:
        return (_objective("Unknown", "WaitUnknown", "how long messages wait is not known yet"),)
    return (_objective("True", "WaitWithinObjective", "every message is expected to be taken in time"),)


def on_time(decision: Decision) -> bool | None:
    """Whether messages are taken within their objectives as things stand; None without one, or while not known.

    An objective that replicas cannot meet by reacting to a burst is met all the same while there is none.
    """
    waiting = [wait for wait in decision.waiting if wait is not None]
    # Of consumers that are stuck the estimate says what they managed before.
    stuck = decision.guard is not None and decision.guard.reason == "ConsumersStuck"
    if stuck or any(wait.seconds is not None and wait.seconds > wait.objective for wait in waiting):
        return False
    return None if not waiting or any(wait.seconds is None for wait in waiting) else True


def _objective(status: Truth, reason: str, message: str) -> Condition:
    return Condition(type="ObjectiveMet", status=status, reason=reason, message=message)
