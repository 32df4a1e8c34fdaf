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
from qc_operator.scaling.trust import TOTALS_MAX_AGE, doubt

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
    if len(numbers) == 1:
        return numbers[0]
    if not numbers:
        return 0
    if how == "Max":
        return max(numbers)
    return _ceil(sum(numbers), len(numbers)) if how == "Average" else sum(numbers)


def entry_backlog(*, entry: EntryObservation, count: str, how: Aggregate, running: int, now: float) -> Backlog | None:
    """Bounds of the lag of all queues of an entry, or None when nothing is known of any.

    A queue that cannot be read counts as no messages below, and as any number above, and so does one that was not read
    yet: an average of those alone that were read first may be far above the true one.
    """
    if len(entry.queues) == 1 and entry.unmatched is None and not entry.alarmed and not entry.awaited:
        # Nearly every entry is one queue, which needs no taking together.
        return backlog(queue=entry.queues[0], count=count, running=running, now=now)
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
    ready = [queue.depth.ready if isinstance(queue.depth, Depth) else 0 for queue in entry.queues]
    return aggregate([*ready, *[0] * entry.awaited], how)


def matching(entry: EntryObservation) -> str:
    """The queues that a pattern matches, in words: how many, and how many of them were read if that is not all."""
    number = len(entry.queues) + entry.awaited
    words = f"the queue that matches {entry.name}" if number == 1 else f"the {number} queues that match {entry.name}"
    read = sum(isinstance(queue.depth, Depth) for queue in entry.queues)
    return words if read == number else f"{words} ({read} read)"


def _ceil(messages: int, per_replica: int) -> int:
    return -(-messages // per_replica)
