"""Staying where we are, for want of a reading."""

from __future__ import annotations

from qc_operator.scaling.draft import Draft
from qc_operator.scaling.explanation import Step
from qc_operator.scaling.memory import Memory
from qc_operator.scaling.observation import Depth, EntryObservation, Missing, Observation
from qc_operator.scaling.reasons import Limit, Reason


def held(*, observation: Observation, memory: Memory) -> Draft:
    """Stay: what cannot be read moves nothing."""
    current = observation.current
    parts = [
        f"{_which(entry)}: {entry.unmatched.message}" for entry in observation.entries if entry.unmatched is not None
    ]
    unread = [queue for queue in observation.queues if not isinstance(queue.depth, Depth)]
    for queue in unread[:1]:
        if isinstance(queue.depth, Missing):
            parts.append(f"queue {queue.name} does not exist in vhost {queue.vhost}")
        elif not isinstance(queue.depth, Depth):
            parts.append(f"queue {queue.name} cannot be read: {queue.depth.message}")
    if len(unread) > 1:
        parts.append(f"nor can {len(unread) - 1} more")
    step = Step(
        name="reading",
        replicas=current,
        words="; ".join(parts) + f": replicas stay at {current}",
        source=unread[0].name if unread else "queues",
        observed=False,
    )
    return Draft(replicas=current, reason=Reason.READING_MISSING, steps=(step,), memory=memory, limited_by=Limit.GUARD)


def _which(entry: EntryObservation) -> str:
    if entry.pattern:
        return f"the queues that match {entry.name} are not known"
    return f"queue {entry.name} cannot be read"
