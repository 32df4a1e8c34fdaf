"""How many replicas a queue asks for: one function per kind of target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from qc_operator.resource import Lag
from qc_operator.scaling.observation import LEFT_OUT, Depth, QueueObservation, Totals, Unavailable, Unknown

TOTALS_MAX_AGE: Final = 15.0
"""Seconds after which the slow lane's figures count as unknown: three of its polls."""

TOTALS_NEW: Final = 1.0
"""Seconds for which an answer of the slow lane counts as just come in. Each wakes the decision at once, so that it
is decided upon a few milliseconds old; later nobody knows how many messages have come and gone since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Bounds of a queue's lag in messages.

    The two lanes differ in age. `at_least` is the fresh ready count, or the last complete reading if that was
    more, and may scale up at once. `at_most` needs a complete reading that has just come in, with what was seen to
    arrive since it was asked for; it is None otherwise, and then nothing scales down.
    """

    at_least: int
    at_most: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """An answer: replicas wanted, the lowest number that the data allow, and the arithmetic in words."""

    replicas: int
    complete: bool
    explanation: str


def backlog(*, queue: QueueObservation, count: str, now: float) -> Backlog | None:
    """Bounds of the lag of one queue, or None when its depth is not known."""
    depth, totals = queue.depth, queue.totals
    if not isinstance(depth, Depth):
        return None
    if isinstance(totals, Unknown) and totals.cause == LEFT_OUT:
        return Backlog(at_least=depth.ready, at_most=None)
    if count == "Ready" or isinstance(totals, Unavailable):
        return Backlog(at_least=depth.ready, at_most=depth.ready)
    if not isinstance(totals, Totals) or now - totals.at > TOTALS_MAX_AGE:
        return Backlog(at_least=depth.ready, at_most=None)
    at_least = max(depth.ready, totals.ready + totals.unacknowledged)
    if now - totals.answered_at > TOTALS_NEW:
        return Backlog(at_least=at_least, at_most=None)
    at_most = max(depth.ready, totals.ready) + totals.unacknowledged + queue.arrived
    return Backlog(at_least=at_least, at_most=at_most)


def lag(*, target: Lag, queue: QueueObservation, current: int, now: float) -> Demand | None:
    """Replicas for the two thresholds: clamp(current, ceil(L/scaleUpAbove), ceil(L/scaleDownBelow)).

    Scales up above one threshold, down below the other, holds between. None when the queue's depth is unknown.
    """
    bounds = backlog(queue=queue, count=target.count, now=now)
    if bounds is None:
        return None
    up = target.scale_up_above
    down = target.scale_down_below or up
    # At zero nobody of ours consumes, so what is ready is what there is to do.
    at_least = queue.depth.ready if current == 0 and isinstance(queue.depth, Depth) else bounds.at_least
    least = _ceil(at_least, up)
    if current == 0 or least > current:
        return Demand(
            replicas=least,
            complete=True,
            explanation=f"{at_least} messages in {queue.name} / {up} per replica = {least}",
        )
    if bounds.at_most is None:
        return Demand(
            replicas=current,
            complete=False,
            explanation=f"at least {at_least} messages in {queue.name}, not known to be so few that replicas may go",
        )
    most = _ceil(bounds.at_most, down)
    if most < current:
        return Demand(
            replicas=most,
            complete=True,
            explanation=f"{bounds.at_most} messages in {queue.name} / {down} per replica = {most}",
        )
    return Demand(
        replicas=current,
        complete=True,
        explanation=f"{bounds.at_most} messages in {queue.name} need no other number of replicas than {current}",
    )


def _ceil(messages: int, per_replica: int) -> int:
    return -(-messages // per_replica)
