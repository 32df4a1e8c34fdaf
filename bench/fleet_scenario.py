"""What is measured of a fleet, in this order: the start, rest, single messages, many queues at once, and churn."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.failure import BenchError
from bench.fleet_cluster import GROUP, FleetCluster
from bench.fleet_objects import MAX_REPLICAS, Member, at_zero_again, create, delete, publish
from bench.fleet_operator import Operator
from bench.percentiles import percentile
from bench.report import Figure

SEED: Final = 7
START_WITHIN: Final = 180.0
SETTLE: Final = 20.0
"""Seconds after the first decisions in which their statuses are written."""
APART: Final = 2.0
"""Seconds between two single messages at most: several intervals, at 10,000 queues, too."""
REACT_WITHIN: Final = 15.0
ZERO_WITHIN: Final = 150.0
"""Seconds: idleAfterSeconds is 60, and nothing goes down in the first 60 of a start."""
CHURN_EACH: Final = 5
"""Objects that come, go, change and get work in each second of churn."""
CHURN_FIRST: Final = 0.2
"""Share of the churn after which memory is compared: caches have filled by then."""
LEASES: Final = "leases"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """What is to be reached; None where there is no goal for this number of members."""

    cpu: float | None = None
    resident: float | None = None
    decided: float | None = None
    p50: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long and how often is measured."""

    seconds: float
    reactions: int
    at_once: int
    churn_seconds: float


async def scenario(
    cluster: FleetCluster, operator: Operator, fleet: Sequence[Member], *, effort: Effort, goals: Goals
) -> AsyncIterator[Figure]:
    """Measure one after the other."""
    name = f"{len(fleet):,}: "
    decided = await operator.until_decided(len(fleet), within=START_WITHIN)
    yield Figure(name=f"{name}start to first decision of all", value=decided, unit="s", goal=goals.decided)
    await asyncio.sleep(SETTLE)
    async for figure in _rest(cluster, operator, effort=effort, goals=goals):
        yield Figure(name=name + figure.name, value=figure.value, unit=figure.unit, goal=figure.goal)
    watching = asyncio.Event()
    watch = asyncio.create_task(cluster.watch_targets(watching=watching))
    try:
        await watching.wait()
        chance = random.Random(SEED)  # noqa: S311 - no secret
        chosen = chance.sample(fleet, effort.reactions + effort.at_once)
        times = []
        for member in chosen[: effort.reactions]:
            # Queues are read together, and the one before was: without it each message would just miss a reading.
            await asyncio.sleep(chance.uniform(0.0, APART))
            times.append(await _reaction(cluster, member))
        for rank, goal in ((50, goals.p50), (99, goals.p99)):
            value = percentile(times, rank=rank)
            yield Figure(name=f"{name}confirmed to replicas asked for, p{rank}", value=value, unit="ms", goal=goal)
        together = chosen[effort.reactions :]
        if together:
            value = await _all_at_once(cluster, together)
            goal = 2.0 if goals.p50 else None
            yield Figure(name=f"{name}{len(together)} queues wake together, the last", value=value, unit="s", goal=goal)
        await at_zero_again(cluster, chosen, within=ZERO_WITHIN)
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
    if effort.churn_seconds:
        grown = await _churn(cluster, operator, fleet, seconds=effort.churn_seconds)
        words = f"{name}memory grown over {effort.churn_seconds:.0f} s of churn"
        yield Figure(name=words, value=grown, unit="MiB")


async def _rest(cluster: FleetCluster, operator: Operator, *, effort: Effort, goals: Goals) -> AsyncIterator[Figure]:
    before, began, used = await cluster.requests(), time.monotonic(), operator.processor_seconds()
    await asyncio.sleep(effort.seconds)
    elapsed = time.monotonic() - began
    share = 100 * (operator.processor_seconds() - used) / elapsed
    after = await cluster.requests()
    yield Figure(name="operator at rest", value=share, unit="%", goal=goals.cpu)
    yield Figure(name="memory", value=operator.resident_mib(), unit="MiB", goal=goals.resident)
    yield Figure(name="requests at rest", value=_requests(before, after) / elapsed, unit="/s")


def _requests(before: Mapping[tuple[str, str], float], after: Mapping[tuple[str, str], float]) -> float:
    """How many were answered in between, without watches, which come and go, and the Lease's."""
    return sum(
        number - before.get(kind, 0.0)
        for kind, number in after.items()
        if kind[0] and kind[0] != LEASES and kind[1] != "WATCH"
    )


async def _reaction(cluster: FleetCluster, member: Member) -> float:
    """Milliseconds from the confirmation of a message until the API server shows that replicas are asked for."""
    cluster.forget()
    await asyncio.to_thread(member.publish)
    confirmed = time.monotonic()
    await _until_asked(cluster, [member])
    return 1000 * (cluster.asked_at[member.namespace, member.name] - confirmed)


async def _all_at_once(cluster: FleetCluster, members: Sequence[Member]) -> float:
    """Seconds from the first confirmation of a message for any of them until replicas are asked for for the last."""
    cluster.forget()
    by_vhost = sorted(members, key=lambda member: member.namespace)
    groups = [list(group) for _, group in itertools.groupby(by_vhost, key=lambda member: member.namespace)]
    began = time.monotonic()
    await asyncio.gather(*(asyncio.to_thread(publish, group) for group in groups))
    await _until_asked(cluster, members)
    return max(cluster.asked_at[member.namespace, member.name] for member in members) - began


async def _until_asked(cluster: FleetCluster, members: Sequence[Member]) -> None:
    waiting = {(member.namespace, member.name) for member in members}
    deadline = time.monotonic() + REACT_WITHIN
    while not waiting <= cluster.asked_at.keys():
        if time.monotonic() > deadline:
            late = sorted(waiting - cluster.asked_at.keys())
            raise BenchError(f"no replicas asked for within {REACT_WITHIN:.0f} s: {late[:5]} and {len(late)} in all")
        await asyncio.sleep(0.005)


async def _churn(cluster: FleetCluster, operator: Operator, fleet: Sequence[Member], *, seconds: float) -> float:
    """MiB that the operator has more at the end than after the first part of so many seconds of churn."""
    began, first = time.monotonic(), None
    members = itertools.cycle(fleet)
    for turn in itertools.count():
        for _ in range(CHURN_EACH):
            again, changed, woken = next(members), next(members), next(members)
            await delete(cluster, again)
            await create(cluster, again)
            path = f"{GROUP}/namespaces/{changed.namespace}/queueconsumers/{changed.name}"
            spec = changed.queue_consumer(max_replicas=MAX_REPLICAS + turn % 2)["spec"]
            await cluster.call("PATCH", path, {"spec": spec})
            await asyncio.to_thread(woken.publish)
            await asyncio.to_thread(woken.purge)
        elapsed = time.monotonic() - began
        if first is None and elapsed > CHURN_FIRST * seconds:
            first = operator.resident_mib()
        if elapsed > seconds and first is not None:
            return operator.resident_mib() - first
        await asyncio.sleep(max(0.0, turn + 1 - elapsed))
    raise AssertionError("itertools.count() has no end")
