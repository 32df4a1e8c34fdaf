"""The conditions Ready and Active: what stands in the way, in a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Sequence

from qc_operator.brokers import Problem
from qc_operator.cluster.client import ApiError
from qc_operator.conditions import Condition
from qc_operator.conflict import Conflict
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
from qc_operator.scaling.pause import NO_PAUSE, Pause
from qc_operator.scaling.readings import NOT_READ_YET
from qc_operator.scaling.rounding import number_of


def blocked(known: Known) -> tuple[Condition, ...]:
    """Conditions of an object that cannot be acted on as it is written."""
    message = str(known.error)
    return (
        Condition(type="Ready", status="False", reason="InvalidSpec", message=message),
        Condition(type="Active", status="Unknown", reason="InvalidSpec", message="the queues are not read"),
    )


def target_problem(*, error: ApiError, spec: QueueConsumerSpec) -> tuple[Condition, ...]:
    """Conditions of an object whose target cannot be read or written."""
    ref = spec.scale_target_ref
    target = f"{ref.kind} {ref.name} ({ref.api_version})"
    if error.not_found:
        reason, message = "TargetNotFound", f"scale target {target}: {error}; create it or correct scaleTargetRef"
    elif error.forbidden:
        reason = "TargetForbidden"
        grant = "grant its ServiceAccount get and patch on its /scale, as rbac.scaleTargets of the chart does"
        message = f"the operator may not scale {target}: {error}; {grant}"
    else:
        reason, message = "TargetUnreachable", f"the scale of {target} could not be read or written: {error}"
    return (
        Condition(type="Ready", status="False", reason=reason, message=message),
        Condition(type="Active", status="Unknown", reason=reason, message="the target's replicas are not known"),
    )


def finalizer_problem(*, error: ApiError) -> tuple[Condition, ...]:
    """Conditions of an object whose finalizer could not be put on or taken off."""
    reason = "FinalizerForbidden" if error.forbidden else "FinalizerRefused"
    remedy = "grant its ServiceAccount get and patch on queueconsumers" if error.forbidden else "see its log"
    message = (
        f"spec.restoreReplicasOnDelete: the operator could not keep a finalizer on the object, so it does not scale: "
        f"{error}; {remedy}"
    )
    return (
        Condition(type="Ready", status="False", reason=reason, message=message),
        Condition(type="Active", status="Unknown", reason=reason, message="the target is not scaled"),
    )


def readiness(
    *,
    problem: Problem | None,
    entries: tuple[EntryObservation, ...],
    spec: QueueConsumerSpec,
    pause: Pause = NO_PAUSE,
    paused: bool = False,
    fallen_back: bool = False,
    conflict: Conflict | None = None,
) -> Condition:
    """Ready, as far as others, annotations, queues and broker go.

    `paused` and `fallen_back` say whether a pause, or the fallback, is in force.
    """
    if conflict is not None:
        return Condition(type="Ready", status="False", reason="Conflict", message=conflict.message)
    for path, rule, value in pause.problems:
        message = f"{path}: {rule} (is {value!r}); until then it counts as paused"
        return Condition(type="Ready", status="False", reason="InvalidAnnotation", message=message)
    if problem is not None:
        return Condition(type="Ready", status="False", reason=problem.reason, message=problem.message)
    queues = [queue for entry in entries for queue in entry.queues]
    missing = [queue for queue in queues if isinstance(queue.depth, Missing)]
    if missing:
        names = ", ".join(f"{queue.name} (vhost {queue.vhost})" for queue in missing)
        then = "replicas stay until it is declared" if len(missing) == 1 else "replicas stay until they are declared"
        if spec.fallback is not None:
            then = "the fallback decides" if fallen_back else "replicas stay until the fallback is due"
        message = f"{_told(missing[0])}: {names}; {then}"
        return Condition(type="Ready", status="False", reason="QueueMissing", message=message)
    for entry in entries:
        if unread := _unread(entry):
            return unread
    ref = spec.scale_target_ref
    awaited = sum(entry.awaited for entry in entries)
    count = number_of(len(queues) + awaited, "queue")
    count = f"{len(queues)} of {count}" if awaited else count
    observing = spec.mode == "Observe"
    done = "left alone, as mode Observe says" if observing else "paused by annotation" if paused else "scaled"
    message = f"{count} read, {ref.kind} {ref.name} {done}"
    reason = "Observing" if observing else "Scaling"
    return Condition(type="Ready", status="True", reason=reason, message=message + _without_totals(queues, spec))


def _told(missing: QueueObservation) -> str:
    """The broker's word: `broker rabbitmq:5672, vhost shop: no such queue`."""
    return missing.depth.message if isinstance(missing.depth, Missing) else "no such queue"


