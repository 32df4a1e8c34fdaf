"""All that the page shows of one QueueConsumer: its course, why it has as many replicas, what was done, its YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from qc_operator.page.board import Board, Told
from qc_operator.page.figures import Figures, count, figures, rounded
from qc_operator.page.history import Point
from qc_operator.page.manifest import manifest, raised
from qc_operator.page.row import Row
from qc_operator.registry import Key

CONDITION: Final = ("type", "status", "reason", "message", "lastTransitionTime")
QUEUE: Final = (
    "name", "vhost", "matched", "state", "ready", "unacknowledged", "readAt", "message", "arrivalsPerSecond",
    "acknowledgementsPerSecond", "throughputPerReplica", "throughputFrom", "waitSeconds",
)  # fmt: skip
DECISION: Final = ("time", "from", "to", "reason", "limitedBy", "message")
COUNTED: Final = ("ready", "unacked", "current", "desired")
"""Figures of which each one counts. The others are rates and times."""
STEP: Final = ("step", "replicas", "source", "observed", "message")


class Raised(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The YAML that would let the queues have what they ask for."""

    max_replicas: int
    yaml: str


class View(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Every field of the status is named here: what is written into it some day is not shown by accident."""

    row: Row
    conditions: list[dict[str, Any]]
    queues: list[dict[str, Any]]
    decision: dict[str, Any]
    history: list[dict[str, Any]]
    """The last changes of replicas, the latest first."""
    series: dict[str, list[float | None]]
    """Columns of points, with the seconds since the epoch as `at`. Each stands until the next."""
    start_seconds: str | None
    """From the creation of a pod to its first acknowledgement."""
    yaml: str
    raised: Raised | None


class Views:
    """What is shown of each object, as JSON. It takes 1.5 ms to make, and all who look at it ask at the same moment."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._made: dict[Key, tuple[Mapping[str, Any], bytes]] = {}
        """With the status of which it was made."""
        self._now = 0

    def of(self, key: Key, *, now: int) -> bytes | None:
        """Make it anew in each second, and after each telling; None where the object is not served."""
        if now != self._now:
            self._made.clear()
            self._now = now
        told = self._board.find(key)
        made = self._made.get(key)
        if told is not None and made is not None and made[0] is told.status:
            return made[1]
        row = self._board.row(key)
        if told is None or row is None:
            return None
        encoded = msgspec.json.encode(view(told, row=row, now=now))
        self._made[key] = told.status, encoded
        return encoded


def view(told: Told, *, row: Row, now: int) -> View:
    """Put it together from what was told last; `now` is in seconds since the epoch."""
    status, spec, key = told.status, told.known.spec, told.known.key
    decision = _chosen(status.get("lastDecision", {}), DECISION)
    decision["steps"] = [_chosen(step, STEP) for step in status.get("lastDecision", {}).get("steps", ())]
    more = raised(spec, decision=decision) if spec else None
    return View(
        row=row,
        conditions=[_chosen(condition, CONDITION) for condition in status.get("conditions", ())],
        queues=[_chosen(queue, QUEUE) for queue in status.get("queues", ())],
        decision=decision,
        history=[_chosen(entry, DECISION) for entry in status.get("history", ())],
        series=_columns(told.history.points(now=now, latest=figures(spec, status))),
        start_seconds=status.get("startSeconds"),
        yaml=manifest(key, spec) if spec else "",
        raised=Raised(max_replicas=more.max_replicas, yaml=manifest(key, more)) if more else None,
    )


def _chosen(fields: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}


def _columns(points: Sequence[Point]) -> dict[str, list[float | None]]:
    columns: dict[str, list[float | None]] = {"at": [at for at, _ in points]}
    for index, name in enumerate(Figures._fields):
        values = [figures[index] for _, figures in points]
        columns[name] = [count(value) if name in COUNTED else rounded(value) for value in values]
    return columns
