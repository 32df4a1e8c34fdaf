"""What people are told of one QueueConsumer: its status, built from one decision record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from qc_operator.conditions import Condition, merge
from qc_operator.scaling import capacity
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.explanation import Step
from qc_operator.scaling.observation import Depth, EntryObservation, Missing, Totals
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.situation import Waiting

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


def rfc3339(moment: datetime) -> str:
    """A time as the Kubernetes API writes it, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


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
        current["queues"] = [_entry(entry, at=time, previous=previous) for entry in findings.entries]
    decision = findings.decision
    if decision is None:
        return current
    for index, rates in enumerate(decision.rates):
        wait = decision.waiting[index] if decision.waiting else None
        current["queues"][index] |= _flow(rates, wait=wait)
    start, observed = capacity.start(decision.memory.capacity)
    if observed:
        current["startSeconds"] = _figure(start)
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
    current["columns"] = _columns(findings=findings, decision=decision, status=current, target=target, broker=broker)
    return current


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


def _entry(entry: EntryObservation, *, at: str, previous: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of `status.queues`: a queue, or all queues that a pattern matches taken together."""
    told: dict[str, Any] = {"name": entry.name}
    if entry.vhost:
        told["vhost"] = entry.vhost
    before = _before(entry, previous)
    if entry.pattern:
        # While some were not read yet, the number that was told before stands.
        matched = entry.matched if entry.matched is not None else before.get("matched")
        if matched is not None:
            told["matched"] = matched
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
    if "readAt" in before:
        # The time of the last reading tells how old the knowledge is that replicas rest on.
        told["readAt"] = before["readAt"]
    return told


def _before(entry: EntryObservation, previous: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the status said of the entry before."""
    for known in previous.get("queues", ()):
        if known.get("name") == entry.name and known.get("vhost", "") == entry.vhost:
            told: Mapping[str, Any] = known
            return told
    return {}


def _flow(rates: Rates, *, wait: Waiting | None) -> dict[str, str]:
    """What is known of the flow through an entry; a figure that is not known is left out."""
    figures = {
        "arrivalsPerSecond": rates.arrivals,
        "acknowledgementsPerSecond": rates.acknowledgements,
        "throughputPerReplica": rates.throughput,
        "waitSeconds": wait.seconds if wait is not None else None,
    }
    told = {name: _figure(figure) for name, figure in figures.items() if figure is not None}
    if rates.throughput is not None and rates.throughput_from is not None:
        told["throughputFrom"] = rates.throughput_from
    return told


def _figure(number: float) -> str:
    """Three digits: no more is known of a rate, and the status should not change with each reading."""
    if number >= 100:  # noqa: PLR2004 - three digits before the point
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"  # noqa: PLR2004 - two digits before it


def _columns(
    *, findings: Findings, decision: Decision, status: Mapping[str, Any], target: str, broker: str
) -> dict[str, str]:
    ready = [entry.ready for entry in findings.entries]
    unacked = [entry.unacknowledged for entry in findings.entries]
    history = status.get("history")
    moved = f"{history[0]['from']}->{history[0]['to']}" if history else str(decision.replicas)
    last = status["lastDecision"]
    return {
        "target": target,
        "ready": _sum(ready),
        "unacked": _sum(unacked),
        "wait": _wait(decision),
        "rates": _rates(decision),
        "replicas": f"{moved}/{status['currentReplicas']}",
        "reason": last["reason"],
        "limited": last["limitedBy"],
        "broker": broker,
        "readingAge": _reading_age(findings=findings, status=status),
        "queues": ",".join(entry.name for entry in findings.entries)[:253],
        "conditions": ",".join(
            condition["type"] for condition in status["conditions"] if condition["status"] == "True"
        ),
    }


def _wait(decision: Decision) -> str:
    """The entry that waits longest for its objective, `27s/30s`; `?` while it is not known, `-` without objective."""
    waiting = [wait for wait in decision.waiting if wait is not None]
    if not waiting:
        return "-"
    worst = max(waiting, key=lambda wait: (wait.seconds or 0.0) / wait.objective)
    return f"{'?' if worst.seconds is None else f'{worst.seconds:.0f}s'}/{worst.objective}s"


def _rates(decision: Decision) -> str:
    """Messages per second that arrive and that are done, of all entries together; `-` where no target needs them."""
    known = [rates for rates in decision.rates if rates.at is not None]
    if not known:
        return "-"
    arrivals, done = ([getattr(rates, name) for rates in known] for name in ("arrivals", "acknowledgements"))
    return "/".join("?" if None in figures else _figure(sum(figures)) for figures in (arrivals, done))


def _reading_age(*, findings: Findings, status: Mapping[str, Any]) -> str:
    """`fresh` while every queue is read, or since when one is not: an age in seconds would be old once written."""
    if all(entry.known for entry in findings.entries):
        return "fresh"
    return f"since {min((queue['readAt'] for queue in status['queues'] if 'readAt' in queue), default='the start')}"


def _sum(numbers: Sequence[int | None]) -> str:
    known = [number for number in numbers if number is not None]
    return str(sum(known)) if len(known) == len(numbers) else "?"
