"""Guards applied: a step up goes as far as the answers do that no guard forbids."""

from __future__ import annotations

from msgspec.structs import replace

from qc_operator.scaling.draft import Draft
from qc_operator.scaling.forbidden import Forbidden, forbids
from qc_operator.scaling.memory import Memory
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.reasons import Limit
from qc_operator.scaling.wanted import Wanted


def guarded(draft: Draft, *, wanted: Wanted, observation: Observation, now: float) -> Draft:
    """Hold a step up back where a guard forbids it.

    A guard speaks of one entry: what stands in the way of its consumers says nothing of the other queues. So the
    largest answer that is not forbidden counts, or as much of a forbidden one as its guard still allows. From zero one
    replica starts in any case.
    """
    current = observation.current
    if draft.replicas <= current:
        return draft
    allowed, first = max(current, 1), None
    for answer in wanted.answers:
        asked = answer.demand.replicas
        if asked <= allowed:
            break
        forbidden = forbids(memory=draft.memory.guards, index=answer.index, observation=observation, now=now)
        if forbidden is None:
            allowed = asked
            break
        first = first or forbidden
        allowed = max(allowed, min(asked, forbidden.replicas))
    if first is None or draft.replicas <= allowed:
        return draft
    words = f"held at {allowed}: {first.message}"
    held = draft.narrowed(to=allowed, by="guard", limit=Limit.GUARD, words=words, source=first.reason)
    return replace(held, guard=first)


def in_force(*, memory: Memory, observation: Observation, now: float) -> Forbidden | None:
    """The guard that holds at this moment, whether or not anybody asks for more: it is told until it lets go."""
    watched = memory.guards
    if watched.unschedulable_since is None and not watched.stuck and not watched.limited:
        return None
    for index in range(len(observation.entries)):
        forbidden = forbids(memory=watched, index=index, observation=observation, now=now)
        if forbidden is not None:
            return forbidden
    return None
