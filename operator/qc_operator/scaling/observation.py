"""What is known of the queues and the target at one moment, and what is not.

A reading is a value, `Missing` or `Unknown` with its cause. Unknown is never zero: nothing scales down on it.
All times are seconds of one monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """The fast lane's answer for one queue: messages ready for delivery and consumers, live."""

    ready: int
    consumers: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The slow lane's answer for one queue: ready and unacknowledged messages, read together.

    For a quorum queue the broker's own figures are up to 5 s old when they are read
    (rabbit_quorum_queue's tick interval).
    """

    ready: int
    unacknowledged: int
    at: float
    """When they were asked for: the counts are those of some moment between then and `answered_at`."""
    answered_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """The broker says that there is no such queue."""

    message: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """The queue could not be read. `cause` is a CamelCase word, `message` a sentence without secrets."""

    cause: str
    message: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """There is no slow lane at all: no management API was given and none answers at the usual port."""

    message: str


LEFT_OUT: Final = "LeftOut"
"""The cause of totals that a good answer of the management API does not have.

It leaves out a queue without a leader, of which the passive declare says (0, 0): such a zero is not to be believed.
"""

DepthReading: TypeAlias = Depth | Missing | Unknown
TotalsReading: TypeAlias = Totals | Unknown | Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueObservation:
    """One queue, as both lanes saw it last."""

    name: str
    vhost: str
    depth: DepthReading
    totals: TotalsReading
    arrived: int = 0
    """By how many messages ready was seen to grow since the totals were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All queues of a QueueConsumer, in the order of `spec.queues`, and the target's replicas now."""

    queues: tuple[QueueObservation, ...]
    current: int
