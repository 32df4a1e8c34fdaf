"""Short ways to say what a test is about: a spec, a queue as both lanes see it, a story of decisions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qc_operator.resource import QueueConsumerSpec, parse
from qc_operator.scaling.decision import Decision, decide
from qc_operator.scaling.memory import Memory, remember_nothing
from qc_operator.scaling.observation import (
    LEFT_OUT,
    Depth,
    DepthReading,
    EntryObservation,
    Missing,
    Observation,
    QueueObservation,
    Totals,
    TotalsReading,
    Unknown,
)
from qc_operator.scaling.pause import NO_PAUSE, Pause


def body(**changes: Any) -> dict[str, Any]:
    """The spec of a QueueConsumer as YAML would give it."""
    return {
        "scaleTargetRef": {"name": "receipts"},
        "broker": {"secretName": "rabbitmq"},
        "queues": [{"name": "receipts", "lag": {"scaleUpAbove": 20, "scaleDownBelow": 5}}],
        "maxReplicas": 10,
    } | changes


def spec(**changes: Any) -> QueueConsumerSpec:
    return parse(body(**changes))


def queue(depth: DepthReading, totals: TotalsReading, *, name: str = "receipts", arrived: int = 0) -> QueueObservation:
    return QueueObservation(name=name, vhost="shop", depth=depth, totals=totals, arrived=arrived)


def totals(*, ready: int, unacknowledged: int, at: float) -> Totals:
    """Totals that were asked for and answered in the same moment."""
    return Totals(ready=ready, unacknowledged=unacknowledged, at=at, answered_at=at)


def known(*, ready: int, unacknowledged: int, at: float, name: str = "receipts") -> QueueObservation:
    """A queue of which both lanes have just been read."""
    depth = Depth(ready=ready, consumers=1, at=at)
    return queue(depth, totals(ready=ready, unacknowledged=unacknowledged, at=at), name=name)


def unknown(*, at: float, name: str = "receipts") -> QueueObservation:
    reading = Unknown(cause="BrokerUnreachable", message="connection refused", at=at)
    return queue(reading, reading, name=name)


def missing(*, at: float, name: str = "receipts") -> QueueObservation:
    reading = Missing(message="no queue 'receipts' in vhost 'shop'", at=at)
    return queue(reading, Unknown(cause=LEFT_OUT, message="left out", at=at), name=name)


def entry(*queues: QueueObservation, pattern: str | None = None, unmatched: Unknown | None = None) -> EntryObservation:
    """An entry of `spec.queues`: one queue, or those that a pattern matches."""
    name = queues[0].name if pattern is None else pattern
    return EntryObservation(name=name, vhost="shop", queues=queues, pattern=pattern is not None, unmatched=unmatched)


def entries(*queues: QueueObservation) -> tuple[EntryObservation, ...]:
    """An entry for each queue."""
    return tuple(entry(queue) for queue in queues)


def observed(*queues: QueueObservation, current: int, running: int | None = None) -> Observation:
    """Entries of one queue each; as many pods run as replicas are asked for, unless the test says otherwise."""
    return Observation(entries=entries(*queues), current=current, running=current if running is None else running)


def wall(now: float) -> datetime:
    """The wall's time at a moment of the tests' clock."""
    return datetime(2026, 11, 27, tzinfo=UTC) + timedelta(seconds=now)


@dataclass
class Story:
    """A target and a clock: each `turn` decides and carries the decision out."""

    spec: QueueConsumerSpec
    replicas: int = 0
    now: float = 1000.0
    pause: Pause = NO_PAUSE
    memory: Memory = field(init=False)

    def __post_init__(self) -> None:
        self.memory = remember_nothing(now=self.now)

    def turn(self, *queues: QueueObservation, after: float = 0.0) -> Decision:
        """Let time pass, then decide. The queues' own times must be given by the caller."""
        return self.decide(*entries(*queues), after=after)

    def decide(self, *seen: EntryObservation, after: float = 0.0) -> Decision:
        """The same for entries of any kind."""
        self.now += after
        observation = Observation(entries=seen, current=self.replicas, running=self.replicas)
        decision = decide(
            spec=self.spec,
            observation=observation,
            memory=self.memory,
            now=self.now,
            at=wall(self.now),
            pause=self.pause,
        )
        self.memory, self.replicas = decision.memory, decision.replicas
        return decision

    def see(self, ready: int, unacknowledged: int = 0, *, after: float = 0.0) -> Decision:
        """A turn in which both lanes have just read these counts."""
        return self.turn(known(ready=ready, unacknowledged=unacknowledged, at=self.now + after), after=after)

    def pass_time(self, seconds: int, ready: int, unacknowledged: int = 0) -> Decision:
        """One turn a second with the same counts; the last decision."""
        for _ in range(seconds - 1):
            self.see(ready, unacknowledged, after=1.0)
        return self.see(ready, unacknowledged, after=1.0)


@pytest.fixture
def story() -> Story:
    return Story(spec=spec())
