"""What of a capacity outlives the operator's process: it is kept as JSON in the status, and taken up from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Final

from qc_operator.scaling import startup
from qc_operator.scaling.capacity import Capacity, knowing, works
from qc_operator.scaling.startup import StartUp
from qc_operator.scaling.throughput import EACH_LEAST, EACH_MOST, TOTAL_MOST, Work
from qc_operator.scaling.utilisation import DOUBLINGS

ENTRIES_MOST: Final = 32
WEIGHT_MOST: Final = 1e15
"""Acknowledgements, far above any: it keeps numbers from elsewhere within those that can be packed."""


def remembered(capacity: Capacity) -> dict[str, object]:
    """What is worth keeping over a restart, as JSON: throughputs by entry, and how long pods take to start.

    Nothing that depends on the operator's clock. An entry of which nothing was learned is null.
    """
    kept: dict[str, object] = {}
    each = works(capacity)
    if any(work.total for work in each):
        kept["entries"] = [
            {
                "throughput": _digits(work.acknowledged / work.seconds),
                "acknowledged": work.total,
                "weight": _digits(work.acknowledged),
            }
            | _doubts(work)
            if work.total
            else None
            for work in each
        ]
    if capacity.start_up.took:
        kept["startSeconds"] = startup.durations(capacity.start_up)
    if capacity.start_up.to_acknowledgement is not None:
        kept["firstAcknowledgementSeconds"] = _digits(capacity.start_up.to_acknowledgement)
    return kept


def _doubts(work: Work) -> dict[str, object]:
    """What `utilisation` has to know: the estimate that was raised, and how often that was wrong."""
    doubts = {"trusted": _digits(work.trusted) if work.trusted > 0.0 else None, "refuted": work.refuted or None}
    return {name: value for name, value in doubts.items() if value is not None}


def restored(kept: Mapping[str, object]) -> Capacity:
    """The memory that `remembered` gave, without what makes no sense. Never raises."""
    each = [_work(entry) for entry in _sequence(kept.get("entries"))[:ENTRIES_MOST]]
    seconds = [_number(took) for took in _sequence(kept.get("startSeconds"))[: startup.KEPT]]
    first = _number(kept.get("firstAcknowledgementSeconds"))
    start_up = StartUp(to_acknowledgement=None if first is None else min(first, startup.START_MOST))
    start_up = startup.with_durations(start_up, [took for took in seconds if took is not None])
    return knowing(each, start_up=start_up)


def _work(entry: object) -> Work:
    if not isinstance(entry, Mapping):
        return Work()
    each, total = _number(entry.get("throughput")), _number(entry.get("acknowledged"))
    weight = _number(entry.get("weight"))
    if not each or not total or not weight:
        return Work()
    total = min(int(total), TOTAL_MOST)
    each = min(max(each, EACH_LEAST), EACH_MOST)
    weight = min(max(weight, 1.0), WEIGHT_MOST)
    trusted = _number(entry.get("trusted")) or 0.0
    return Work(
        acknowledged=weight,
        seconds=weight / each,
        total=total,
        # An estimate that was raised is no less than the one before it.
        trusted=max(trusted, EACH_LEAST) if 0.0 < trusted <= each else 0.0,
        refuted=min(int(_number(entry.get("refuted")) or 0), DOUBLINGS),
    )


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _number(value: object) -> float | None:
    """A number that is not negative, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < inf and value < WEIGHT_MOST else None


def _digits(value: float) -> float:
    """Six of them: more are noise, and fewer than a float has at that."""
    return float(f"{value:.6g}")
