"""Answers that stand until the next complete reading.

Unacknowledged messages are counted every 5 s, and only at that moment is it known how many messages there are at most.
What was answered then holds until the next count: the need has not gone by itself, and a spec with queues in several
vhosts would otherwise never see all of them counted in the same second.
"""

from __future__ import annotations

from typing import Final

import msgspec

from qc_operator.scaling.situation import Demand

COUNTED: Final = frozenset({"lag", "drain"})
"""Targets whose answers need the unacknowledged messages."""

STANDS: Final = 7.5
"""Seconds for which an answer stands: one and a half times the 5 s between two counts, which may be late."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A complete answer, and what it was given for."""

    index: int
    """Of the entry in `spec.queues`; with the demand's target it says whose answer it is."""
    at: float
    current: int
    """Replicas at that time. An answer may have held just these, so that it says nothing for others."""
    demand: Demand


def standing(*, known: tuple[Standing, ...], index: int, demand: Demand, current: int, now: float) -> Standing | None:
    """A complete answer itself, or what stands of the last one for an answer that only waits for the next count.

    Fresh readings may ask for more meanwhile (`Demand.least`); then it no longer stands. None where nothing stands.
    """
    if demand.complete:
        return Standing(index=index, at=now, current=current, demand=demand)
    if not demand.between:
        return None
    for answer in known:
        if answer.index == index and answer.demand.target == demand.target:
            stands = now - answer.at <= STANDS and answer.current == current and demand.least <= answer.demand.replicas
            return answer if stands else None
    return None
