"""What is measured of a fleet, in this order: start, rest, single messages, many queues at once, take-over, churn."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.fleet_churn import churn
from bench.fleet_cluster import FleetCluster
from bench.fleet_objects import Member, at_zero_again
from bench.fleet_operator import Operator
from bench.fleet_reactions import all_at_once, gaps, reaction
from bench.fleet_takeover import take_over
from bench.percentiles import percentile
from bench.reader_broker import Broker
from bench.report import Figure

SEED: Final = 7
START_WITHIN: Final = 180.0
SETTLE_WITHIN: Final = 180.0
"""Seconds after the first decisions in which their statuses are written, 16 at a time."""
CALM: Final = 5.0
"""Requests per second below which they all are."""
ZERO_WITHIN: Final = 300.0
"""Seconds: idleAfterSeconds is 60, and nothing goes down in the first 60 of a start."""
LEASES: Final = "leases"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """What is to be reached; None where there is no goal for this number of members."""

    cpu: float | None = None
    resident: float | None = None
    decided: float | None = None
    p50: float | None = None
    p99: float | None = None
    together: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long and how often is measured."""

    seconds: float
    reactions: int
    at_once: int
    take_over: bool
    churn_seconds: float


async def scenario(
    cluster: FleetCluster,
    broker: Broker,
    fleet: Sequence[Member],
    *,
    start: Callable[[], Awaitable[Operator]],
    effort: Effort,
    goals: Goals,
    tell: Callable[[Figure], None],
) -> None:
    """Measure one after the other. `start` starts a process; whoever gave it ends them all."""
    operator = await start()
    decided = await operator.until_decided(len(fleet), within=START_WITHIN)
    tell(Figure(name="start to first decision of all", value=decided, unit="s", goal=goals.decided))
    await _settled(cluster)
    async with _watching(cluster):
        with operator.scraped():
            await _rest(cluster, broker, operator, seconds=effort.seconds, goals=goals, tell=tell)
            await _reactions(cluster, fleet, effort=effort, goals=goals, tell=tell)
        tell(Figure(name="a scrape of all metrics, the slowest", value=max(operator.scrapes), unit="s"))
        if effort.take_over:
            operator = await take_over(cluster, operator, fleet, start=start, resident=goals.resident, tell=tell)
        if effort.churn_seconds:
            tell(await churn(cluster, operator, fleet, seconds=effort.churn_seconds))


async def _settled(cluster: FleetCluster) -> None:
    """Wait until what follows the first decisions has been written."""
    deadline, after = time.monotonic() + SETTLE_WITHIN, await cluster.requests()
    while time.monotonic() < deadline:
        began, before = time.monotonic(), after
        await asyncio.sleep(10)
        after = await cluster.requests()
        if _requests(before, after) / (time.monotonic() - began) < CALM:
            return


async def _rest(
    cluster: FleetCluster,
    broker: Broker,
    operator: Operator,
    *,
    seconds: float,
    goals: Goals,
    tell: Callable[[Figure], None],
) -> None:
    began, before = time.monotonic(), await cluster.requests()
    used, brokers = operator.processor_seconds(), broker.processor_seconds()
    await asyncio.sleep(seconds)
    used, brokers = operator.processor_seconds() - used, broker.processor_seconds() - brokers
    elapsed, after = time.monotonic() - began, await cluster.requests()
    tell(Figure(name="operator at rest", value=100 * used / elapsed, unit="%", goal=goals.cpu))
    tell(Figure(name="broker at rest", value=100 * brokers / elapsed, unit="%"))
    tell(Figure(name="memory", value=operator.resident_mib(), unit="MiB", goal=goals.resident))
    tell(Figure(name="requests at rest", value=_requests(before, after) / elapsed, unit="/s"))


def _requests(before: Mapping[tuple[str, str], float], after: Mapping[tuple[str, str], float]) -> float:
    """How many were answered in between, without watches, which come and go, and the Lease's."""
    return sum(
        number - before.get(kind, 0.0)
        for kind, number in after.items()
        if kind[0] and kind[0] != LEASES and kind[1] != "WATCH"
    )


async def _reactions(
    cluster: FleetCluster,
    fleet: Sequence[Member],
    *,
    effort: Effort,
    goals: Goals,
    tell: Callable[[Figure], None],
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - no secret
    chosen = chance.sample(fleet, effort.reactions + effort.at_once)
    times = []
    for member, gap in zip(chosen, gaps(effort.reactions, chance=chance), strict=False):
        await asyncio.sleep(gap)
        times.append(await reaction(cluster, member))
    for rank, goal in ((50, goals.p50), (99, goals.p99)):
        value = percentile(times, rank=rank)
        tell(Figure(name=f"confirmed to replicas asked for, p{rank}", value=value, unit="ms", goal=goal))
    together = chosen[effort.reactions :]
    if together:
        value = await all_at_once(cluster, together)
        name = f"{len(together)} queues wake together, the last"
        tell(Figure(name=name, value=value, unit="s", goal=goals.together))
    await at_zero_again(cluster, chosen, within=ZERO_WITHIN)


@contextlib.asynccontextmanager
async def _watching(cluster: FleetCluster) -> AsyncIterator[None]:
    """Have the cluster note for the block when replicas are asked for."""
    watching = asyncio.Event()
    watch = asyncio.create_task(cluster.watch_targets(watching=watching))
    try:
        await watching.wait()
        yield
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
