"""A queue with consumers (M/G/c), simulated event by event, as a broker would tell of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from math import exp, inf, log, sqrt
from random import Random

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling import capacity
from qc_operator.scaling.capacity import EMPTY, Capacity
from qc_operator.scaling.observation import Counters, Depth, EntryObservation, Observation, QueueObservation, Totals
from qc_operator.scaling.rates import Rates
from tests.unit.operator.conftest import spec

Service = Callable[[Random], float]


def exponential(mean: float) -> Service:
    return lambda random: random.expovariate(1.0 / mean)


def lognormal(mean: float, *, cv: float) -> Service:
    sigma = sqrt(log(1.0 + cv * cv))
    return lambda random: mean * exp(random.gauss(0.0, sigma) - sigma * sigma / 2.0)


class Queue:
    """Messages arrive at random, `replicas` work on one each, and an acknowledgement follows."""

    def __init__(self, *, arrivals: float, service: Service, replicas: int, seed: int = 1) -> None:
        self.random = Random(seed)  # noqa: S311 - not a secret
        self.rate = arrivals
        self.service = service
        self.replicas = replicas
        self.published = self.acknowledged = self.delivered = 0
        self.now = 0.0
        self._busy: list[float] = []
        """When each message that is worked on will be acknowledged."""
        self._arrives_at = self._next_arrival()

    @property
    def ready(self) -> int:
        return self.published - self.delivered

    @property
    def unacknowledged(self) -> int:
        return self.delivered - self.acknowledged

    def publish(self, messages: int) -> None:
        """Many at once."""
        self.published += messages
        self._deliver()

    def advance(self, to: float) -> None:
        while True:
            done_at = self._busy[0] if self._busy else inf
            if min(done_at, self._arrives_at) > to:
                break
            if done_at <= self._arrives_at:
                self.now = heappop(self._busy)
                self.acknowledged += 1
            else:
                self.now = self._arrives_at
                self.published += 1
                self._arrives_at = self._next_arrival()
            self._deliver()
        self.now = to

    def _deliver(self) -> None:
        while self.ready and len(self._busy) < self.replicas:
            self.delivered += 1
            heappush(self._busy, self.now + self.service(self.random))

    def _next_arrival(self) -> float:
        return self.now + self.random.expovariate(self.rate) if self.rate > 0.0 else inf

    def change(self, *, arrivals: float | None = None, replicas: int | None = None) -> None:
        if arrivals is not None:
            self.rate = arrivals
            self._arrives_at = self._next_arrival()
        if replicas is not None:
            self.replicas = replicas
            self._deliver()


class Watched:
    """A queue that is read every few seconds, and the capacity that is learned of it.

    The broker's counters are `late` by as many seconds, as those of RabbitMQ are, and the fast lane is not.
    """

    def __init__(self, queue: Queue, *, every: float = 5.0, late: float = 0.0, **entry: object) -> None:
        self.queue = queue
        self.spec: QueueConsumerSpec = spec(
            queues=[{"name": "receipts", "wait": {"objectiveSeconds": 60}} | entry], maxReplicas=100
        )
        self.capacity: Capacity = EMPTY
        self.rates = Rates()
        self.history: list[Rates] = []
        self._every = every
        self._told: deque[Counters] = deque()
        self._late = late

    def run(self, seconds: float) -> None:
        until = self.queue.now + seconds
        while self.queue.now < until:
            self.queue.advance(self.queue.now + self._every)
            self.read()

    def read(self) -> None:
        queue, now = self.queue, self.queue.now
        self._told.append(
            Counters(
                published=queue.published,
                acknowledged=queue.acknowledged,
                delivered=queue.delivered,
                at=now + self._late,
            )
        )
        if self._told[0].at > now:
            return
        counters = self._told.popleft()
        observation = Observation(
            entries=(
                EntryObservation(
                    name="receipts",
                    vhost="shop",
                    queues=(
                        QueueObservation(
                            name="receipts",
                            vhost="shop",
                            depth=Depth(ready=queue.ready, consumers=queue.replicas, at=now),
                            totals=Totals(
                                ready=queue.ready, unacknowledged=queue.unacknowledged, at=now, answered_at=now
                            ),
                            counters=counters,
                        ),
                    ),
                ),
            ),
            current=queue.replicas,
            running=queue.replicas,
        )
        self.capacity = capacity.learned(before=self.capacity, spec=self.spec, observation=observation, now=now)
        self.rates = capacity.rates(self.capacity, 0)
        self.history.append(self.rates)

    @property
    def each(self) -> float:
        """Messages per second and replica."""
        assert self.rates.throughput is not None
        return self.rates.throughput
