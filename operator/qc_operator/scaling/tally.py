"""What has been counted of one entry of `spec.queues` by one reading, all its queues taken together."""

from __future__ import annotations

from typing import Final

import msgspec

from qc_operator.scaling.counted import COUNT_MOST
from qc_operator.scaling.observation import Depth, EntryObservation, Totals
from qc_operator.scaling.trust import TOTALS_MAX_AGE

LOST_FOR: Final = 600.0
"""Seconds for which a guard goes on holding what it held when the counters were read last.

A node of RabbitMQ that is restarted takes minutes until its management plugin answers again, and it is restarted just
when something is wrong.
"""


class EntryTally(msgspec.Struct, frozen=True, kw_only=True):
    """The counters of an entry, which never fall unless its queues change, and what is in it.

    Counts above 2^53 are taken for it, as with arrivals: no queue has seen as many, and they are kept in 64 bits.
    """

    at: float
    """When the counters were read that are the oldest among those of its queues."""
    acknowledged: int
    delivered: int
    """Also those delivered again."""
    ready: int
    consumers: int
    unacknowledged: int | None
    """None where it is not known of every queue, or older than 15 s."""
    messages: int | None
    """Ready and unacknowledged, read together; None like `unacknowledged`."""


def tallied(*, entry: EntryObservation, now: float) -> EntryTally | None:
    """Add up the queues of an entry; None where that says nothing about the work that its consumers do.

    So it is when not every queue could be read or has counters, when these are older than 15 s, when there is no queue,
    and while an alarm of the broker blocks publishers.
    """
    if entry.unmatched is not None or entry.alarmed or not entry.queues:
        return None
    at, acknowledged, delivered, ready, consumers, unacknowledged, messages = now, 0, 0, 0, 0, 0, 0
    counted = True
    for queue in entry.queues:
        counters, depth, totals = queue.counters, queue.depth, queue.totals
        if counters is None or not isinstance(depth, Depth) or now - counters.at > TOTALS_MAX_AGE:
            return None
        at = min(at, counters.at)
        acknowledged += counters.acknowledged
        delivered += counters.delivered
        ready += depth.ready
        consumers += depth.consumers
        if isinstance(totals, Totals) and now - totals.at <= TOTALS_MAX_AGE:
            unacknowledged += totals.unacknowledged
            messages += totals.ready + totals.unacknowledged
        else:
            counted = False
    return EntryTally(
        at=at,
        acknowledged=min(acknowledged, COUNT_MOST),
        delivered=min(delivered, COUNT_MOST),
        ready=min(ready, COUNT_MOST),
        consumers=min(consumers, COUNT_MOST),
        unacknowledged=min(unacknowledged, COUNT_MOST) if counted else None,
        messages=min(messages, COUNT_MOST) if counted else None,
    )
