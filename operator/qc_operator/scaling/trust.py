"""What a broker's answer is worth: rules for telling an empty queue from one that cannot be counted.

A quorum queue without a leader answers a passive declare with 0 messages and 0 consumers, and with no error
(rabbit_quorum_queue's stat: a local query that fails or takes 250 ms counts as (0, 0)).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from qc_operator.scaling.observation import (
    STREAM,
    Depth,
    EntryObservation,
    QueueObservation,
    Totals,
    Unknown,
    left_out,
)
from qc_operator.scaling.rounding import number_of

TOTALS_MAX_AGE: Final = 15.0
"""Seconds after which the slow lane's figures count as unknown: three of its polls."""


def checked(queue: QueueObservation) -> QueueObservation:
    """The observation with a depth that means nothing put down as unknown."""
    depth, facts = queue.depth, queue.facts
    if not isinstance(depth, Depth):
        return queue
    if facts is not None and facts.type == STREAM:
        message = (
            f"it is a stream of vhost {queue.vhost}: reading takes nothing out of it, so its length says nothing "
            "about lag; remove it"
        )
        return _unknown(queue, cause="StreamNotSupported", message=message, at=depth.at)
    if depth.ready or depth.consumers:
        return queue
    if left_out(queue.totals):
        message = "it reads empty, but the management API leaves it out, as it does with a queue without a leader"
        return _unknown(queue, cause="QueueWithoutLeader", message=message, at=depth.at)
    if facts is not None and facts.state in {"minority", "down", "stopped", "crashed"}:
        message = f"it reads empty, but its state is {facts.state}: its messages cannot be counted"
        return _unknown(queue, cause="QueueDown", message=message, at=depth.at)
    return queue


def _unknown(queue: QueueObservation, *, cause: str, message: str, at: float) -> QueueObservation:
    return replace(queue, depth=Unknown(cause=cause, message=message, at=at))


def certain(*, entry: EntryObservation, now: float) -> bool:
    """Whether its sums say all there is to say of an entry: nothing is missing, old, blocked or contradicted."""
    return entry.plain and now - entry.sums.asked_at <= TOTALS_MAX_AGE


def doubt(*, queue: QueueObservation, running: int, now: float) -> str | None:
    """Why an empty queue may not be empty, in words, or None.

    With `running` pods there should be consumers. None and no messages is also what a quorum queue without a leader
    reads, so the word of the slow lane is needed: it leaves such a queue out.
    """
    depth, facts = queue.depth, queue.facts
    if running == 0 or not isinstance(depth, Depth) or depth.ready or depth.consumers:
        return None
    if isinstance(queue.totals, Totals) and now - queue.totals.at <= TOTALS_MAX_AGE:
        # So reads a quorum queue whose leader is stuck: nobody takes its messages, and they do not go away.
        told = queue.totals.ready
        counted = f"{number_of(told, 'message')} {'was' if told == 1 else 'were'} counted in it"
        return f"{queue.name} reads empty, but {counted}" if told else None
    if facts is not None and facts.type == "classic":
        return None
    pods = f"{number_of(running, 'pod')} {'runs' if running == 1 else 'run'}"
    return f"{queue.name} reads empty and without consumers while {pods}, which nothing confirms"
