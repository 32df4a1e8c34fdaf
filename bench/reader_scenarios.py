"""What is set up and measured on a broker, one scenario after the other; each gives its figures as they are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bench import reader_figures as figures
from bench.reader_broker import Broker
from bench.reader_churn import churn
from bench.reader_cost import Cost, cost, idle
from bench.reader_delay import delays
from bench.reader_figures import AT_ZERO, CHEAPER, NONE, STEADY, Goals, twice
from bench.reader_scene import peer, reading, sweeps
from bench.report import Figure, Missing
from tests.rabbitmq_vhost import Vhost

PEER_QUEUES = 200
"""Of the thousand: a connection for each of them all would take long to open and change nothing per read."""
VHOSTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured."""

    windows: int
    seconds: float
    messages: int
    sweeps: int
    churn_seconds: float


Scenario = Callable[[Broker, Effort], Iterator[Figure | Missing]]


def thousand(broker: Broker, effort: Effort) -> Iterator[Figure | Missing]:
    """1,000 classic queues in one vhost; then five QueueConsumers for each, and the other ways."""
    label = f"{broker.version}, 1000 classic queues"
    with broker.vhost(queues=1000) as vhost:
        alone = idle(broker, count=effort.windows, seconds=effort.seconds)
        yield figures.idle_figure(label, alone)
        yield figures.sweep_figure(label, sweeps(vhost, queues=1000, times=effort.sweeps), AT_ZERO)
        with reading(broker, {"broker": vhost}, queues=1000) as subject:
            at_zero = cost(broker, subject, idle=alone, count=effort.windows, seconds=effort.seconds)
            yield from figures.cost_figures(f"{label}, at zero", at_zero, AT_ZERO)
            told = delays(subject, vhosts={"broker": vhost}, queues=1000, messages=effort.messages)
            yield from figures.delay_figures(f"{label}, at zero", told, AT_ZERO)
        steady = _steady(broker, {"broker": vhost}, effort, alone=alone)
        yield from figures.cost_figures(f"{label}, steady", steady, STEADY)
        five = _steady(broker, {"broker": vhost}, effort, alone=alone, feeds=5)
        yield from figures.rate_figures(f"{label}, steady, 5 QueueConsumers each", five)
        yield from figures.sharing_figures(f"{label}, steady", one=steady, five=five)
        for way, words, goal in (
            ("declare", "a connection for each", CHEAPER),
            ("get", "GET /api/queues/V/N", None),
        ):
            other = peer(
                broker, vhost, way=way, queues=PEER_QUEUES, idle=alone, count=effort.windows, seconds=effort.seconds
            )
            yield from figures.peer_figures(label, words, peer=other, ours=at_zero, goal=goal)


def _steady(
    broker: Broker,
    vhosts: Mapping[str, Vhost],
    effort: Effort,
    *,
    alone: float,
    queues: int = 1000,
    feeds: int = 1,
    node_metrics: bool = False,
) -> Cost:
    """No target is at zero and no queue is moving, for which none may have had a message lately."""
    with reading(broker, vhosts, queues=queues, feeds=feeds, node_metrics=node_metrics) as subject:
        subject.ask("at_zero", value=False)
        return cost(broker, subject, idle=alone, count=effort.windows, seconds=effort.seconds)


def many(broker: Broker, effort: Effort) -> Iterator[Figure | Missing]:
    """5,000 classic queues in one vhost."""
    label = f"{broker.version}, 5000 classic queues"
    with broker.vhost(queues=5000) as vhost:
        yield figures.sweep_figure(label, sweeps(vhost, queues=5000, times=effort.sweeps), NONE)
        yield from _both_states(
            label, broker, {"broker": vhost}, effort, queues=5000, zero=twice(AT_ZERO), node_metrics=True
        )


def vhosts(broker: Broker, effort: Effort) -> Iterator[Figure | Missing]:
    """10 vhosts with 100 classic queues each, so 10 connections."""
    label = f"{broker.version}, {VHOSTS} vhosts of 100 classic queues"
    with broker.vhosts(VHOSTS, queues=100) as made:
        named = {f"broker-{number}": vhost for number, vhost in enumerate(made)}
        yield from _both_states(label, broker, named, effort, queues=100, zero=NONE)


def quorum(broker: Broker, effort: Effort) -> Iterator[Figure | Missing]:
    """1,000 quorum queues in one vhost."""
    label = f"{broker.version}, 1000 quorum queues"
    with broker.vhost(queues=1000, queue_type="quorum") as vhost:
        yield from _both_states(label, broker, {"broker": vhost}, effort, queues=1000, zero=NONE)


def _both_states(
    label: str,
    broker: Broker,
    vhosts: Mapping[str, Vhost],
    effort: Effort,
    *,
    queues: int,
    zero: Goals,
    node_metrics: bool = False,
) -> Iterator[Figure | Missing]:
    alone = idle(broker, count=effort.windows, seconds=effort.seconds)
    yield figures.idle_figure(label, alone)
    steady = _steady(broker, vhosts, effort, alone=alone, queues=queues, node_metrics=node_metrics)
    yield from figures.cost_figures(f"{label}, steady", steady, twice(STEADY) if zero is not NONE else NONE)
    with reading(broker, vhosts, queues=queues, node_metrics=node_metrics) as subject:
        at_zero = cost(broker, subject, idle=alone, count=effort.windows, seconds=effort.seconds)
        yield from figures.cost_figures(f"{label}, at zero", at_zero, zero)
        told = delays(subject, vhosts=vhosts, queues=queues, messages=effort.messages)
        yield from figures.delay_figures(f"{label}, at zero", told, zero)


def churning(broker: Broker, effort: Effort) -> Iterator[Figure | Missing]:
    """Queues and passwords that come and go for a while."""
    yield from figures.churn_figures(f"{broker.version}, churn", churn(broker, seconds=effort.churn_seconds))


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "thousand": thousand,
    "vhosts": vhosts,
    "many": many,
    "quorum": quorum,
    "churn": churning,
}
