"""Pods that no node takes: asking for more of them brings nothing but more of them.

The scheduler says so in the pod's condition PodScheduled (kubernetes.io, "Pod lifecycle": Unschedulable). It tries
again by itself, and a cluster autoscaler brings nodes for the pods that wait already.
"""

from __future__ import annotations

from typing import Final

from qc_operator.scaling.pods import Pods
from qc_operator.scaling.trust import TOTALS_MAX_AGE

GRACE: Final = 10.0
"""Seconds for which pods may be without a node before no more are asked for.

A node that has just become free, or a pod that gives way to one of a higher priority, takes a few.
"""

PODS_MAX_AGE: Final = 60.0
"""Seconds after which a reading of the pods counts for nothing."""

WORDS: Final = 200
"""Characters of the scheduler's words that are quoted; on large clusters they name every kind of node."""


def unschedulable_since(*, before: float | None, read_at: float | None, pods: Pods) -> float | None:
    """Since when there have been pods without a node, or None; `before` is the previous answer, read at `read_at`.

    Those of the first reading after a start have waited long enough: nobody knows for how long, and a step up that is
    made meanwhile cannot be taken back.
    """
    if pods.unschedulable <= 0:
        return None
    if read_at is None:
        return pods.at - GRACE
    if before is None or pods.at - read_at > PODS_MAX_AGE:
        return pods.at
    return before


def unschedulable_words(*, since: float | None, pods: Pods | None, now: float) -> str | None:
    """Why no more pods are asked for and what to do, as a sentence; None where nothing says so now.

    Until the pods are read for the first time after a start, what was known before it holds, but no longer than 15 s.
    """
    if since is None:
        return None
    if pods is None:
        if now - since > GRACE + TOTALS_MAX_AGE:
            return None
        return "pods found no node before the operator started: no more are asked for until it sees them"
    if pods.unschedulable <= 0:
        return None
    if now - since < GRACE or now - pods.at > PODS_MAX_AGE:
        return None
    placed = pods.ready + len(pods.starting)
    # What follows the first sentence is about preemption, which nobody asked for.
    said = pods.why_unschedulable.strip().split(". ")[0].rstrip(".")
    if len(said) > WORDS:
        said = said[: WORDS - 3] + "..."
    said = f" ({said})" if said else ""
    remedy = "add nodes or lower the pods' requests"
    if placed:
        remedy = f"add nodes, lower the pods' requests, or set maxReplicas to {placed}"
    total = placed + pods.unschedulable
    noun = "pod" if total == 1 else "pods"
    verb, until = ("finds", "it does") if pods.unschedulable == 1 else ("find", "they do")
    return f"{pods.unschedulable} of {total} {noun} {verb} no node{said}: no more are asked for until {until}; {remedy}"
