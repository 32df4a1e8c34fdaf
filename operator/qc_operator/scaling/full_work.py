"""What one reading says about full work: who is there to do it, what waits, and what has been done so far."""

from __future__ import annotations

import msgspec

from qc_operator.scaling.observation import Observation
from qc_operator.scaling.tally import EntryTally
from qc_operator.scaling.unschedulable import PODS_MAX_AGE


class FullWork(msgspec.Struct, frozen=True, kw_only=True):
    """All entries that the target consumes from, at one reading."""

    at: float
    """When the counters were read that are the oldest."""
    tallies: tuple[EntryTally | None, ...]
    """None for an entry that others consume from."""
    saturated: int
    """The entries that have messages waiting, as bits."""
    current: int
    """Replicas asked for."""
    pods: int
    """Those of them that are ready."""

    def sums(self, entries: int) -> Sums:
        """Add up those entries, given as bits, and the others."""
        ready = acknowledged = elsewhere = consumers = 0
        for index, tally in enumerate(self.tallies):
            if tally is None:
                continue
            if entries >> index & 1:
                ready += tally.ready
                acknowledged += tally.acknowledged
                consumers += tally.consumers
            else:
                elsewhere += tally.acknowledged
        return Sums(ready=ready, acknowledged=acknowledged, elsewhere=elsewhere, consumers=consumers)


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """Some entries taken together."""

    ready: int
    acknowledged: int
    elsewhere: int
    """Acknowledged in all others."""
    consumers: int


def full_work(
    *, tallies: list[EntryTally | None], consumed: list[bool], observation: Observation, now: float
) -> FullWork | None:
    """Put together what is known of all entries that the target consumes from.

    None when something is missing: the work of the new pods may be what is not seen, so nothing can be judged.
    """
    pods = observation.pods
    if pods is None or now - pods.at > PODS_MAX_AGE or True not in consumed:
        return None
    at, saturated, ours = now, 0, list[EntryTally | None]()
    for index, tally in enumerate(tallies):
        if not consumed[index]:
            ours.append(None)
            continue
        if tally is None:
            return None
        ours.append(tally)
        at = min(at, tally.at)
        if tally.ready > 0:
            saturated |= 1 << index
    return FullWork(
        at=at,
        tallies=tuple(ours),
        saturated=saturated,
        current=observation.current,
        # While pods are replaced there may be more of them than are asked for.
        pods=max(0, min(pods.ready, observation.current)),
    )
