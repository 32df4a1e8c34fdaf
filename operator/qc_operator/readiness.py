"""The conditions Ready and Active: what stands in the way, in a sentence that says what to do."""

from __future__ import annotations

from qc_operator.brokers import Problem
from qc_operator.cluster.client import ApiError
from qc_operator.conditions import Condition
from qc_operator.registry import Known
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.observation import Depth, Missing, QueueObservation, Totals, Unavailable, Unknown


def blocked(known: Known) -> tuple[Condition, ...]:
    """Conditions of an object that cannot be acted on as it is written."""
    if known.error is not None:
        reason, message = "InvalidSpec", str(known.error)
    else:
        fields = ", ".join(known.not_implemented)
        reason = "NotImplemented"
        message = f"this version does not act on {fields}: remove it to have the target scaled; nothing is written"
    return (
        Condition(type="Ready", status="False", reason=reason, message=message),
        Condition(type="Active", status="Unknown", reason=reason, message="the queues are not read"),
    )


def target_problem(*, error: ApiError, spec: QueueConsumerSpec) -> tuple[Condition, ...]:
    """Conditions of an object whose target cannot be read or written."""
    ref = spec.scale_target_ref
    target = f"{ref.kind} {ref.name} ({ref.api_version})"
    if error.not_found:
        reason, message = "TargetNotFound", f"scale target {target}: {error}; create it or correct scaleTargetRef"
    elif error.forbidden:
        reason = "TargetForbidden"
        message = f"the operator may not scale {target}: {error}; grant its ServiceAccount get and patch on its /scale"
    else:
        reason, message = "TargetUnreachable", f"the scale of {target} could not be read or written: {error}"
    return (
        Condition(type="Ready", status="False", reason=reason, message=message),
        Condition(type="Active", status="Unknown", reason=reason, message="the target's replicas are not known"),
    )


def readiness(*, problem: Problem | None, queues: tuple[QueueObservation, ...], spec: QueueConsumerSpec) -> Condition:
    """Ready, as far as queues and broker go."""
    if problem is not None:
        return Condition(type="Ready", status="False", reason=problem.reason, message=problem.message)
    missing = [queue for queue in queues if isinstance(queue.depth, Missing)]
    if missing:
        names = ", ".join(f"{queue.name} (vhost {queue.vhost})" for queue in missing)
        return Condition(
            type="Ready",
            status="False",
            reason="QueueMissing",
            message=f"no such queue: {names}; replicas stay until it is declared",
        )
    for queue in queues:
        if isinstance(queue.depth, Unknown):
            message = f"queue {queue.name}: {queue.depth.message}"
            return Condition(type="Ready", status="False", reason=queue.depth.cause, message=message)
    ref = spec.scale_target_ref
    count = "1 queue" if len(queues) == 1 else f"{len(queues)} queues"
    message = f"{count} read, {ref.kind} {ref.name} scaled"
    return Condition(type="Ready", status="True", reason="Scaling", message=message + _without_totals(queues, spec))


def _without_totals(queues: tuple[QueueObservation, ...], spec: QueueConsumerSpec) -> str:
    """What follows from unacknowledged counts that cannot be had, or nothing."""
    for queue in queues:
        if isinstance(queue.totals, Totals):
            continue
        effect = "replicas do not go down until they are"
        if isinstance(queue.totals, Unavailable):
            effect = "ready messages count alone"
            if spec.min_replicas == 0 and spec.idle_evidence == "ReadyAndUnacked":
                effect += ", and replicas do not go to zero; idleEvidence: ReadyOnly lets them"
        return f"; unacknowledged messages of {queue.name} are not known, so {effect}: {queue.totals.message}"
    return ""


def active(*, decision: Decision, queues: tuple[QueueObservation, ...]) -> Condition:
    """Active: there is work, or replicas are above zero.

    One reason as long as there are replicas: a queue that is emptied and filled again many times a second must not
    change the condition as often.
    """
    if decision.replicas > 0:
        return Condition(type="Active", status="True", reason="ReplicasRunning", message="replicas are above zero")
    if any(isinstance(queue.depth, Depth) and queue.depth.ready > 0 for queue in queues):
        message = "messages wait, no more than activateAbove"
        return Condition(type="Active", status="True", reason="MessagesReady", message=message)
    if not all(isinstance(queue.depth, Depth) for queue in queues):
        message = "not every queue can be read"
        return Condition(type="Active", status="Unknown", reason="ReadingMissing", message=message)
    return Condition(type="Active", status="False", reason="NoMessages", message="no messages and no replicas")
