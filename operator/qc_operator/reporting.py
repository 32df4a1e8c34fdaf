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
from qc_operator.scaling.observation import Depth, EntryObservation, Missing, Totals

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
    entries: tuple[EntryObservation, ...] = ()
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
    if findings.entries:
        current["queues"] = [_entry(entry, at=time, previous=previous) for entry in findings.entries]
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
    if any(_has_messages(entry) for entry in findings.entries):
        current["lastActiveTime"] = time
    if findings.change:
        current["lastScaleTime"] = time
        entry = {"time": time, **record, "from": findings.change.before, "to": findings.change.after}
        current["history"] = [entry, *previous.get("history", ())][:HISTORY_LENGTH]
    current["columns"] = _columns(findings=findings, status=current, target=target)
    return current


def _has_messages(entry: EntryObservation) -> bool:
    return any(
        (isinstance(queue.depth, Depth) and queue.depth.ready > 0)
        or (isinstance(queue.totals, Totals) and queue.totals.unacknowledged > 0)
        for queue in entry.queues
    )


def _entry(entry: EntryObservation, *, at: str, previous: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of `status.queues`: a queue, or all queues that a pattern matches taken together."""
    told: dict[str, Any] = {"name": entry.name}
    if entry.vhost:
        told["vhost"] = entry.vhost
    if entry.pattern:
        told["matched"] = len(entry.queues)
    if (ready := entry.ready) is not None:
        told |= {"state": "Read", "ready": ready, "readAt": at}
        if (unacknowledged := entry.unacknowledged) is not None:
            told["unacknowledged"] = unacknowledged
        else:
            unread = next(queue.totals for queue in entry.queues if not isinstance(queue.totals, Totals))
            told["message"] = f"unacknowledged not known: {unread.message}"[:1024]
        return told
    depth = entry.unmatched or next(queue.depth for queue in entry.queues if not isinstance(queue.depth, Depth))
    told["state"] = "Missing" if isinstance(depth, Missing) else "Unknown"
    told["message"] = depth.message[:1024]
    # The time of the last reading tells how old the knowledge is that replicas rest on.
    for known in previous.get("queues", ()):
        if known.get("name") == entry.name and known.get("vhost") == told.get("vhost") and "readAt" in known:
            told["readAt"] = known["readAt"]
    return told


def _columns(*, findings: Findings, status: Mapping[str, Any], target: str) -> dict[str, str]:
    ready = [entry.ready for entry in findings.entries]
    unacked = [entry.unacknowledged for entry in findings.entries]
    decision = status["lastDecision"]
    history = status.get("history") or [{"from": decision["to"], "to": decision["to"]}]
    moved = f"{history[0]['from']}->{history[0]['to']}" if status.get("history") else str(decision["to"])
    return {
        "target": target,
        "ready": _sum(ready),
        "unacked": _sum(unacked),
        "wait": "-",
        "replicas": f"{moved}/{status['currentReplicas']}",
        "reason": decision["reason"],
        "limited": decision["limitedBy"],
        "queues": ",".join(entry.name for entry in findings.entries)[:253],
        "conditions": ",".join(
            condition["type"] for condition in status["conditions"] if condition["status"] == "True"
        ),
    }


def _sum(numbers: Sequence[int | None]) -> str:
    known = [number for number in numbers if number is not None]
    return str(sum(known)) if len(known) == len(numbers) else "?"


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
    standby = next((condition for condition in findings.conditions if condition.type == "ScalingLimited"), None)
    known = any(condition["type"] == "ScalingLimited" and condition["status"] == "True" for condition in previous)
    if standby is not None and standby.status == "True" and not known:
        told.append(Event(reason=standby.reason, action="Observe", note=standby.message, warning=True))
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
