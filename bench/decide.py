"""What a decision costs: time of one, time of ten thousand, and the memory that is kept for each QueueConsumer.

The scene is the largest that is common: five entries with a target of each kind, a memory that hours of load have
filled, and readings that are new each time. Nothing is read from a broker or written to a cluster: `decide()` is pure.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from rich.console import Console

from bench.machine import Machine, package_versions
from bench.percentiles import percentile
from bench.report import Figure, Report, publish
from qc_operator.resource import QueueConsumerSpec, parse
from qc_operator.scaling.decision import decide
from qc_operator.scaling.memory import Memory, remember_nothing
from qc_operator.scaling.observation import Counters, Depth, EntryObservation, Observation, QueueObservation, Totals
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


def timed(*, spec: QueueConsumerSpec, history: int, measured: int) -> tuple[list[float], Memory]:
    """Seconds of each decision after a history, and the memory at the end. Each is decided once, as in the operator."""
    taken: list[float] = []
    memory = remember_nothing(now=NOW)
    for turn, (observation, remembered, now, at) in enumerate(turns(spec=spec, count=history + measured, seed=7)):
        if turn >= history:
            began = time.perf_counter()
            memory = decide(spec=spec, observation=observation, memory=remembered, now=now, at=at).memory
            taken.append(time.perf_counter() - began)
    return taken, memory


def bare_formula(observation: Observation) -> int:
    """The peer's whole rule: for each queue messages / target, rounded up, and the largest within the bounds."""
    answers = []
    for entry in observation.entries:
        messages = entry.ready or 0
        answers.append(-(-messages // 100))
    return max(1, min(200, *answers))


def size(value: object) -> int:
    """Bytes of an object and all that only it leads to; what the interpreter or the code shares is not counted."""
    shared = {id(constant) for constant in (None, True, False, (), "")}
    seen: set[int] = set()
    todo, total = [value], 0
    while todo:
        each = todo.pop()
        if id(each) in seen or id(each) in shared or isinstance(each, type) or callable(each):
            continue
        seen.add(id(each))
        total += sys.getsizeof(each)
        todo.extend(gc.get_referents(each))
    return total


def _median(action: Callable[[], object], *, times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return percentile(taken, rank=50)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; 0 when it has figures."""
    options = _options(arguments)
    console = Console(stderr=True)
    console.print("deciding: five entries, a target of each kind, a memory filled by an hour of load")
    gc.disable()  # as timeit does: a collection belongs to no decision
    taken, memory = timed(spec=SPEC, history=options.history, measured=options.decisions)
    simple, _ = timed(spec=LAG_ONLY, history=200, measured=options.decisions)
    gc.enable()
    last = next(iter(turns(spec=SPEC, count=1, seed=7)))[0]
    bare = _median(lambda: bare_formula(last), times=2000)
    median = percentile(taken, rank=50)
    figures = [
        Figure(name="one decision, five entries, p50", value=median * 1e6, unit="us", goal=50),
        Figure(name="one decision, five entries, p99", value=percentile(taken, rank=99) * 1e6, unit="us"),
        Figure(name="10,000 decisions", value=sum(taken) * 10_000 / len(taken), unit="s", goal=0.5),
        Figure(name="one decision, one queue with lag, p50", value=percentile(simple, rank=50) * 1e6, unit="us"),
        Figure(name="memory per QueueConsumer", value=size(memory) / 1024, unit="KiB", goal=4),
        Figure(name="bare formula of the peer, five entries", value=bare * 1e6, unit="us"),
        Figure(name="one decision / bare formula", value=median / bare, unit="x"),
    ]
    report = Report(bench="decide", machine=Machine().facts(), versions=package_versions("msgspec"), figures=figures)
    publish(report, console=console)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.decide", description=__doc__)
    parser.add_argument("--decisions", type=int, default=10_000, help="that are timed (default: %(default)s)")
    parser.add_argument("--history", type=int, default=14_400, help="decisions before (default: an hour's)")
    options = parser.parse_args(arguments)
    if min(options.decisions, options.history) < 1:
        parser.error("--decisions and --history are 1 or more")
    return options


if __name__ == "__main__":
    sys.exit(main())
