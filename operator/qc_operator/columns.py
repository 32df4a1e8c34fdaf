"""`status.columns`: strings that `kubectl get` prints as they are.

`?` stands for what is not known now, also where it was known before: a number of minutes ago beside a target that
cannot be read any more would be taken for one of now. `-` stands for what there is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qc_operator.queue_status import figure
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.observation import EntryObservation


def columns(
    *,
    entries: Sequence[EntryObservation],
    decision: Decision | None,
    status: Mapping[str, Any],
    target: str,
    broker: str,
) -> dict[str, str]:
    """The columns after one turn, which may not have come to a decision.

    `status` is the rest of the status that it leads to, with the columns as they were.
    """
    before = status.get("columns", {})
    return {
        "target": target or before.get("target", "?"),
        "ready": _sum([entry.ready for entry in entries]),
        "unacked": _sum([entry.unacknowledged for entry in entries]),
        "wait": _wait(decision) if decision else _objective_of(before.get("wait", "-")),
        "rates": _rates(decision) if decision else "-" if before.get("rates", "-") == "-" else "?",
        "replicas": _replicas(decision, status=status),
        "reason": _reason(status),
        "limited": status["lastDecision"]["limitedBy"] if decision else "-",
        "broker": broker or before.get("broker", "?"),
        "readingAge": _reading_age(entries=entries, status=status),
        "queues": ",".join(entry.name for entry in entries)[:253] or before.get("queues", "?"),
        "conditions": ",".join(
            condition["type"] for condition in status["conditions"] if condition["status"] == "True"
        ),
    }


def _reason(status: Mapping[str, Any]) -> str:
    """Why Ready is not True, as long as it is not: who looks at the table is to see that first. Else the decision's."""
    for condition in status["conditions"]:
        if condition["type"] == "Ready" and condition["status"] != "True":
            return str(condition["reason"])
    return str(status.get("lastDecision", {}).get("reason", "?"))


def _replicas(decision: Decision | None, *, status: Mapping[str, Any]) -> str:
    """The last change and the pods that there are now: `3->8/8`."""
    history = status.get("history")
    moved = f"{history[0]['from']}->{history[0]['to']}" if history else str(decision.replicas) if decision else ""
    now = status["currentReplicas"] if decision else "?"
    return f"{moved}/{now}" if moved else f"{now}"


def _objective_of(wait: str) -> str:
    """The column once the wait is not known any more, of what it was before: `27s/30s`."""
    _, objective, seconds = wait.partition("/")
    return f"?{objective}{seconds}" if objective else "-"


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
    if entries and all(entry.known for entry in entries):
        return "fresh"
    read = (queue["readAt"] for queue in status.get("queues", ()) if "readAt" in queue)
    return f"since {min(read, default='the start')}"


def _sum(numbers: Sequence[int | None]) -> str:
    known = [number for number in numbers if number is not None]
    return str(sum(known)) if numbers and len(known) == len(numbers) else "?"
