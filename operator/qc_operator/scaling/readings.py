"""What both lanes say of one queue at one moment, and what they do not.

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
"""The cause of totals that a good answer of the slow lane does not have.

It leaves out a queue without a leader, of which the passive declare says (0, 0): such a zero is not to be believed.
"""

NOT_READ_YET: Final = "NotReadYet"
"""The cause of a reading that is unknown because the first one has not come in yet: no reason to tell anybody."""
EMPTY_LIST: Final = "EmptyList"
"""The cause of totals where the slow lane knows of no queue at all: that may be a matter of permissions.

Of a queue that answers a passive declare it says the same as that it is left out.
"""

STREAM: Final = "stream"
"""The type of a queue whose count never falls, because reading a stream takes nothing out of it."""

DepthReading: TypeAlias = Depth | Missing | Unknown
TotalsReading: TypeAlias = Totals | Unknown | Unavailable


def left_out(totals: TotalsReading) -> bool:
    """Whether the slow lane answers, and does not have the queue."""
    return isinstance(totals, Unknown) and totals.cause in {LEFT_OUT, EMPTY_LIST}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFacts:
    """What a queue is, as the slow lane tells it."""

    type: str
    """`classic`, `quorum`, `stream`, or the name of a type that came later."""
    single_active_consumer: bool
    """Whether the broker gives its messages to one consumer at a time, the others standing by."""
    state: str
    """`running`, `minority`, `down` and so on; empty where the broker does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Messages since the queue's counters were first read.

    None of them ever falls: one that was reset goes on from where it was.
    """

    published: int
    acknowledged: int
    delivered: int
    """Also those delivered again."""
    at: float
    redelivered: int = 0
    """Those of them that were delivered again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueObservation:
    """One queue, as both lanes saw it last."""

    name: str
    vhost: str
    depth: DepthReading
    totals: TotalsReading
    arrived: int = 0
    """By how many messages ready was seen to grow since the totals were asked for."""
    facts: QueueFacts | None = None
    """None where no slow lane tells."""
    counters: Counters | None = None
    """None where no target needs them, or the broker keeps none."""
