"""The last step: replicas stay within the bounds that hold now, the spec's or a schedule's."""

from __future__ import annotations

from msgspec.structs import replace

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.draft import Draft
from qc_operator.scaling.reasons import Limit, Reason
from qc_operator.scaling.schedules import Bounds

KEPT = frozenset({Reason.READING_MISSING, Reason.FALLBACK})
"""Reasons that are told although replicas stay."""


def bounded(draft: Draft, *, spec: QueueConsumerSpec, current: int, bounds: Bounds) -> Draft:
    """Clamp to the bounds and name the one that narrowed the answer; the reason is then final, too."""
    wanted = draft.replicas
    replicas = min(max(wanted, bounds.min), bounds.max)
    if replicas != wanted:
        limit, words = (
            (Limit.MAX, f"limited to {bounds.max_words}")
            if replicas < wanted
            else (Limit.MIN, f"raised to {bounds.min_words}")
        )
        if bounds.conflict:
            words = f"{words}, {bounds.conflict}"
        low = replicas > wanted
        scheduled = bounds.min != spec.min_replicas if low else bounds.max != spec.max_replicas
        source = "spec.schedules" if scheduled else f"spec.{limit.value}Replicas"
        narrowed = draft.narrowed(to=replicas, by="bounds", limit=limit, words=words, source=source)
        if replicas != current and (wanted - current) * (replicas - current) <= 0:
            # Only the bound moves replicas this way, so the user's word is the reason, not the queue.
            return replace(narrowed, reason=Reason.SCHEDULED if scheduled else Reason.SPEC_CHANGED)
        draft = narrowed
    if replicas == current and draft.reason not in KEPT and draft.reason is not Reason.STEADY:
        return replace(draft, reason=Reason.STEADY)
    return draft
