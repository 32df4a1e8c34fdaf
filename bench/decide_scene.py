"""What is decided upon in `bench.decide`: specs, and queues under a load that fills every window and estimate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from qc_operator.resource import QueueConsumerSpec, parse
from qc_operator.scaling.decision import decide
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

NOW = 100_000.0
TODAY = datetime(2026, 11, 27, 12, tzinfo=UTC)
POLL = 5.0
TURN = 0.25
"""Seconds between two decisions, as while a queue is moving."""

TARGETS: tuple[dict[str, object], ...] = (
    {"lag": {"scaleUpAbove": 100, "scaleDownBelow": 20}},
    {"publishRate": {"perReplica": "5"}},
    {"deliverRate": {"perReplica": "5"}},
    {"drain": {"withinSeconds": 120}, "secondsPerMessage": "0.2"},
    {"wait": {"objectiveSeconds": 60}, "secondsPerMessage": "0.2"},
)
SPEC = parse(
    {
        "scaleTargetRef": {"name": "consumers"},
        "broker": {"secretName": "rabbitmq"},
        "queues": [{"name": f"queue-{number}"} | target for number, target in enumerate(TARGETS)],
        "maxReplicas": 200,
        "behavior": {
            "scaleUp": {"policies": [{"type": "Percent", "value": 400, "periodSeconds": 15}]},
            "scaleDown": {
                "stabilizationWindowSeconds": 300,
                "policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}],
            },
        },
        "schedules": [
            {"name": "night", "start": "0 22 * * *", "end": "0 6 * * *", "timeZone": "Europe/Berlin", "maxReplicas": 50}
        ],
    }
)
LAG_ONLY = parse(
    {
        "scaleTargetRef": {"name": "consumers"},
        "broker": {"secretName": "rabbitmq"},
        "queues": [{"name": "queue-0", "lag": {"scaleUpAbove": 100, "scaleDownBelow": 20}}],
        "maxReplicas": 200,
    }
)
PATTERN = parse(
    {
        "scaleTargetRef": {"name": "consumers"},
        "broker": {"secretName": "rabbitmq"},
        "queues": [{"pattern": "^queue-", "lag": {"scaleUpAbove": 100, "scaleDownBelow": 20}}],
        "maxReplicas": 200,
    }
)


class Load:
    """Queues under a load that swings, so that every window, counter and estimate is in use."""

    def __init__(self, *, entries: int, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - a load, not a secret
        self._entries = entries
        self._published = [0] * entries
        self._done = [0] * entries
        self._polled_at = NOW
        self._pods = Pods(ready=0, at=NOW)
        self._counters: list[Counters] = []
        self._totals: list[Totals] = []

    def observed(self, *, now: float, current: int) -> Observation:
        """What both lanes say at this moment."""
        if not self._counters or now - self._polled_at >= POLL:
            self._poll(now=now, current=current)
        ready = [total.ready + self._random.randrange(0, 40) for total in self._totals]
        if self._pods.ready != current:
            # Pods are looked at while they are on their way, and not at each turn.
            started = [StartedPod(created=now - 8, ready=now) for _ in range(max(0, current - self._pods.ready))]
            self._pods = Pods(ready=current, started=(*started, *self._pods.started)[:16], at=now)
        return Observation(
            entries=tuple(
                EntryObservation(
                    name=f"queue-{number}",
                    vhost="shop",
                    queues=(
                        QueueObservation(
                            name=f"queue-{number}",
                            vhost="shop",
                            depth=Depth(ready=ready[number], consumers=current, at=now),
                            totals=self._totals[number],
                            counters=self._counters[number],
                        ),
                    ),
                )
                for number in range(self._entries)
            ),
            current=current,
            running=current,
            pods=self._pods,
        )

    def _poll(self, *, now: float, current: int) -> None:
        self._polled_at = now
        for number in range(self._entries):
            arrived = self._random.randrange(0, 600)
            self._published[number] += arrived
            backlog = self._published[number] - self._done[number]
            self._done[number] += min(backlog, current * 25)
        self._counters = [
            Counters(published=published, acknowledged=done, delivered=done, at=now)
            for published, done in zip(self._published, self._done, strict=True)
        ]
        self._totals = [
            Totals(ready=published - done, unacknowledged=self._random.randrange(0, 40), at=now, answered_at=now)
            for published, done in zip(self._published, self._done, strict=True)
        ]


def turns(*, spec: QueueConsumerSpec, count: int, seed: int) -> Iterator[tuple[Observation, Memory, float, datetime]]:
    """The inputs of so many decisions in a row, each with the memory and the replicas that the last one has left."""
    load = Load(entries=len(spec.queues), seed=seed)
    memory, current = remember_nothing(now=NOW), 5
    for turn in range(count):
        now, at = NOW + turn * TURN, TODAY + timedelta(seconds=turn * TURN)
        observation = load.observed(now=now, current=current)
        yield observation, memory, now, at
        decision = decide(spec=spec, observation=observation, memory=memory, now=now, at=at)
        memory, current = decision.memory, decision.replicas


def matched(number: int) -> EntryObservation:
    """What is seen of that many queues that a pattern matches: each has a consumer and few messages."""
    queues = [
        QueueObservation(
            name=f"queue-{index}",
            vhost="shop",
            depth=Depth(ready=index % 3, consumers=1, at=NOW),
            totals=Totals(ready=index % 3, unacknowledged=1, at=NOW, answered_at=NOW),
            facts=QueueFacts(type="quorum", single_active_consumer=False, state="running"),
        )
        for index in range(number)
    ]
    return EntryObservation(name="^queue-", vhost="shop", queues=tuple(queues), pattern=True)
