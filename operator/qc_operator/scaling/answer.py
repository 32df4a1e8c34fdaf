"""What all targets but `lag` have in common: when replicas stay although the arithmetic gives another number."""

from __future__ import annotations

from qc_operator.scaling.behavior import within_tolerance
from qc_operator.scaling.situation import Situation


def nothing_known(situation: Situation) -> bool:
    """Whether no queue of the entry could be read."""
    entry = situation.entry
    return not entry.sums.read and (bool(entry.queues) or entry.unmatched is not None)


def ready(situation: Situation) -> int:
    """Messages that wait in the queues of the entry that could be read."""
    return situation.entry.sums.ready


def not_lower(situation: Situation) -> str | None:
    """Why replicas must not go although the figures say so, in words, or None."""
    entry = situation.entry
    if entry.alarmed:
        return f"an alarm of the broker blocks what publishes to {entry.name}"
    if not entry.known:
        return "not every queue can be read"
    return None


def tolerated(situation: Situation, *, exact: float) -> str | None:
    """The direction within whose tolerance the exact number of replicas is, or None.

    `behavior`'s tolerance is about the ratio of what a replica carries to what it should, as the HPA's is: that is the
    ratio of the replicas needed to those there are.
    """
    current = situation.current
    behavior = situation.behavior
    if not current or (behavior.scale_up.tolerance is None and behavior.scale_down.tolerance is None):
        return None
    ratio = exact / current
    if not within_tolerance(ratio=ratio, behavior=behavior):
        return None
    return "scaleUp" if ratio > 1.0 else "scaleDown"
