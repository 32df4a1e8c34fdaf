"""Changes of replicas for the metrics: which kinds there may be, which there were, and when the last ones were.

Pure. What the status tells of the past may have been written by an older version or by hand: what makes no sense in it
is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.reasons import DOWN, UP, Reason

Kind = tuple[str, ...]
"""Direction, `up` or `down`, and reason."""

LATEST: Final = 3
"""Kinds of change of which the last time is shown. A Grafana annotation needs a time to be seen by one scrape, so more
of them would only be more series."""

_REASONS: Final = frozenset(Reason)
_FALLBACK: Final = {"AtLeast": ("up",), "AtMost": ("down",), "Exactly": ("up", "down"), "KeepCurrent": ()}


def direction(*, before: int, after: int) -> str:
    """`up` or `down`."""
    return "up" if after > before else "down"


def possible(spec: QueueConsumerSpec) -> tuple[Kind, ...]:
    """The kinds of change that a spec can bring about by itself, in an order that stays.

    Those that take a person are not among them: SpecChanged and Override.
    """
    targets = [target for queue in spec.queues for target in queue.targets]
    kinds = [("up", UP[target].value) for target in targets] + [("down", DOWN[target].value) for target in targets]
    kinds.append(("up", Reason.WOKE_UP.value))
    if spec.min_replicas == 0 or any(schedule.min_replicas == 0 for schedule in spec.schedules):
        kinds.append(("down", Reason.IDLE.value))
    if spec.schedules:
        kinds += [(way, Reason.SCHEDULED.value) for way in ("up", "down")]
    if spec.fallback is not None:
        kinds += [(way, Reason.FALLBACK.value) for way in _FALLBACK[spec.fallback.policy]]
    return tuple(dict.fromkeys(kinds))


def latest(history: object) -> dict[Kind, float]:
    """When the last change of each kind was, of the `LATEST` kinds, in seconds since the epoch.

    `history` is `status.history`, the latest change first.
    """
    times: dict[Kind, float] = {}
    for kind, at in _changes(history):
        times[kind] = max(at, times.get(kind, at))
        if len(times) == LATEST + 1:
            del times[kind]
            break
    return times


def last_direction(history: object) -> str | None:
    """The direction of the last change that `status.history` tells of."""
    return next((kind[0] for kind, _ in _changes(history)), None)


def _changes(history: object) -> list[tuple[Kind, float]]:
    entries = history if isinstance(history, list) else ()
    changes = [_change(entry) for entry in entries if isinstance(entry, Mapping)]
    return [change for change in changes if change is not None]


def _change(entry: Mapping[str, Any]) -> tuple[Kind, float] | None:
    before, after, reason = entry.get("from"), entry.get("to"), entry.get("reason")
    if not (isinstance(before, int) and isinstance(after, int) and before != after and reason in _REASONS):
        return None
    try:
        moment = datetime.fromisoformat(str(entry.get("time")))
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return (direction(before=before, after=after), str(reason)), moment.timestamp()
