"""What is set up and measured on a broker: each scenario gives its figures as they are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bench import reader_figures as figures
from bench.reader_broker import Broker
from bench.reader_churn import churn
from bench.reader_comparison import DECLARE, GET, compare
from bench.reader_cost import cost
from bench.reader_delay import delays
from bench.reader_figures import AT_ZERO, CHEAPER, NONE, STEADY, Goals, twice
from bench.reader_scene import reading, sweeps
from bench.report import Figure, Missing
from tests.rabbitmq_vhost import Vhost

WAYS: Final = {DECLARE: ("a connection for each", CHEAPER), GET: ("GET /api/queues/V/N", None)}
VHOSTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured."""

    windows: int
    """Of `thousand`, whose medians are held against the strictest goals; the others have one."""
    seconds: float
    messages: int
    sweeps: int
    churn_seconds: float


Found = Iterator[Figure | Missing]
Scenario = Callable[[Broker, Effort], Found]


def thousand(broker: Broker, effort: Effort) -> Found:
    """1,000 classic queues in one vhost; then five QueueConsumers for each, and the other ways."""
    label = f"{broker.version}, 1000 classic queues"
    vhost = broker.vhost(queues=1000)
    alone = broker.rest()
    yield figures.idle_figure(label, alone)
    yield figures.sweep_figure(label, sweeps(vhost, queues=1000, times=effort.sweeps), AT_ZERO)
    with reading(broker, {"broker": vhost}, queues=1000, at_zero=False) as subject:
        steady = cost(broker, subject, idle=alone, count=effort.windows, seconds=effort.seconds)
        yield from figures.cost_figures(f"{label}, steady", steady, STEADY)
        subject.ask("at_zero", value=True)
        at_zero = cost(broker, subject, idle=alone, count=effort.windows, seconds=effort.seconds)
        yield from figures.cost_figures(f"{label}, at zero", at_zero, AT_ZERO)
        told = delays(subject, vhosts={"broker": vhost}, queues=1000, messages=effort.messages)
        yield from figures.delay_figures(f"{label}, at zero", told, AT_ZERO)
    with reading(broker, {"broker": vhost}, queues=1000, feeds=5, at_zero=False) as subject:
        five = cost(broker, subject, idle=alone, count=2, seconds=effort.seconds)
        yield from figures.sharing_figures(f"{label}, steady", one=steady, five=five)
    compared = compare(broker, vhost, queues=1000, alone=alone, rounds=effort.windows, seconds=effort.seconds)
    for way, other in compared.others.items():
        words, goal = WAYS[way]
        yield from figures.peer_figures(label, words, peer=other)
        yield from figures.ratio_figures(label, f"{words} / ours at zero", peer=other, ours=compared.ours, goal=goal)
        yield from figures.ratio_figures(label, f"{words} / ours when steady", peer=other, ours=steady, goal=None)


def many(broker: Broker, effort: Effort) -> Found:
    """5,000 classic queues in one vhost, its totals from the node's metrics."""
    label = f"{broker.version}, 5000 classic queues"
    vhost = broker.vhost(queues=5000)
    alone = broker.rest()
    yield figures.sweep_figure(label, sweeps(vhost, queues=5000, times=max(1, effort.sweeps // 2)), NONE)
    yield from _both_states(
        label,
        alone,
        broker,
        {"broker": vhost},
        effort,
        queues=5000,
        steady=twice(STEADY),
        at_zero=twice(AT_ZERO),
        node_metrics=True,
    )


def vhosts(broker: Broker, effort: Effort) -> Found:
    """10 vhosts with 100 classic queues each, so 10 connections."""
    label = f"{broker.version}, {VHOSTS} vhosts of 100 classic queues"
    made = {f"broker-{number}": broker.vhost(queues=100) for number in range(VHOSTS)}
    alone = broker.rest()
    yield from _both_states(label, alone, broker, made, effort, queues=100)


def quorum(broker: Broker, effort: Effort) -> Found:
    """1,000 quorum queues in one vhost."""
    label = f"{broker.version}, 1000 quorum queues"
    vhost = broker.vhost(queues=1000, queue_type="quorum")
    alone = broker.rest()
    yield from _both_states(label, alone, broker, {"broker": vhost}, effort, queues=1000)


def _both_states(
    label: str,
    alone: float,
    broker: Broker,
    vhosts: Mapping[str, Vhost],
    effort: Effort,
    *,
    queues: int,
    steady: Goals = NONE,
    at_zero: Goals = NONE,
    node_metrics: bool = False,
) -> Found:
    yield figures.idle_figure(label, alone)
    with reading(broker, vhosts, queues=queues, node_metrics=node_metrics, at_zero=False) as subject:
        for state, goals in (("steady", steady), ("at zero", at_zero)):
            subject.ask("at_zero", value=state == "at zero")
            taken = cost(broker, subject, idle=alone, count=1, seconds=effort.seconds)
            yield from figures.cost_figures(f"{label}, {state}", taken, goals)
        told = delays(subject, vhosts=vhosts, queues=queues, messages=effort.messages)
        yield from figures.delay_figures(f"{label}, at zero", told, at_zero)


def churning(broker: Broker, effort: Effort) -> Found:
    """Queues and passwords that come and go for a while."""
    yield from figures.churn_figures(f"{broker.version}, churn", churn(broker, seconds=effort.churn_seconds))


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "thousand": thousand,
    "vhosts": vhosts,
    "many": many,
    "quorum": quorum,
    "churn": churning,
}
