"""What a reader knows of each queue that it watches, and who listens."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from qc_operator.brokers.declares import Question
from qc_operator.scaling.observation import Depth, DepthReading, QueueObservation


@dataclass(eq=False, slots=True, kw_only=True)
class Listener:
    """Whoever wants queues' readings."""

    notify: Callable[[], None]
    """Called with no delay whenever a reading says something else than the one before, and now and then."""
    refused: Callable[[], None]
    """Called when the broker refuses the login: the Secret may hold a new one."""
    at_zero: bool = True
    """Whether its target is at zero, so that the first message must be seen at once."""
    at_rest: bool = False
    """Whether nothing but a message can bring a change."""
    told_at: float = -inf
    phase: float = field(default_factory=random.random)
    """When it is told at rest, as a share of the interval. Many are told at the same time when they start, or when a
    connection is made, and would be ever after: the decisions of 10,000 of them take a second."""

    def due(self, *, at: float, interval: float, rest_interval: float) -> bool:
        """Whether it is to be told that there is nothing new."""
        if self.at_rest:
            return self.told_at < at - (at + self.phase * rest_interval) % rest_interval
        return at - self.told_at >= interval


LEADER_TIMEOUT = 0.25
"""Seconds after which a broker gives up asking a quorum queue's leader and says that there is nothing (stat/2 of
rabbit_quorum_queue). Measured: 0.251 to 0.253 on 3.10.8 and 4.3.6, for a leader that is suspended or whose node is."""
DOUBTED_FOR = 10.0
"""Seconds for which such an answer is remembered: one that seems to have come sooner may have been held up less."""


@dataclass(eq=False, slots=True, kw_only=True)
class Watch(Question):
    """One queue. All times are seconds of the loop's clock."""

    depth: DepthReading
    since: float = -inf
    """When it was first watched."""
    appeared_at: float = inf
    """Since when it has been read without a gap: totals that were asked for before say nothing about it."""
    arrived: int = 0
    """By how much ready has grown since the totals that are known were asked for."""
    arrived_since_asked: int = 0
    """The same for totals that are under way."""
    arrived_turn_before: int = 0
    """The same for the turn of the slow lane before the one under way."""
    arrived_before: int = 0
    """By how much ready grew in the turn before those totals were asked for, which the older of them do not know."""
    changed_at: float = -inf
    doubtful_at: float = -inf
    """When it last read empty in the way that a queue does whose leader does not answer."""
    fast: bool | None = None
    """Which interval it is read at; None while it has a place of its own in the quarantine."""
    rated: int = 0
    """How many listeners have a target that needs its counters."""
    listeners: list[Listener] = field(default_factory=list)
    observed: tuple[object, QueueObservation] | None = None
    """What was observed last, and of what it was made: it is the same while that is."""

    def take(self, reading: DepthReading) -> bool:
        """Take in a reading; whether it says something else than the one before."""
        before, self.depth = self.depth, reading
        if _empty(reading) and self.took >= LEADER_TIMEOUT:
            self.doubtful_at = reading.at
        if not isinstance(reading, Depth):
            self.proven = False
            self.failures += 1
            self.appeared_at = inf
            return True
        if not isinstance(before, Depth):
            self.failures, self.proven, self.appeared_at = 0, True, reading.at
            self._grow(reading.ready, at=reading.at)
            return True
        if reading.ready != before.ready:
            self._grow(reading.ready - before.ready, at=reading.at)
            return True
        return reading.consumers != before.consumers

    def _grow(self, by: int, *, at: float) -> None:
        if by:
            self.changed_at = at
        self.arrived += max(0, by)
        self.arrived_since_asked += max(0, by)

    def totals_asked(self) -> None:
        """Begin to count what arrives from here on."""
        self.arrived_turn_before, self.arrived_since_asked = self.arrived_since_asked, 0

    def totals_answered(self) -> None:
        """Take what has arrived since the asking as what these totals may not know."""
        self.arrived, self.arrived_before = self.arrived_since_asked, self.arrived_turn_before

    def lose(self, reading: DepthReading) -> None:
        """Take in that nothing at all can be read: the queue's own failures do not count."""
        self.depth, self.appeared_at = reading, inf

    def tell(self, *, at: float, changed: bool, interval: float, rest_interval: float) -> None:
        """Tell the listeners: of a change at once, and of none as often as once per interval in seconds.

        Time goes on for whoever hears the same again and again: windows pass, idleness is reached. At rest nothing is
        waited for.
        """
        for listener in tuple(self.listeners):
            if changed or listener.due(at=at, interval=interval, rest_interval=rest_interval):
                listener.told_at = at
                listener.notify()

    @property
    def doubtful(self) -> bool:
        """Whether it reads empty, and may do so because its leader, if it has one, does not answer the broker."""
        return _empty(self.depth) and self.depth.at - self.doubtful_at < DOUBTED_FOR

    @property
    def work_waits(self) -> bool:
        """Whether there are messages, as far as is known."""
        return isinstance(self.depth, Depth) and self.depth.ready > 0

    @property
    def at_zero(self) -> bool:
        """Whether a target is at zero that this queue may wake."""
        return any(listener.at_zero for listener in self.listeners)


def _empty(reading: DepthReading) -> bool:
    return isinstance(reading, Depth) and not (reading.ready or reading.consumers)
