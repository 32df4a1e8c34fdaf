"""What people are told of one QueueConsumer: its status, built from one decision record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from qc_operator.columns import columns
from qc_operator.conditions import Condition, merge
from qc_operator.queue_status import entry_status, figure, flow_status
from qc_operator.resource import ScaleTargetRef
from qc_operator.scaling import capacity
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.explanation import Step
from qc_operator.scaling.observation import Depth, EntryObservation, Totals

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
    by_hand: str = ""
    """What is to be told of replicas that somebody else has set."""


def rfc3339(moment: datetime) -> str:
    """A time as the Kubernetes API writes it, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def target_name(ref: ScaleTargetRef) -> str:
    """What is scaled, as people write it: `Deployment/receipts`."""
    return f"{ref.kind}/{ref.name}"


def status(
    *, findings: Findings, previous: Mapping[str, Any], generation: int, target: str, broker: str, now: datetime
) -> dict[str, Any]:
    """The whole status after this turn.

    `target` and `broker` are what is scaled and what is read, as people write it; `now` is wall time in UTC.
    """
    time = rfc3339(now)
    current = dict(previous)
    current["observedGeneration"] = generation
    current["conditions"] = merge(
        previous=previous.get("conditions", ()), current=findings.conditions, generation=generation, now=time
    )
    if findings.entries:
        current["queues"] = [entry_status(entry, at=time, previous=previous) for entry in findings.entries]
    decision = findings.decision
    if decision is not None:
        _decided(current, decision=decision, findings=findings, previous=previous, time=time)
    current["columns"] = columns(
        entries=findings.entries, decision=decision, status=current, target=target, broker=broker
    )
    return current


def _decided(
    current: dict[str, Any], *, decision: Decision, findings: Findings, previous: Mapping[str, Any], time: str
) -> None:
    """Put in what a decision adds."""
    for index, rates in enumerate(decision.rates):
        wait = decision.waiting[index] if decision.waiting else None
        current["queues"][index] |= flow_status(rates, wait=wait)
    start, observed = capacity.start(decision.memory.capacity)
    if observed:
        current["startSeconds"] = figure(start)
    record = {
        "from": decision.current,
        "to": decision.replicas,
        "reason": decision.reason.value,
        "limitedBy": decision.limited_by.value,
        "message": decision.message[:1024],
    }
    current["currentReplicas"] = decision.replicas if findings.running is None else findings.running
    current.setdefault("originalReplicas", decision.current)
    if not decision.between or "lastDecision" not in previous:
        current["desiredReplicas"] = decision.replicas
        current["lastDecision"] = {"time": time, **record, "steps": [_step(step) for step in decision.steps]}
    if any(_has_messages(entry) for entry in findings.entries):
        current["lastActiveTime"] = time
    if findings.change:
        current["lastScaleTime"] = time
        entry = {"time": time, **record, "from": findings.change.before, "to": findings.change.after}
        current["history"] = [entry, *previous.get("history", ())][:HISTORY_LENGTH]


def _step(step: Step) -> dict[str, Any]:
    return {
        "step": step.name,
        "replicas": step.replicas,
        "source": step.source,
        "observed": step.observed,
        "message": step.words[:1024],
    }


def _has_messages(entry: EntryObservation) -> bool:
    return any(
        (isinstance(queue.depth, Depth) and queue.depth.ready > 0)
        or (isinstance(queue.totals, Totals) and queue.totals.unacknowledged > 0)
        for queue in entry.queues
    )
