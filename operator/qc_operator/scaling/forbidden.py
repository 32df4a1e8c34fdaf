"""Whether a step up is forbidden now, by what the guards have seen."""

from __future__ import annotations

from typing import Literal

import msgspec

from qc_operator.scaling.downstream_limit import allowed, limit_words
from qc_operator.scaling.guard_memory import GuardMemory
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.stuck_consumers import stuck_words
from qc_operator.scaling.tally import LOST_FOR
from qc_operator.scaling.unschedulable import unschedulable_words

GuardReason = Literal["ConsumersStuck", "DownstreamLimited", "Unschedulable"]


class Forbidden(msgspec.Struct, frozen=True, kw_only=True):
    """A step up is forbidden."""

    reason: GuardReason
    message: str
    """Why and what to do, as a sentence that does not change while the guard holds for the same cause."""
    replicas: int
    """Up to so many may be asked for all the same; never fewer than there are."""


def forbids(*, memory: GuardMemory, index: int, observation: Observation, now: float) -> Forbidden | None:
    """Whether a step up that the entry `index` asks for is forbidden, and why; None where it is not.

    Forbidden are steps to more than `Forbidden.replicas`, which may be more than there are: where replicas were taken
    away after the limit had been found, they may come back up to as many as it can keep busy.
    """
    since = memory.unschedulable_since
    # Pods that nobody can read any more are not known; those that nobody has read yet were known before a restart.
    readable = observation.pods is not None or memory.pods_at is None
    if since is not None and readable and observation.current > 0:
        words = unschedulable_words(since=since, pods=observation.pods, now=now)
        if words is not None:
            return Forbidden(reason="Unschedulable", message=words, replicas=observation.current)
    if not (memory.stuck | memory.limited) >> index & 1:
        return None
    entry, seen = observation.entries[index], memory.seen
    progress, limit = seen.progress[index], seen.limit
    if progress is not None and progress.stuck and observation.current > 0 and now - progress.read_at <= LOST_FOR:
        words = stuck_words(progress=progress, name=entry.name)
        return Forbidden(reason="ConsumersStuck", message=words, replicas=observation.current)
    if limit is not None and limit.entries >> index & 1:
        most = allowed(limit=limit, now=now, current=observation.current)
        if most is not None:
            replicas = max(observation.current, most)
            return Forbidden(reason="DownstreamLimited", message=limit_words(limit), replicas=replicas)
    return None
