"""How many messages there are to do, as far as two readings of different age can tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from qc_operator.resource import Aggregate
from qc_operator.scaling.observation import (
    Depth,
    EntryObservation,
    QueueObservation,
    Totals,
    Unavailable,
    left_out,
)
from qc_operator.scaling.trust import TOTALS_MAX_AGE, certain, doubt

TOTALS_NEW: Final = 1.0
"""Seconds for which an answer of the slow lane counts as just come in. Each wakes the decision at once, so that it
is decided upon a few milliseconds old; later nobody knows how many messages have come and gone since."""


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of a lag in messages.

    The two lanes differ in age. `at_least` is the fresh ready count, or the last complete reading if that was
    more, and may scale up at once. `at_most` needs a complete reading that has just come in, with what was seen to
    arrive since it was asked for; it is None otherwise, and then nothing scales down.
    """

    at_least: int
    at_most: int | None
    doubt: str | None = None
    """Why a reading is not taken for what it says, where it is worth telling."""
    between: bool = False
    """Whether `at_most` is only missing until the next complete reading, which comes within seconds."""


def backlog(*, queue: QueueObservation, count: str, running: int, now: float) -> Backlog | None:
    """Bounds of the lag of one queue, or None when its depth is not known."""
    depth, totals = queue.depth, queue.totals
    if not isinstance(depth, Depth):
        return None
    doubted = doubt(queue=queue, running=running, now=now)
    if doubted or left_out(totals):
        return Backlog(at_least=depth.ready, at_most=None, doubt=doubted)
    if count == "Ready" or isinstance(totals, Unavailable):
        return Backlog(at_least=depth.ready, at_most=depth.ready)
    if not isinstance(totals, Totals) or now - totals.at > TOTALS_MAX_AGE:
        return Backlog(at_least=depth.ready, at_most=None)
    at_least = max(depth.ready, totals.ready + totals.unacknowledged)
    if now - totals.answered_at > TOTALS_NEW:
        return Backlog(at_least=at_least, at_most=None, between=True)
    at_most = max(depth.ready, totals.ready) + totals.unacknowledged + queue.arrived
    return Backlog(at_least=at_least, at_most=at_most)


def aggregate(numbers: Sequence[int], how: Aggregate) -> int:
    """One number for all queues that a pattern matches; none of them is no messages. An average is rounded up."""
    if how == "Max":
        return max(numbers, default=0)
    return _taken(sum(numbers), len(numbers), how)


def _taken(messages: int, queues: int, how: Aggregate) -> int:
    """The messages of all queues together, or the average queue's, rounded up."""
    return -(-messages // queues) if how == "Average" and queues else messages


def entry_backlog(*, entry: EntryObservation, count: str, how: Aggregate, running: int, now: float) -> Backlog | None:
    """Bounds of the lag of all queues of an entry, or None when nothing is known of any.

    A queue that cannot be read counts as no messages below, and as any number above, and so does one that was not read
    yet: an average of those alone that were read first may be far above the true one.
    """
    sums, queues = entry.sums, len(entry.queues)
    if not certain(entry=entry, now=now) or (how == "Max" and queues > 1):
        return _queue_by_queue(entry, count=count, how=how, running=running, now=now)
    if count == "Ready":
        ready = _taken(sums.ready, queues, how)
        return Backlog(at_least=ready, at_most=ready)
    least = _taken(sums.least, queues, how)
    if now - sums.answered_at > TOTALS_NEW:
        return Backlog(at_least=least, at_most=None, between=True)
    return Backlog(at_least=least, at_most=_taken(sums.most, queues, how))


def _queue_by_queue(entry: EntryObservation, *, count: str, how: Aggregate, running: int, now: float) -> Backlog | None:
    """The same where something is missing, old or in doubt."""
    least = [0] * entry.awaited
    most: list[int] = []
    between = 0
    doubted: str | None = None
    nothing = True
    for queue in entry.queues:
        bound = backlog(queue=queue, count=count, running=running, now=now)
        if bound is None:
            least.append(0)
            continue
        nothing = False
        least.append(bound.at_least)
        if bound.at_most is not None:
            most.append(bound.at_most)
        between += bound.between
        doubted = doubted or bound.doubt
    known = entry.known
    if nothing and not known:
        return None
    if entry.alarmed and doubted is None:
        doubted = f"an alarm of the broker blocks what publishes to {entry.name}"
    sound = known and not entry.awaited and doubted is None
    return Backlog(
        at_least=aggregate(least, how),
        at_most=aggregate(most, how) if sound and len(most) == len(least) else None,
        doubt=doubted,
        between=sound and between > 0 and len(most) + between == len(least),
    )


def ready_of(entry: EntryObservation, how: Aggregate) -> int:
    """The messages that wait in the queues of an entry; one that cannot be read, or was not yet, counts as none."""
    if how == "Max":
        return max([queue.depth.ready for queue in entry.queues if isinstance(queue.depth, Depth)], default=0)
    return _taken(entry.sums.ready, len(entry.queues) + entry.awaited, how)


def matching(entry: EntryObservation) -> str:
    """The queues that a pattern matches, in words: how many, and how many of them were read if that is not all."""
    number, read = len(entry.queues) + entry.awaited, entry.sums.read
    words = f"the queue that matches {entry.name}" if number == 1 else f"the {number} queues that match {entry.name}"
    return words if read == number else f"{words} ({read} read)"
