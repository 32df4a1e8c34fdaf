"""When the queues count as empty, so that replicas may go to zero.

Zero replicas need knowledge, not silence: ready = 0 and unacknowledged = 0 must have been read, from a source that
is younger than the last message seen (see `SETTLED_AFTER`).
"""

from __future__ import annotations

from math import inf
from typing import Final

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.observation import (
    EntryObservation,
    Observation,
    QueueObservation,
    Totals,
    left_out,
)
from qc_operator.scaling.trust import TOTALS_MAX_AGE, certain, doubt

SETTLED_AFTER: Final = 5.0
"""Seconds by which a complete reading must be younger than the last message seen to prove that it is gone.

A quorum queue reports its counts once per tick of 5 s, so a younger reading may describe the time before.
"""


def passed(*, spec: QueueConsumerSpec, observation: Observation) -> tuple[int | None, ...]:
    """Messages that have passed each entry, by the counter that matters: deliveries for `deliverRate`, else arrivals.

    None where no target needs counters, or they cannot be had.
    """
    told: list[int | None] = []
    for source, entry in zip(spec.queues, observation.entries, strict=True):
        total: int | None = None
        for queue in entry.queues if source.rated else ():
            if queue.counters is not None:
                counters = queue.counters
                total = (total or 0) + (counters.delivered if source.deliver_rate else counters.published)
        told.append(total)
    return tuple(told)


def last_busy(
    *, spec: QueueConsumerSpec, observation: Observation, before: float, moved: bool = False, now: float
) -> float:
    """When the queues were last not known to be empty; `before` is the previous answer.

    `moved` says that a counter of messages published or delivered has moved since, though the queue may be empty again.
    """
    if moved:
        return now
    matter = spec.idle_evidence == "ReadyAndUnacked"
    for entry in observation.entries:
        if entry.unmatched is not None or entry.alarmed or entry.awaited:
            return now  # Publishers that an alarm blocks wait with their messages: few in the queue are not few to do.
        at = _busy(entry, unacknowledged_matter=matter, running=observation.running, now=now)
        if at >= now:
            return now
        before = max(before, at)
    return before


def _busy(entry: EntryObservation, *, unacknowledged_matter: bool, running: int, now: float) -> float:
    """When the queues of an entry were last not known to be empty, or minus infinity when both lanes say they are."""
    if entry.sums.ready or not entry.known:
        return now
    if certain(entry=entry, now=now):
        return entry.sums.busy_at if unacknowledged_matter else -inf
    last = -inf
    for queue in entry.queues:
        at = _queue_busy(queue=queue, unacknowledged_matter=unacknowledged_matter, running=running, now=now)
        if at >= now:
            return now
        last = max(last, at)
    return last


def _queue_busy(*, queue: QueueObservation, unacknowledged_matter: bool, running: int, now: float) -> float:
    """The same of one of them, which reads empty."""
    if left_out(queue.totals):
        return now
    if doubt(queue=queue, running=running, now=now):
        return now
    if not unacknowledged_matter:
        return -inf
    if not isinstance(queue.totals, Totals) or now - queue.totals.at > TOTALS_MAX_AGE:
        return now
    return queue.totals.at if queue.totals.ready + queue.totals.unacknowledged else -inf


def idle(*, spec: QueueConsumerSpec, observation: Observation, busy_at: float, now: float) -> bool:
    """Whether the queues have been known to be empty for `idleAfterSeconds`."""
    if now - busy_at < spec.idle_after_seconds or busy_at >= now:
        return False
    if spec.idle_evidence == "ReadyOnly":
        return True
    return all(entry.sums.asked_at >= busy_at + SETTLED_AFTER for entry in observation.entries)
