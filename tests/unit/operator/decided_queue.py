"""A queue in a closed loop with all of `decide()`: what is observed, learned and decided, and the pods that follow."""

from __future__ import annotations

from collections.abc import Callable

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling import capacity_kept
from qc_operator.scaling.decision import decide
from qc_operator.scaling.memory import remember_nothing
from qc_operator.scaling.observation import Counters, Depth, EntryObservation, Observation, QueueObservation, Totals
from qc_operator.scaling.pods import Pods
from tests.unit.operator.conftest import spec, wall
from tests.unit.operator.queue_model import Queue

BEGUN = 1000.0
"""Of the operator's clock, when the queue's is at 0."""
STARTS_IN = 10.0
POLL = 5


class DecidedQueue:
    """Decides once a second; both lanes and the counters are read every five, and `at_once` messages come in between.

    `learned` is what the operator of before has left of the throughput, in messages per second.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        entry: dict[str, object],
        learned: float | None = None,
        rate: Callable[[float], float] | None = None,
    ) -> None:
        self.queue = queue
        self.spec: QueueConsumerSpec = spec(queues=[{"name": "receipts"} | entry], maxReplicas=100)
        kept = {"entries": [{"throughput": learned, "acknowledged": 1000, "weight": 200.0}]} if learned else {}
        self.memory = remember_nothing(now=BEGUN, capacity=capacity_kept.restored(kept))
        self.current = queue.replicas
        self.replicas: list[int] = []
        """Of each second."""
        self._rate = rate
        self._starting: list[float] = []
        """When each pod that is not ready yet was created."""
        self._counters = Counters(published=0, acknowledged=0, delivered=0, at=BEGUN)
        self._totals = Totals(ready=0, unacknowledged=0, at=BEGUN, answered_at=BEGUN)

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self._second()

    @property
    def changes(self) -> int:
        """How often replicas changed so far."""
        return sum(before != after for before, after in zip(self.replicas, self.replicas[1:], strict=False))

    @property
    def each(self) -> float:
        """What a replica is believed to manage, in messages per second."""
        throughput = self.memory.rates[0].throughput
        assert throughput is not None
        return throughput

    def _second(self) -> None:
        queue, at = self.queue, len(self.replicas)
        if self._rate is not None and self._rate(at) != queue.rate:
            queue.change(arrivals=self._rate(at))
        queue.advance(float(at))
        started = [created for created in self._starting if created + STARTS_IN <= at]
        self._starting = self._starting[len(started) :]
        if started:
            queue.change(replicas=queue.replicas + len(started))
        now = BEGUN + at
        if at % POLL == 0:
            self._read(now)
        decision = decide(spec=self.spec, observation=self._observed(now), memory=self.memory, now=now, at=wall(now))
        self.memory = decision.memory
        self._scale(decision.replicas, at=float(at))
        self.replicas.append(self.current)

    def _read(self, now: float) -> None:
        queue = self.queue
        self._counters = Counters(
            published=queue.published, acknowledged=queue.acknowledged, delivered=queue.delivered, at=now
        )
        self._totals = Totals(ready=queue.ready, unacknowledged=queue.unacknowledged, at=now, answered_at=now)

    def _observed(self, now: float) -> Observation:
        queue = self.queue
        seen = QueueObservation(
            name="receipts",
            vhost="shop",
            depth=Depth(ready=queue.ready, consumers=queue.replicas, at=now),
            totals=self._totals,
            counters=self._counters,
        )
        return Observation(
            entries=(EntryObservation(name="receipts", vhost="shop", queues=(seen,)),),
            current=self.current,
            running=queue.replicas + len(self._starting),
            pods=Pods(ready=queue.replicas, starting=tuple(BEGUN + created for created in self._starting), at=now),
        )

    def _scale(self, replicas: int, *, at: float) -> None:
        self._starting += [at] * (replicas - self.current)
        if replicas < self.current:
            gone = self.current - replicas
            self._starting, gone = self._starting[: len(self._starting) - gone], gone - len(self._starting)
            if gone > 0:
                self._starting = []
                self.queue.change(replicas=self.queue.replicas - gone)
        self.current = replicas
