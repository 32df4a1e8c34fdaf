"""One row of the page's table: what is to be seen of a QueueConsumer at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from qc_operator.page.curve import NO_CURVE, Curve
from qc_operator.page.figures import count, figures, rounded, worst
from qc_operator.page.urgency import WORST_FIRST, State, urgency
from qc_operator.registry import Known

MESSAGE: Final = 240
"""Characters of a sentence that a row has; all of it stands in the object's own view."""


class Move(msgspec.Struct, frozen=True, kw_only=True, rename={"before": "from", "after": "to"}):
    """A change of replicas, as `status.history` has it."""

    time: str
    before: int
    after: int
    reason: str


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What is not known is left out. Nothing in it moves by itself: an idle queue's row stays the same."""

    namespace: str
    name: str
    state: State
    words: str = ""
    """Why it is in this state, unless all is well."""
    target: str = ""
    broker: str = ""
    queues: str = ""
    ready: int | None = None
    unacked: int | None = None
    wait_seconds: float | None = None
    objective_seconds: int | None = None
    arrivals: float | None = None
    """Messages per second."""
    capacity: float | None = None
    """Messages per second that the pods there are manage."""
    current: int | None = None
    desired: int | None = None
    min: int | None = None
    max: int | None = None
    reason: str = ""
    limited_by: str = "none"
    message: str = ""
    """The last decision in words."""
    moved: Move | None = None
    read_at: str | None = None
    """When a queue that cannot be read now was read last."""
    observes: bool = False
    curve: str = ""
    """The lag of the last half hour, and of now: see `Curve.closed`."""


def row(known: Known, *, status: Mapping[str, Any], curve: Curve = NO_CURVE, silent_for: float = 0.0) -> Row:
    """Put a row together from what was told last, `silent_for` seconds ago."""
    spec, columns = known.spec, status.get("columns", {})
    decision, history = status.get("lastDecision", {}), status.get("history")
    judged = urgency(status, silent_for=silent_for)
    seen = figures(None, status)
    wait, objective = (None, None) if spec is None else worst(spec, status)
    return Row(
        namespace=known.key.namespace,
        name=known.key.name,
        state=judged.state,
        words=cut(judged.words),
        target=columns.get("target", ""),
        broker=columns.get("broker", ""),
        queues=columns.get("queues", ""),
        ready=count(seen.ready),
        unacked=count(seen.unacked),
        wait_seconds=wait,
        objective_seconds=objective,
        arrivals=rounded(seen.arrivals),
        capacity=rounded(seen.capacity),
        current=count(seen.current),
        desired=count(seen.desired),
        min=spec.min_replicas if spec else None,
        max=spec.max_replicas if spec else None,
        reason=decision.get("reason", ""),
        limited_by=decision.get("limitedBy", "none"),
        message=cut(decision.get("message", "")),
        moved=move(history[0]) if history else None,
        read_at=_read_at(status),
        observes=spec is not None and spec.mode == "Observe",
        curve=curve.closed(seen),
    )


def worst_first(row: Row) -> tuple[int, float, int, str, str]:
    """What rows are sorted by: their state; in it, waiting time against objective, then lag."""
    late = (row.wait_seconds or 0.0) / row.objective_seconds if row.objective_seconds else 0.0
    return WORST_FIRST.index(row.state), -late, -((row.ready or 0) + (row.unacked or 0)), row.namespace, row.name


def move(entry: Mapping[str, Any]) -> Move:
    """One entry of `status.history`, without its sentence."""
    return Move(time=entry["time"], before=entry["from"], after=entry["to"], reason=entry["reason"])


def cut(sentence: str) -> str:
    """So much of a sentence as a row has room for."""
    return sentence if len(sentence) <= MESSAGE else f"{sentence[: MESSAGE - 1]}…"


def _read_at(status: Mapping[str, Any]) -> str | None:
    """The earliest of the queues that cannot be read; None while all can."""
    unread = [queue for queue in status.get("queues", ()) if queue.get("state") != "Read"]
    return min((queue["readAt"] for queue in unread if "readAt" in queue), default=None) if unread else None
