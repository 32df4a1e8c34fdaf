"""How many replicas a queue asks for: one function per kind of target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from qc_operator.resource import Lag
from qc_operator.scaling.observation import Depth, QueueObservation, Totals, Unavailable

TOTALS_MAX_AGE: Final = 15.0
"""Seconds after which the slow lane's figures count as unknown: three of its polls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Bounds of a queue's lag in messages.

    The two lanes differ in age. `at_least` comes from the fresh ready count and may scale up at once;
    `at_most` needs a complete reading that is younger than the last publish seen, and is None without one:
    then nothing may scale down.
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
    depth = queue.depth
    if not isinstance(depth, Depth):
        return None
    totals = queue.totals
    if count == "Ready" or isinstance(totals, Unavailable):
        return Backlog(at_least=depth.ready, at_most=depth.ready)
    if not isinstance(totals, Totals) or now - totals.at > TOTALS_MAX_AGE:
        return Backlog(at_least=depth.ready, at_most=None)
    if totals.at >= depth.at:
        total = totals.ready + totals.unacknowledged
        return Backlog(at_least=max(total, depth.ready), at_most=max(total, depth.ready))
    if totals.at < queue.published_at:
        return Backlog(at_least=depth.ready, at_most=None)
    # Nothing was seen to arrive since the complete reading, so the lag can only have shrunk from there.
    at_most = max(totals.ready, depth.ready) + totals.unacknowledged
    return Backlog(at_least=depth.ready, at_most=at_most)


def lag(*, target: Lag, queue: QueueObservation, current: int, now: float) -> Demand | None:
    """Replicas for the two thresholds: clamp(current, ceil(L/scaleUpAbove), ceil(L/scaleDownBelow)).

    Scales up above one threshold, down below the other, holds between. None when the queue's depth is unknown.
    """
    bounds = backlog(queue=queue, count=target.count, now=now)
    if bounds is None:
        return None
    up = target.scale_up_above
    down = target.scale_down_below or up
    least = _ceil(bounds.at_least, up)
    if current == 0:
        # Nobody consumes, so what is ready is what there is to do.
        return Demand(
            replicas=least,
            complete=bounds.at_most is not None,
            explanation=f"{bounds.at_least} messages in {queue.name} / {up} per replica = {least}",
        )
    if least > current:
        return Demand(
            replicas=least,
            complete=True,
            explanation=f"{bounds.at_least} messages in {queue.name} / {up} per replica = {least}",
        )
    if bounds.at_most is None:
        return Demand(
            replicas=current,
            complete=False,
            explanation=f"{bounds.at_least} messages ready in {queue.name}, unacknowledged not known yet",
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
