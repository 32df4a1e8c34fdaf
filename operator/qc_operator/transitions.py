"""Which news are worth a write of the status and an event.

Pure: it compares with what the status said before, so that a restart tells nothing twice and numbers that move all the
time are not written each time they move.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from qc_operator.conditions import Condition
from qc_operator.limitation import LASTING
from qc_operator.reporting import Change, Findings
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A transition worth telling. `warning` is its type, the rest as in events.k8s.io/v1."""

    reason: str
    action: str
    note: str
    warning: bool


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
            (condition["type"], condition["status"], condition["reason"])
            for condition in status.get("conditions", ())
            if condition["type"] not in WITH_NUMBERS or condition["reason"] in LASTING
        ),
        [(queue.get("name"), queue.get("state"), "unacknowledged" in queue) for queue in status.get("queues", ())],
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
    if findings.by_hand:
        told.append(Event(reason="ScaledByHand", action="Observe", note=findings.by_hand, warning=False))
    if findings.change and findings.decision:
        told.append(_scaled(findings.change, findings.decision))
    told.extend(_turned(findings.conditions, previous))
    before = next((condition for condition in previous if condition["type"] == "Ready"), None)
    now = next(condition for condition in findings.conditions if condition.type == "Ready")
    if now.status == "False" and (before is None or (before["status"], before["reason"]) != ("False", now.reason)):
        told.append(Event(reason=now.reason, action="Observe", note=now.message, warning=True))
    if now.status == "True" and before is not None and before["status"] != "True":
        told.append(Event(reason="Recovered", action="Observe", note=now.message, warning=False))
    return told


WITH_NUMBERS: Final = frozenset({"ScalingLimited", "ObjectiveMet"})
"""Conditions that come and go with the load; only their lasting reasons are transitions."""

TRANSITIONS: Final = {
    "FallbackActive": ("FallbackActivated", True),
    "Paused": ("Paused", False),
}
"""Conditions whose turning True is told: the event's reason, and whether it warns."""


def _turned(now: Sequence[Condition], previous: Sequence[Mapping[str, Any]]) -> Iterator[Event]:
    before = {condition["type"]: condition for condition in previous}
    for condition in now:
        known = before.get(condition.type, {})
        if condition.type in WITH_NUMBERS:
            if condition.reason in LASTING and known.get("reason") != condition.reason:
                yield Event(reason=condition.reason, action="Observe", note=condition.message, warning=True)
        elif condition.type in TRANSITIONS and condition.status == "True" != known.get("status"):
            reason, warning = TRANSITIONS[condition.type]
            yield Event(reason=reason, action="Observe", note=condition.message, warning=warning)


def _scaled(change: Change, decision: Decision) -> Event:
    if change.before == 0:
        reason = "Activated"
    elif change.after == 0:
        reason = "ScaledToZero"
    else:
        reason = "ScaledUp" if change.after > change.before else "ScaledDown"
    note = f"{change.before} -> {change.after} replicas, {decision.reason}: {decision.message}"
    return Event(reason=reason, action="Scale", note=note, warning=False)