def _unread(entry: EntryObservation) -> Condition | None:
    """What stands in the way of one entry, or None."""
    if entry.unmatched is not None:
        message = f"{'pattern' if entry.pattern else 'queue'} {entry.name}: {entry.unmatched.message}"
        return Condition(type="Ready", status="False", reason=entry.unmatched.cause, message=message)
    unread = [queue for queue in entry.queues if isinstance(queue.depth, Unknown)]
    if unread and isinstance(unread[0].depth, Unknown):
        others = f" (and {number_of(len(unread) - 1, 'more queue')})" if len(unread) > 1 else ""
        message = f"queue {unread[0].name}: {unread[0].depth.message}{others}"
        return Condition(type="Ready", status="False", reason=unread[0].depth.cause, message=message)
    if not entry.queues and not entry.awaited:
        message = f"no queue of vhost {entry.vhost} matches pattern {entry.name}, which counts as no messages"
        return Condition(type="Ready", status="False", reason="NoQueues", message=message)
    return None


def _without_totals(queues: Sequence[QueueObservation], spec: QueueConsumerSpec) -> str:
    """What follows from unacknowledged counts that cannot be had, or nothing."""
    for queue in queues:
        if isinstance(queue.totals, Totals) or getattr(queue.totals, "cause", None) == NOT_READ_YET:
            continue  # What is about to be read in a second is no news.
        effect = "replicas do not go down until they are"
        if isinstance(queue.totals, Unavailable):
            effect = "ready messages count alone"
            if spec.min_replicas == 0 and spec.idle_evidence == "ReadyAndUnacked":
                effect += ", and replicas do not go to zero; idleEvidence: ReadyOnly lets them"
        return f"; unacknowledged messages of {queue.name} are not known, so {effect}: {queue.totals.message}"
    return ""


def active(
    *,
    decision: Decision,
    entries: tuple[EntryObservation, ...],
    observing: bool = False,
    conflict: Conflict | None = None,
) -> Condition:
    """Active: there is work, or replicas are above zero.

    One reason as long as there are replicas: a queue that is emptied and filled again many times a second must not
    change the condition as often.
    """
    if (decision.current if observing or conflict is not None else decision.replicas) > 0:
        return Condition(type="Active", status="True", reason="ReplicasRunning", message="replicas are above zero")
    depths = [queue.depth for entry in entries for queue in entry.queues]
    if any(isinstance(depth, Depth) and depth.ready > 0 for depth in depths):
        why = ", and somebody else scales the target" if conflict is not None else _why_for_nobody(decision)
        message = f"messages wait{why}"
        return Condition(type="Active", status="True", reason="MessagesReady", message=message)
    if not all(entry.known for entry in entries):
        message = "not every queue can be read"
        return Condition(type="Active", status="Unknown", reason="ReadingMissing", message=message)
    return Condition(type="Active", status="False", reason="NoMessages", message="no messages and no replicas")


def _why_for_nobody(decision: Decision) -> str:
    """Why there is no replica for messages that wait."""
    if decision.paused is not None:
        return ", and an annotation pauses the object"
    if decision.replicas > 0:
        return ", and mode Observe starts nothing"
    last = decision.steps[-1]
    return ", no more than activateAbove" if last.name == "wakeUp" else f": {last.words}"


def fallen_back(*, decision: Decision, spec: QueueConsumerSpec, told: str | None) -> tuple[Condition, ...]:
    """FallbackActive, where there is a fallback or has been one."""
    if decision.fallen_back:
        message = decision.steps[0].words
        return (Condition(type="FallbackActive", status="True", reason="QueuesNotRead", message=message),)
    if spec.fallback is None and told is None:
        return ()
    message = "the queues decide"
    return (Condition(type="FallbackActive", status="False", reason="QueuesRead", message=message),)


def paused(*, decision: Decision, told: str | None) -> tuple[Condition, ...]:
    """Paused, by annotation; nothing where there never was such an annotation."""
    if decision.paused is not None:
        return (Condition(type="Paused", status="True", reason="Annotation", message=decision.message),)
    if told is not None:
        return (Condition(type="Paused", status="False", reason="NotPaused", message="the operator decides"),)
    return ()
