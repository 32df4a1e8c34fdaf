"""`status.columns`: strings that `kubectl get` prints as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qc_operator.queue_status import figure
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.observation import EntryObservation


def columns(
    *,
    entries: Sequence[EntryObservation],
    decision: Decision,
    status: Mapping[str, Any],
    target: str,
    broker: str,
) -> dict[str, str]:
    """The columns of one decision; `status` is the rest of the status that it leads to."""
    ready = [entry.ready for entry in entries]
    unacked = [entry.unacknowledged for entry in entries]
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
        "readingAge": _reading_age(entries=entries, status=status),
        "queues": ",".join(entry.name for entry in entries)[:253],
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
    return "/".join("?" if None in figures else figure(sum(figures)) for figures in (arrivals, done))


def _reading_age(*, entries: Sequence[EntryObservation], status: Mapping[str, Any]) -> str:
    """`fresh` while every queue is read, or since when one is not: an age in seconds would be old once written."""
    if all(entry.known for entry in entries):
        return "fresh"
    return f"since {min((queue['readAt'] for queue in status['queues'] if 'readAt' in queue), default='the start')}"


def _sum(numbers: Sequence[int | None]) -> str:
    known = [number for number in numbers if number is not None]
    return str(sum(known)) if len(known) == len(numbers) else "?"
