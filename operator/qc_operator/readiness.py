"""The conditions Ready and Active: what stands in the way, in a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Sequence

from qc_operator.brokers import Problem
from qc_operator.cluster.client import ApiError
from qc_operator.conditions import Condition
from qc_operator.registry import Known
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.observation import (
    Depth,
    EntryObservation,
    Missing,
    QueueObservation,
    Totals,
    Unavailable,
    Unknown,
)


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


def readiness(*, problem: Problem | None, entries: tuple[EntryObservation, ...], spec: QueueConsumerSpec) -> Condition:
    """Ready, as far as queues and broker go."""
    if problem is not None:
        return Condition(type="Ready", status="False", reason=problem.reason, message=problem.message)
    queues = [queue for entry in entries for queue in entry.queues]
    missing = [queue for queue in queues if isinstance(queue.depth, Missing)]
    if missing:
        names = ", ".join(f"{queue.name} (vhost {queue.vhost})" for queue in missing)
        message = f"no such queue: {names}; replicas stay until it is declared"
        return Condition(type="Ready", status="False", reason="QueueMissing", message=message)
    for entry in entries:
        if unread := _unread(entry):
            return unread
    ref = spec.scale_target_ref
    count = "1 queue" if len(queues) == 1 else f"{len(queues)} queues"
    message = f"{count} read, {ref.kind} {ref.name} scaled"
    return Condition(type="Ready", status="True", reason="Scaling", message=message + _without_totals(queues, spec))


def _unread(entry: EntryObservation) -> Condition | None:
    """What stands in the way of one entry, or None."""
    if entry.unmatched is not None:
        message = f"pattern {entry.name}: {entry.unmatched.message}"
        return Condition(type="Ready", status="False", reason=entry.unmatched.cause, message=message)
    unread = [queue for queue in entry.queues if isinstance(queue.depth, Unknown)]
    if unread and isinstance(unread[0].depth, Unknown):
        others = f" (and {len(unread) - 1} more queues)" if len(unread) > 1 else ""
        message = f"queue {unread[0].name}: {unread[0].depth.message}{others}"
        return Condition(type="Ready", status="False", reason=unread[0].depth.cause, message=message)
    if not entry.queues:
        message = f"no queue of vhost {entry.vhost} matches pattern {entry.name}, which counts as no messages"
        return Condition(type="Ready", status="False", reason="NoQueues", message=message)
    return None


def _without_totals(queues: Sequence[QueueObservation], spec: QueueConsumerSpec) -> str:
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


def active(*, decision: Decision, entries: tuple[EntryObservation, ...]) -> Condition:
    """Active: there is work, or replicas are above zero.

    One reason as long as there are replicas: a queue that is emptied and filled again many times a second must not
    change the condition as often.
    """
    if decision.replicas > 0:
        return Condition(type="Active", status="True", reason="ReplicasRunning", message="replicas are above zero")
    depths = [queue.depth for entry in entries for queue in entry.queues]
    if any(isinstance(depth, Depth) and depth.ready > 0 for depth in depths):
        message = "messages wait, no more than activateAbove"
        return Condition(type="Active", status="True", reason="MessagesReady", message=message)
    if not all(entry.known for entry in entries):
        message = "not every queue can be read"
        return Condition(type="Active", status="Unknown", reason="ReadingMissing", message=message)
    return Condition(type="Active", status="False", reason="NoMessages", message="no messages and no replicas")


def standby(*, entries: tuple[EntryObservation, ...], spec: QueueConsumerSpec, told: bool) -> tuple[Condition, ...]:
    """ScalingLimited, where a queue serves one consumer at a time; nothing where it never did.

    `told` says whether the status has the condition, so that one that no longer holds is taken back.
    """
    single = [
        queue.name
        for entry in entries
        for queue in entry.queues
        if queue.facts is not None and queue.facts.single_active_consumer
    ]
    if single and spec.max_replicas > 1:
        message = (
            f"queue {single[0]} has a single active consumer: of {spec.max_replicas} replicas all but one would only "
            "stand by; set maxReplicas to 1, or use a queue without x-single-active-consumer"
        )
        return (Condition(type="ScalingLimited", status="True", reason="SingleActiveConsumer", message=message),)
    if told and all(queue.facts is not None for entry in entries for queue in entry.queues):
        # Not known is not no: after a restart the slow lane has yet to say what the queue is.
        message = "every replica may consume"
        return (Condition(type="ScalingLimited", status="False", reason="NotLimited", message=message),)
    return ()
