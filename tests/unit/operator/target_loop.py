"""A target in a closed loop: a small discrete-event model of its queue, its pods and its decisions.

Messages arrive as a Poisson process whose rate changes with time, are taken in order and worked on for an exponential
time, one per pod. Pods work `starts_in` seconds after they were asked for; one that has to go finishes its message
first, and idle ones go before busy ones. Every `poll` seconds the counters are read and the target is asked, with the
window and the busy floor as the operator applies them.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from math import exp

from qc_operator.resource import Queue
from qc_operator.scaling import stabilization
from qc_operator.scaling.arrivals import borne_out
from qc_operator.scaling.observation import Depth, EntryObservation, QueueObservation, Totals
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.situation import Demand, Situation
from qc_operator.scaling.stabilization import Answers
from qc_operator.spec_behavior import Behavior, ScaleDownRules


@dataclass(kw_only=True)
class Outcome:
    """What a run came to."""

    waits: list[float] = field(default_factory=list)
    pod_seconds: float = 0.0
    replicas: list[int] = field(default_factory=list)
    """At each poll."""

    def late(self, objective: float) -> float:
        """The part of the messages that waited longer."""
        return sum(wait > objective for wait in self.waits) / len(self.waits)

    @property
    def reversals(self) -> int:
        """How often replicas changed their direction."""
        moves = [after - before for before, after in pairwise(self.replicas) if after != before]
        return sum((one > 0) != (other > 0) for one, other in pairwise(moves))


@dataclass(kw_only=True)
class Loop:
    """What arrives, how long a message takes, and what is asked every `poll` seconds."""

    source: Queue
    ask: Callable[[Situation], Demand | None]
    rate: Callable[[float], float]
    """Messages per second that arrive at a time."""
    most_per_second: float
    """The largest value of `rate`."""
    service: float
    seed: int
    replicas: int
    """Those that there are at the start, all of them at work."""
    tau: float
    """Seconds by which the rates are smoothed."""
    hidden: bool = False
    """Whether consumers acknowledge before they work, so that nobody knows which of them are busy."""
    believed: float = 1.0
    """What the target is told of the throughput, over what it is."""
    starts_in: float = 40.0
    poll: float = 5.0
    max_replicas: int = 1000
    at_once: tuple[float, int] | None = None
    """When so many messages come at one moment, besides the others."""

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - load for a test
        self.now = 0.0
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.waiting, self.starting = deque[float](), deque[float]()
        self.at_work, self.busy = self.replicas, 0
        self.arrived = self.acknowledged = 0
        self.seen = (0, 0)
        self.arrivals = self.acknowledgements = self.rate(0.0)
        self.last_arrivals = deque([self.arrivals] * 3, maxlen=3)
        self.answers = Answers()
        self.outcome = Outcome()

    def run(self, seconds: float) -> Outcome:
        """Let it run from an empty queue."""
        self._after(0.0, self._arrive)
        self._after(self.poll, self._decide)
        if self.at_once is not None:
            self._after(self.at_once[0], self._arrive_at_once)
        while self.events[0][0] <= seconds:
            self.now, _, happen = heapq.heappop(self.events)
            happen()
            while self.waiting and self.busy < self.at_work:
                self.busy += 1
                self.outcome.waits.append(self.now - self.waiting.popleft())
                self._after(self.dice.expovariate(1 / self.service), self._finish)
        self.outcome.waits += [seconds - at for at in self.waiting]
        return self.outcome

    def _after(self, seconds: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self.events, (self.now + seconds, self.dice.getrandbits(62), happen))

    def _arrive(self) -> None:
        # A Poisson process of a rate that changes, by thinning one of the largest rate.
        if self.dice.random() < self.rate(self.now) / self.most_per_second:
            self.arrived += 1
            self.waiting.append(self.now)
        self._after(self.dice.expovariate(self.most_per_second), self._arrive)

    def _arrive_at_once(self) -> None:
        _, messages = self.at_once or (0.0, 0)
        self.arrived += messages
        self.waiting += [self.now] * messages

    def _finish(self) -> None:
        self.busy -= 1
        self.acknowledged += 1

    def _start(self) -> None:
        # Pods that were taken away while they started are not in the list any more.
        if self.starting and self.starting[0] <= self.now:
            self.starting.popleft()
            self.at_work += 1

    def _decide(self) -> None:
        self._read_counters()
        wanted = self._wanted()
        while self.at_work + len(self.starting) < wanted:
            self.starting.append(self.now + self.starts_in)
            self._after(self.starts_in, self._start)
        while self.at_work + len(self.starting) > wanted:
            if self.starting:
                self.starting.pop()
            else:
                self.at_work -= 1
        self.outcome.replicas.append(wanted)
        self.outcome.pod_seconds += (max(self.busy, self.at_work) + len(self.starting)) * self.poll
        self._after(self.poll, self._decide)

    def _read_counters(self) -> None:
        weight = 1 - exp(-self.poll / self.tau)
        arrived, acknowledged = self.seen
        self.last_arrivals.append((self.arrived - arrived) / self.poll)
        self.arrivals += weight * ((self.arrived - arrived) / self.poll - self.arrivals)
        self.acknowledgements += weight * ((self.acknowledged - acknowledged) / self.poll - self.acknowledgements)
        self.seen = (self.arrived, self.acknowledged)

    def _wanted(self) -> int:
        situation = self._situation()
        demand, current = self.ask(situation), situation.current
        assert demand is not None
        replicas = min(max(1, demand.replicas), self.max_replicas)
        if replicas < current:
            replicas = max(replicas, min(current, demand.busy_floor))
        window = ScaleDownRules(stabilization_window_seconds=int(demand.window_seconds or 60))
        behavior = Behavior(scale_down=window)
        self.answers = stabilization.recorded(
            answers=self.answers, current=current, wanted=replicas, behavior=behavior, now=self.now
        )
        held = stabilization.stabilized(
            current=current, wanted=replicas, answers=self.answers, behavior=behavior, since=-1000.0, now=self.now
        )
        return held.replicas

    def _situation(self) -> Situation:
        ready, pods = len(self.waiting), self.at_work + len(self.starting)
        queue = QueueObservation(
            name="receipts",
            vhost="shop",
            depth=Depth(ready=ready, consumers=self.at_work, at=self.now),
            totals=Totals(
                ready=ready, unacknowledged=0 if self.hidden else self.busy, at=self.now, answered_at=self.now
            ),
        )
        return Situation(
            source=self.source,
            entry=EntryObservation(name="receipts", vhost="shop", queues=(queue,)),
            rates=Rates(
                arrivals=self.arrivals,
                recent=borne_out(min(self.last_arrivals)),
                acknowledgements=self.acknowledgements,
                throughput=self.believed / self.service,
                throughput_from="learned",
                acknowledged=1000,
                at=self.now,
            ),
            current=pods,
            running=pods,
            effective=self.at_work + len(self.starting) / 2,
            start_seconds=self.starts_in,
            start_observed=True,
            poll_seconds=self.poll,
            changed_at=None,
            max_replicas=self.max_replicas,
            now=self.now,
        )
