"""The counters of an entry at one moment: of all its queues together, and of which queues that is."""

from __future__ import annotations

from math import inf
from typing import Final, NamedTuple
from zlib import crc32

from qc_operator.scaling.observation import Depth, EntryObservation, QueueObservation, Totals

COUNT_MOST: Final = 2**53
"""Counts above it are taken for it, so that a float holds each of them exactly."""


class Counted(NamedTuple):
    """The counters of all queues of an entry at one moment, since each queue was first seen."""

    at: float
    """When they were asked for; the broker's figures are up to 5 s older (collect_statistics_interval)."""
    published: float
    acknowledged: float
    delivered: float
    held: float
    """Messages ready and unacknowledged; -1 where that is not known of every queue."""
    ready: float
    """Messages ready by the fast lane; -1 where that is not known of every queue."""
    members: int
    """Which queues these are: 16 bits of their names' CRC-32, XORed. 0 for a queue given by name."""
    unused: int
    """The same for those whose counters are all zero, as in the first reading of a queue."""


def counted(entry: EntryObservation) -> Counted | None:
    """The counters of an entry now, None where there are none.

    Only queues that were in the last reading count: one that was left out would bring the growth of minutes at once
    when it is back.
    """
    at = -inf
    for queue in entry.queues:
        if queue.counters is not None and at < queue.counters.at < inf:
            at = queue.counters.at
    if at == -inf:
        return None
    published = acknowledged = delivered = members = unused = 0
    for queue in entry.queues:
        counters = queue.counters
        if counters is None or counters.at != at:
            continue
        published += counters.published
        acknowledged += counters.acknowledged
        delivered += counters.delivered
        if entry.pattern:
            name = crc32(queue.name.encode(errors="replace")) & 0xFFFF
            members ^= name
            if not (counters.published or counters.acknowledged or counters.delivered):
                unused ^= name
    # What consumers do in queues that match, and were not read yet, is not known.
    held, ready = _messages(entry.queues) if not entry.awaited else (-1.0, -1.0)
    return Counted(
        at=at,
        published=_number(published),
        acknowledged=_number(acknowledged),
        delivered=_number(delivered),
        held=held,
        ready=ready,
        members=members,
        unused=unused,
    )


def _messages(queues: tuple[QueueObservation, ...]) -> tuple[float, float]:
    """Messages held by the slow lane's word, and ready by the fast lane's; -1 for what is not known of every queue."""
    held = ready = 0
    held_known = ready_known = True
    for queue in queues:
        if isinstance(queue.totals, Totals):
            held += queue.totals.ready + queue.totals.unacknowledged
        else:
            held_known = False
        if isinstance(queue.depth, Depth):
            ready += queue.depth.ready
        else:
            ready_known = False
    return _number(held) if held_known else -1.0, _number(ready) if ready_known else -1.0


def _number(count: int) -> float:
    if count >= COUNT_MOST:
        return float(COUNT_MOST)
    return float(count) if count > 0 else 0.0
