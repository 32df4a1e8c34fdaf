"""What people are told: the status, its conditions and the events, built from one decision record.

Pure: it compares with what the status said before, so that a restart tells nothing twice and numbers that move all the
time are not written each time they move.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from qc_operator.conditions import Condition, merge
from qc_operator.scaling.decision import Decision, Reason
from qc_operator.scaling.observation import Depth, Missing, QueueObservation, Totals

HISTORY_LENGTH: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A write of replicas that the API server accepted."""

    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What one turn of an autoscaler has found out and done."""

    conditions: tuple[Condition, ...]
    decision: Decision | None = None
    queues: tuple[QueueObservation, ...] = ()
    running: int | None = None
    """Pods of the target, from its scale."""
    change: Change | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A transition worth telling. `warning` is its type, the rest as in events.k8s.io/v1."""

    reason: str
    action: str
    note: str
    warning: bool


def rfc3339(moment: datetime) -> str:
    """A time as the Kubernetes API writes it, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def status(
    *, findings: Findings, previous: Mapping[str, Any], generation: int, target: str, now: datetime
) -> dict[str, Any]:
    """The whole status after this turn. `target` is the scale target as people write it, `now` wall time in UTC."""
    time = rfc3339(now)
    current = dict(previous)
    current["observedGeneration"] = generation
    current["conditions"] = merge(
        previous=previous.get("conditions", ()), current=findings.conditions, generation=generation, now=time
    )
    if findings.queues:
        current["queues"] = [_queue(queue, at=time, previous=previous) for queue in findings.queues]
    decision = findings.decision
    if decision is None:
        return current
    record = {
        "from": decision.current,
        "to": decision.replicas,
        "reason": decision.reason.value,
        "limitedBy": decision.limited_by.value,
        "message": decision.message[:1024],
    }
    current["desiredReplicas"] = decision.replicas
    current["currentReplicas"] = decision.replicas if findings.running is None else findings.running
    current.setdefault("originalReplicas", decision.current)
    current["lastDecision"] = {"time": time, **record, "steps": list(decision.steps)}
    if any(_has_messages(queue) for queue in findings.queues):
        current["lastActiveTime"] = time
    if findings.change:
        current["lastScaleTime"] = time
        entry = {"time": time, **record, "from": findings.change.before, "to": findings.change.after}
        current["history"] = [entry, *previous.get("history", ())][:HISTORY_LENGTH]
    current["columns"] = _columns(findings=findings, status=current, target=target)
    return current


def _has_messages(queue: QueueObservation) -> bool:
    ready = isinstance(queue.depth, Depth) and queue.depth.ready > 0
    return ready or (isinstance(queue.totals, Totals) and queue.totals.unacknowledged > 0)


def _queue(queue: QueueObservation, *, at: str, previous: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": queue.name}
    if queue.vhost:
        entry["vhost"] = queue.vhost
    if isinstance(queue.depth, Depth):
        entry |= {"state": "Read", "ready": queue.depth.ready, "readAt": at}
        if isinstance(queue.totals, Totals):
            entry["unacknowledged"] = queue.totals.unacknowledged
        else:
            entry["message"] = f"unacknowledged not known: {queue.totals.message}"[:1024]
        return entry
    entry["state"] = "Missing" if isinstance(queue.depth, Missing) else "Unknown"
    entry["message"] = queue.depth.message[:1024]
    # The time of the last reading tells how old the knowledge is that replicas rest on.
    for known in previous.get("queues", ()):
        if known.get("name") == queue.name and known.get("vhost") == entry.get("vhost") and "readAt" in known:
            entry["readAt"] = known["readAt"]
    return entry


def _columns(*, findings: Findings, status: Mapping[str, Any], target: str) -> dict[str, str]:
    depths = [queue.depth for queue in findings.queues]
    totals = [queue.totals for queue in findings.queues]
    ready = sum(depth.ready for depth in depths if isinstance(depth, Depth))
    unacked = sum(total.unacknowledged for total in totals if isinstance(total, Totals))
    decision = status["lastDecision"]
    history = status.get("history") or [{"from": decision["to"], "to": decision["to"]}]
    moved = f"{history[0]['from']}->{history[0]['to']}" if status.get("history") else str(decision["to"])
    return {
        "target": target,
        "ready": str(ready) if all(isinstance(depth, Depth) for depth in depths) else "?",
        "unacked": str(unacked) if all(isinstance(total, Totals) for total in totals) else "?",
        "wait": "-",
        "replicas": f"{moved}/{status['currentReplicas']}",
        "reason": decision["reason"],
        "limited": decision["limitedBy"],
        "queues": ",".join(queue.name for queue in findings.queues)[:253],
        "conditions": ",".join(
            condition["type"] for condition in status["conditions"] if condition["status"] == "True"
        ),
    }


def must_write(*, status: Mapping[str, Any], written: Mapping[str, Any], numbers_due: bool) -> bool:
    """Whether a status must be written: at once for a transition, else when numbers changed and are due again.

    A decision to stay where we are is no transition: it follows every change by a fraction of a second.
    """
    if _transitions(status) != _transitions(written) and not _settled(status, written):
        return True
    return numbers_due and _content(status) != _content(written)


def _settled(status: Mapping[str, Any], written: Mapping[str, Any]) -> bool:
    """Nothing but the reason differs, and the new one says that replicas stay."""
    steady = (status.get("lastDecision") or {}).get("reason") == Reason.STEADY
    return steady and _transitions(status, reason=False) == _transitions(written, reason=False)


def _transitions(status: Mapping[str, Any], *, reason: bool = True) -> tuple[object, ...]:
    decision = status.get("lastDecision") or {}
    return (
        status.get("observedGeneration"),
        status.get("desiredReplicas"),
        # The moment when the pods are as many as were asked for ends a change, so it is told like its beginning.
        status.get("currentReplicas") == status.get("desiredReplicas"),
        status.get("lastScaleTime"),
        decision.get("reason") if reason else None,
        sorted(
            (condition["type"], condition["status"], condition["reason"]) for condition in status.get("conditions", ())
        ),
        [(queue.get("name"), queue.get("state")) for queue in status.get("queues", ())],
    )


def _content(status: Mapping[str, Any]) -> dict[str, Any]:
    """The status without the times that move by themselves."""
    content = {key: value for key, value in status.items() if key != "lastActiveTime"}
    if "lastDecision" in content:
        content["lastDecision"] = {k: v for k, v in content["lastDecision"].items() if k != "time"}
    content["queues"] = [
        {key: value for key, value in queue.items() if key != "readAt"} for queue in content.get("queues", ())
    ]
    return content


def events(*, findings: Findings, previous: Sequence[Mapping[str, Any]]) -> list[Event]:
    """The transitions of this turn. `previous` are the conditions as the status had them."""
    told = []
    if findings.change and findings.decision:
        told.append(_scaled(findings.change, findings.decision))
    before = next((condition for condition in previous if condition["type"] == "Ready"), None)
    now = next(condition for condition in findings.conditions if condition.type == "Ready")
    if now.status == "False" and (before is None or (before["status"], before["reason"]) != ("False", now.reason)):
        told.append(Event(reason=now.reason, action="Observe", note=now.message, warning=True))
    if now.status == "True" and before is not None and before["status"] != "True":
        told.append(Event(reason="Recovered", action="Observe", note=now.message, warning=False))
    return told


def _scaled(change: Change, decision: Decision) -> Event:
    if change.before == 0:
        reason = "Activated"
    elif change.after == 0:
        reason = "ScaledToZero"
    else:
        reason = "ScaledUp" if change.after > change.before else "ScaledDown"
    note = f"{change.before} -> {change.after} replicas, {decision.reason}: {decision.message}"
    return Event(reason=reason, action="Scale", note=note, warning=False)
