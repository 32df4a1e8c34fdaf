"""A target and its queues on a fake clock, watched by the guards: a turn every 5 s, as the counters are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qc_operator.resource import QueueConsumerSpec, parse
from qc_operator.scaling.downstream_limit import DownstreamLimit
from qc_operator.scaling.forbidden import Forbidden, forbids
from qc_operator.scaling.guard_memory import NOTHING_GUARDED, GuardMemory
from qc_operator.scaling.guards import watched
from qc_operator.scaling.observation import (
    Counters,
    Depth,
    EntryObservation,
    Observation,
    QueueObservation,
    Totals,
    TotalsReading,
    Unknown,
)
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.trial import Trial

TURN = 5.0
UNREAD = Unknown(cause="ManagementUnreachable", message="refused", at=0.0)


def spec_of(*entries: dict[str, Any]) -> QueueConsumerSpec:
    lag = {"lag": {"scaleUpAbove": 100}}
    queues = [{"name": f"q{number}", **(entry or lag)} for number, entry in enumerate(entries or ({},))]
    target = {"scaleTargetRef": {"name": "t"}, "broker": {"secretName": "s"}, "maxReplicas": 100}
    return parse(target | {"queues": queues})


@dataclass
class Line:
    """A queue with what flows through it, in messages per second."""

    ready: float = 1000.0
    unacknowledged: float = 30.0
    consumers: int = 3
    acknowledged: float = 0.0
    delivered: float = 0.0
    arrives: float = 0.0
    acks: float = 0.0
    delivers: float | None = None
    """As many as are acknowledged where it is not set."""
    counted: bool = True
    totals_known: bool = True
    alarmed: bool = False
    at: float = 0.0

    def flow(self, seconds: float) -> None:
        self.acknowledged += self.acks * seconds
        self.delivered += (self.acks if self.delivers is None else self.delivers) * seconds
        self.ready = max(0.0, self.ready + (self.arrives - self.acks) * seconds)

    def seen(self, name: str, now: float) -> EntryObservation:
        totals: TotalsReading = UNREAD
        if self.totals_known:
            totals = Totals(ready=int(self.ready), unacknowledged=int(self.unacknowledged), at=now, answered_at=now)
        counters = None
        if self.counted:
            self.at = now
        if self.at:
            counters = Counters(
                published=0, acknowledged=round(self.acknowledged), delivered=round(self.delivered), at=self.at
            )
        queue = QueueObservation(
            name=name,
            vhost="shop",
            depth=Depth(ready=int(self.ready), consumers=self.consumers, at=now),
            totals=totals,
            counters=counters,
        )
        return EntryObservation(name=name, vhost="shop", queues=(queue,), alarmed=self.alarmed)


@dataclass
class Target:
    """One turn after the other: what flows, what is seen of it, and what the guards make of that."""

    lines: list[Line] = field(default_factory=lambda: [Line()])
    spec: QueueConsumerSpec = field(default_factory=spec_of)
    replicas: int = 3
    pods: Pods | None = field(default_factory=lambda: Pods(ready=3, at=0.0))
    rates: Rates = field(default_factory=lambda: Rates(throughput=1.0, throughput_from="learned"))
    start_seconds: float = 30.0
    now: float = 10_000.0
    memory: GuardMemory = NOTHING_GUARDED

    @property
    def line(self) -> Line:
        return self.lines[0]

    @property
    def trial(self) -> Trial | None:
        return self.memory.seen.trial

    @property
    def limit(self) -> DownstreamLimit | None:
        return self.memory.seen.limit

    def scale(self, replicas: int, *, ready: int | None = None, starting: int = 0, unschedulable: int = 0) -> None:
        self.replicas = replicas
        self.pods = Pods(
            ready=replicas if ready is None else ready,
            starting=(self.now,) * starting,
            unschedulable=unschedulable,
            why_unschedulable="0/3 nodes are available: 3 Insufficient cpu." if unschedulable else "",
            at=self.now,
        )

    def observation(self) -> Observation:
        return Observation(
            entries=tuple(line.seen(f"q{number}", self.now) for number, line in enumerate(self.lines)),
            current=self.replicas,
            running=self.replicas,
            pods=self.pods,
        )

    def look(self, index: int = 0) -> Forbidden | None:
        """Take in what is there now."""
        if self.pods is not None:
            self.pods = Pods(
                ready=self.pods.ready,
                starting=self.pods.starting,
                unschedulable=self.pods.unschedulable,
                why_unschedulable=self.pods.why_unschedulable,
                at=self.now,
            )
        observation = self.observation()
        self.memory = watched(
            before=self.memory,
            spec=self.spec,
            observation=observation,
            rates=(self.rates,) * len(self.lines),
            start_seconds=self.start_seconds,
            now=self.now,
        )
        return forbids(memory=self.memory, index=index, observation=observation, now=self.now)

    def run(self, seconds: float, index: int = 0) -> Forbidden | None:
        """Let time pass in turns of 5 s; the guards' word after the last one."""
        forbidden = None
        for _ in range(round(seconds / TURN)):
            self.now += TURN
            for line in self.lines:
                line.flow(TURN)
            forbidden = self.look(index)
        return forbidden

    def until(self, reason: str | None, *, within: float, index: int = 0) -> float:
        """Seconds until the guards give this reason, or none; `within` and a turn if that does not come."""
        for turn in range(round(within / TURN) + 1):
            forbidden = self.run(TURN, index)
            if (forbidden.reason if forbidden else None) == reason:
                return (turn + 1) * TURN
        return within + TURN
