"""A whole target in a closed loop with `decide()`: its queue, its pods, and a database that they all call.

Turns of a second. Messages arrive and are worked on at random (Poisson); together the pods do no more than the database
lets them. Pods connect when they are ready and are slow at first, counters are read every 5 s and are up to 10 s old,
pods are listed every 2 s.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import exp, inf

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.decision import Decision, decide
from qc_operator.scaling.memory import Memory, remember_nothing
from qc_operator.scaling.observation import (
    Counters,
    Depth,
    EntryObservation,
    Observation,
    QueueFacts,
    QueueObservation,
    Totals,
)
from qc_operator.scaling.pods import Pods, StartedPod

BEGIN = datetime(2026, 11, 27, 12, tzinfo=UTC)
LATE = 5
"""Seconds by which counters are old at most when the management plugin collects them, and again when it is asked."""
CLASSIC = QueueFacts(type="classic", single_active_consumer=False, state="running")


@dataclass
class Pod:
    """It is ready `starts` seconds after it was created."""

    created: float
    starts: float
    speed: float

    def ready(self, now: float) -> bool:
        return now >= self.created + self.starts

    def works(self, now: float, *, cold: float) -> float:
        """Its share of full speed; a tenth while it is cold."""
        if not self.ready(now):
            return 0.0
        return self.speed * (1.0 if now >= self.created + self.starts + cold else 0.1)


@dataclass(kw_only=True)
class LimitedLoop:
    """What arrives, what a pod does, and what the database lets all of them do together, in messages per second."""

    spec: QueueConsumerSpec
    arrivals: Callable[[float], float]
    each: float
    database: Callable[[float], float] = lambda _: inf
    starts: float = 10.0
    cold: float = 0.0
    uneven: float = 0.0
    """Pods are up to so much slower or faster than `each`, as a share."""
    replicas: int = 0
    waiting: float = 0.0
    consumers_each: int = 1
    seed: int = 1
    now: float = 0.0
    steps: list[tuple[float, int, int]] = field(default_factory=list)
    """Changes of replicas: when, from, to."""
    found_at: list[float] = field(default_factory=list)
    """When a limit was found."""

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - load for a test
        self.pods = [Pod(-1000.0, 0.0, self._speed()) for _ in range(self.replicas)]
        self.memory: Memory = remember_nothing(now=0.0)
        self.published = self.acknowledged = self.delivered = 0
        self.published += round(self.waiting)
        self.prepared = self.allowed = 0.0
        self.past = [(0, 0, 0)]
        self.read = (0, 0, 0)
        self.counters: Counters | None = None
        self.totals: Totals | None = None
        self.listed: Pods | None = None
        self.decision: Decision | None = None

    def _speed(self) -> float:
        return 1.0 + self.uneven * self.dice.uniform(-1.0, 1.0)

    def _poisson(self, mean: float) -> int:
        if mean > 50.0:
            return max(0, round(self.dice.gauss(mean, mean**0.5)))
        events, left = 0, self.dice.random()
        while left > exp(-mean):
            left *= self.dice.random()
            events += 1
        return events

    @property
    def backlog(self) -> int:
        return self.published - self.acknowledged

    def run(self, seconds: float) -> LimitedLoop:
        for _ in range(round(seconds)):
            self.now += 1.0
            self._flow()
            self._decide()
        return self

    def _flow(self) -> None:
        self.published += self._poisson(self.arrivals(self.now))
        # A pod that is done with its part waits for the database with one message; the database saves up for a second.
        speed, most = sum(pod.works(self.now, cold=self.cold) for pod in self.pods), self.database(self.now)
        self.prepared = min(self.prepared + self._poisson(self.each * speed), max(self.working, self.each * speed * 2))
        self.allowed = inf if most == inf else min(self.allowed + self._poisson(most), max(1.0, most * 2))
        done = int(min(self.backlog, self.prepared, self.allowed))
        self.prepared -= done
        self.allowed -= done
        self.acknowledged += done
        self.delivered = self.acknowledged + self.held
        self.past.append((self.published, self.acknowledged, self.delivered))

    @property
    def replicas_asked(self) -> int:
        return len(self.pods)

    @property
    def working(self) -> int:
        return sum(pod.ready(self.now) for pod in self.pods)

    @property
    def held(self) -> int:
        return min(self.backlog, self.working)

    def _decide(self) -> None:
        now, held = self.now, self.held
        if now % 5 == 0:
            age = self.dice.randint(0, LATE) + self.dice.randint(0, LATE)
            told = self.past[max(0, len(self.past) - 1 - age)]
            self.read = max(self.read, told)
            published, acknowledged, delivered = self.read
            self.counters = Counters(published=published, acknowledged=acknowledged, delivered=delivered, at=now - 0.05)
            self.totals = Totals(ready=self.backlog - held, unacknowledged=held, at=now - 0.05, answered_at=now)
        if now % 2 == 0 or self.listed is None:
            self.listed = self._list()
        if self.totals is None:
            return
        queue = QueueObservation(
            name="receipts",
            vhost="shop",
            depth=Depth(ready=self.backlog - held, consumers=self.working * self.consumers_each, at=now),
            totals=self.totals,
            facts=CLASSIC,
            counters=self.counters,
        )
        current = len(self.pods)
        observation = Observation(
            entries=(EntryObservation(name="receipts", vhost="shop", queues=(queue,)),),
            current=current,
            running=current,
            pods=self.listed,
        )
        at = BEGIN + timedelta(seconds=now)
        self.decision = decide(spec=self.spec, observation=observation, memory=self.memory, now=now, at=at)
        before, self.memory = self.memory.guards, self.decision.memory
        if self.memory.guards is not before:
            old, new = before.seen.limit, self.memory.guards.seen.limit
            if new is not None and (old is None or new.until != old.until):
                self.found_at.append(now)
        self._scale(self.decision.replicas)

    def _list(self) -> Pods:
        ready = [pod for pod in self.pods if pod.ready(self.now)]
        starting = [pod.created for pod in self.pods if not pod.ready(self.now)]
        latest = sorted(ready, key=lambda pod: pod.created + pod.starts, reverse=True)[:16]
        started = tuple(
            StartedPod(created=pod.created, ready=pod.created + pod.starts) for pod in latest if pod.created >= 0.0
        )
        return Pods(ready=len(ready), starting=tuple(sorted(starting)), started=started, at=self.now)

    def _scale(self, replicas: int) -> None:
        if replicas == len(self.pods):
            return
        self.steps.append((self.now, len(self.pods), replicas))
        # Those that are not ready yet go first.
        self.pods.sort(key=lambda pod: pod.created + pod.starts)
        del self.pods[replicas:]
        while len(self.pods) < replicas:
            starts = self.starts * self.dice.uniform(0.5, 1.5)
            self.pods.append(Pod(self.now, starts, self._speed()))
