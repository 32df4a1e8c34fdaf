"""How many replicas an entry of `spec.queues` asks for: one function per kind of target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from qc_operator.resource import Aggregate, Lag, Queue
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Bounds of a lag in messages.

    The two lanes differ in age. `at_least` is the fresh ready count, or the last complete reading if that was
    more, and may scale up at once. `at_most` needs a complete reading that has just come in, with what was seen to
    arrive since it was asked for; it is None otherwise, and then nothing scales down.
    """

    at_least: int
    at_most: int | None
    doubt: str | None = None
    """Why a reading is not taken for what it says, where it is worth telling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """An answer: replicas wanted, the lowest number that the data allow, and the arithmetic in words."""

    replicas: int
    complete: bool
    explanation: str


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
        return Backlog(at_least=at_least, at_most=None)
    at_most = max(depth.ready, totals.ready) + totals.unacknowledged + queue.arrived
    return Backlog(at_least=at_least, at_most=at_most)


def aggregate(numbers: Sequence[int], how: Aggregate) -> int:
    """One number for all queues that a pattern matches; none of them is no messages. An average is rounded up."""
    if not numbers:
        return 0
    if how == "Max":
        return max(numbers)
    return _ceil(sum(numbers), len(numbers)) if how == "Average" else sum(numbers)


def entry_backlog(*, entry: EntryObservation, count: str, how: Aggregate, running: int, now: float) -> Backlog | None:
    """Bounds of the lag of all queues of an entry, or None when nothing is known of any.

    A queue that cannot be read counts as no messages below, and as any number above.
    """
    known = [backlog(queue=queue, count=count, running=running, now=now) for queue in entry.queues]
    bounds = [bound for bound in known if bound is not None]
    if not bounds and not entry.known:
        return None
    most = [bound.at_most for bound in bounds if bound.at_most is not None]
    doubts = [bound.doubt for bound in bounds if bound.doubt]
    if entry.alarmed:
        doubts.append(f"an alarm of the broker blocks what publishes to {entry.name}")
    complete = entry.known and len(most) == len(known) and not doubts
    least = [bound.at_least if bound is not None else 0 for bound in known]
    return Backlog(
        at_least=aggregate(least, how),
        at_most=aggregate(most, how) if complete else None,
        doubt=doubts[0] if doubts else None,
    )


def lag(
    *, target: Lag, source: Queue, entry: EntryObservation, current: int, running: int, now: float
) -> Demand | None:
    """Replicas for the two thresholds: clamp(current, ceil(L/scaleUpAbove), ceil(L/scaleDownBelow)).

    Scales up above one threshold, down below the other, holds between. None when nothing is known of the entry.
    """
    bounds = entry_backlog(entry=entry, count=target.count, how=source.aggregate, running=running, now=now)
    if bounds is None:
        return None
    up = target.scale_up_above
    down = target.scale_down_below or up
    # At zero nobody of ours consumes, so what is ready is what there is to do.
    at_least = _ready(entry, source.aggregate) if current == 0 else bounds.at_least
    least = _ceil(at_least, up)
    where = _where(source, entry)
    if current == 0 or least > current:
        return Demand(
            replicas=least,
            complete=True,
            explanation=f"{at_least} messages in {where} / {up} per replica = {least}",
        )
    if bounds.at_most is None:
        words = f"at least {at_least} messages in {where}, not known to be so few that replicas may go"
        explanation = f"{words}: {bounds.doubt}" if bounds.doubt else words
        return Demand(replicas=current, complete=False, explanation=explanation)
    most = _ceil(bounds.at_most, down)
    if most < current:
        return Demand(
            replicas=most,
            complete=True,
            explanation=f"{bounds.at_most} messages in {where} / {down} per replica = {most}",
        )
    return Demand(
        replicas=current,
        complete=True,
        explanation=f"{bounds.at_most} messages in {where} need no other number of replicas than {current}",
    )


def _ready(entry: EntryObservation, how: Aggregate) -> int:
    return aggregate([queue.depth.ready if isinstance(queue.depth, Depth) else 0 for queue in entry.queues], how)


def _where(source: Queue, entry: EntryObservation) -> str:
    """The queue, or what stands for the queues that a pattern matches."""
    if source.pattern is None:
        return entry.name
    words = {"Sum": "the {} queues", "Max": "the longest of the {} queues", "Average": "the average of the {} queues"}
    return f"{words[source.aggregate].format(len(entry.queues))} that match {source.pattern}"


def _ceil(messages: int, per_replica: int) -> int:
    return -(-messages // per_replica)
