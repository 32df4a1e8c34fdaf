"""From what was measured to figures: what `make bench-reader` reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.percentiles import percentile
from bench.reader_churn import Churn
from bench.reader_cost import Cost
from bench.report import Figure, Missing

RANKS = (50, 99)
INDEPENDENT = 1.2
"""At most so many times the requests with five QueueConsumers per queue: would they count, it were 5. In half a minute
there are a dozen requests, of which chance adds or takes one."""
GROWTH_MIB = 2.0
"""Python's pools come and go by that much without anything being kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """The most that may be; those that are None are not set."""

    broker: float | None = None
    """Percent of a core."""
    reader: float | None = None
    delay_ms: tuple[float, float] | None = None
    """At the 50th and the 99th percentile."""
    sweep_ms: float | None = None


STEADY = Goals(broker=5, reader=10)
AT_ZERO = Goals(broker=15, reader=15, delay_ms=(130, 300), sweep_ms=50)
NONE = Goals()
CHEAPER = 8.0
"""The least ratio of what KEDA's way takes per read, on both sides."""


def twice(goals: Goals) -> Goals:
    """Twice as much of everything."""
    return Goals(
        broker=_twice(goals.broker),
        reader=_twice(goals.reader),
        delay_ms=None if goals.delay_ms is None else (2 * goals.delay_ms[0], 2 * goals.delay_ms[1]),
        sweep_ms=_twice(goals.sweep_ms),
    )


def _twice(goal: float | None) -> float | None:
    return None if goal is None else 2 * goal


def idle_figure(label: str, percent: float) -> Figure:
    """What the broker takes while nobody reads."""
    return Figure(name=f"{label}, nobody reads: broker CPU", value=percent, unit="%")


def cost_figures(label: str, cost: Cost, goals: Goals) -> list[Figure]:
    """Processor time of both sides, and what was done for it."""
    return [
        Figure(name=f"{label}: broker CPU", value=cost.broker, unit="%", goal=goals.broker),
        Figure(name=f"{label}: operator CPU", value=cost.reader, unit="%", goal=goals.reader),
        Figure(name=f"{label}: broker CPU per read, less idle", value=cost.broker_per_read, unit="us"),
        Figure(name=f"{label}: operator CPU per read", value=cost.reader_per_read, unit="us"),
        *_rate_figures(label, cost),
    ]


def _rate_figures(label: str, cost: Cost) -> list[Figure]:
    """How much is asked of the broker."""
    return [
        Figure(name=f"{label}: declares per second", value=cost.reads_per_second, unit="1/s"),
        Figure(name=f"{label}: HTTP requests per minute", value=cost.requests_per_minute, unit="1/min"),
    ]


def delay_figures(label: str, seconds: Sequence[float], goals: Goals) -> list[Figure]:
    """From a confirmed message to the call with its reading."""
    return [
        Figure(
            name=f"{label}: message confirmed -> told, p{rank}",
            value=1000 * percentile(seconds, rank=rank),
            unit="ms",
            goal=goal,
        )
        for rank, goal in zip(RANKS, goals.delay_ms or (None, None), strict=True)
    ]


def sweep_figure(label: str, seconds: Sequence[float], goals: Goals) -> Figure:
    """All queues due at once, until the last is read."""
    value = 1000 * median(seconds)
    return Figure(name=f"{label}: a sweep of all, median", value=value, unit="ms", goal=goals.sweep_ms)


def sharing_figures(label: str, *, one: Cost, five: Cost) -> list[Figure | Missing]:
    """What five QueueConsumers per queue ask for, also as a multiple of what one does."""
    five_label = f"{label}, 5 QueueConsumers per queue"
    found: list[Figure | Missing] = [*_rate_figures(five_label, five)]
    for name, more, less in (
        ("declares", five.reads_per_second, one.reads_per_second),
        ("HTTP requests", five.requests_per_minute, one.requests_per_minute),
    ):
        if less:
            value = more / less
            found.append(Figure(name=f"{five_label} / 1: {name}", value=value, unit="x", goal=INDEPENDENT))
        else:
            found.append(Missing(name=f"{five_label} / 1: {name}", reason="there were none with one"))
    return found


def peer_figures(label: str, way: str, *, peer: Cost) -> list[Figure]:
    """What another way takes per read."""
    return [
        Figure(name=f"{label}, {way}: broker CPU per read, less idle", value=peer.broker_per_read, unit="us"),
        Figure(name=f"{label}, {way}: client CPU per read", value=peer.reader_per_read, unit="us"),
    ]


def ratio_figures(label: str, what: str, *, peer: Cost, ours: Cost, goal: float | None) -> list[Figure | Missing]:
    """How many times ours another way takes per read."""
    found: list[Figure | Missing] = []
    for side, theirs, own in (
        ("broker", peer.broker_per_read, ours.broker_per_read),
        ("client", peer.reader_per_read, ours.reader_per_read),
    ):
        name = f"{label}, {what}: {side} CPU per read"
        if own:
            found.append(Figure(name=name, value=theirs / own, unit="x", goal=goal, better="more"))
        else:
            found.append(Missing(name=name, reason="the broker took no more than when idle"))
    return found


def churn_figures(label: str, churn: Churn) -> list[Figure]:
    """What is there in the last quarter more than in the second one, and what stays when all is closed."""
    resident = (churn.late("resident_kib") - churn.early("resident_kib")) / 1024
    label = f"{label}, {churn.queues} queues and {churn.passwords} passwords in {churn.seconds:.0f} s"
    figures = [
        Figure(name=f"{label}: resident at first", value=churn.early("resident_kib") / 1024, unit="MiB"),
        Figure(name=f"{label}: growth of resident", value=resident, unit="MiB", goal=GROWTH_MIB),
    ]
    for name, words in (("amqp_connections", "AMQP connections"), ("tasks", "tasks"), ("files", "open files")):
        figures.append(Figure(name=f"{label}: {words} at first", value=churn.early(name), unit=""))
        grown = churn.late(name) - churn.early(name)
        figures.append(Figure(name=f"{label}: growth of {words}", value=grown, unit="", goal=0))
    connections = churn.closed["amqp_connections"]
    figures.append(Figure(name=f"{label}: AMQP connections when all is closed", value=connections, unit="", goal=0))
    return figures
