"""Churn: objects come, go and change, and queues get work; does the memory of the operator grow meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Sequence
from typing import Final

from bench.fleet_cluster import GROUP, FleetCluster
from bench.fleet_objects import MAX_REPLICAS, Member, create, delete
from bench.fleet_operator import Operator
from bench.report import Figure

EACH: Final = 5
"""Objects that come, go, change and get work in each second."""
LONG: Final = 1800.0
"""Seconds that the goal is for."""
GROWN: Final = 10.0
"""MiB."""
PART: Final = 0.1
"""Of the time, over which memory is averaged at the end, and after the first such part, when caches have filled."""


async def churn(cluster: FleetCluster, operator: Operator, fleet: Sequence[Member], *, seconds: float) -> Figure:
    """Churn for so many seconds; the MiB that the operator has more at the end than after the first part."""
    began, samples = time.monotonic(), list[tuple[float, float]]()
    members, working = itertools.cycle(fleet), list[Member]()
    for turn in itertools.count():
        for _ in range(EACH):
            again, changed = next(members), next(members)
            await delete(cluster, again)
            await create(cluster, again)
            path = f"{GROUP}/namespaces/{changed.namespace}/queueconsumers/{changed.name}"
            spec = changed.queue_consumer(max_replicas=MAX_REPLICAS + turn % 2)["spec"]
            await cluster.call("PATCH", path, {"spec": spec})
        for member in working:
            await asyncio.to_thread(member.purge)
        # For a second, in which their targets get replicas; a minute later they are at zero again.
        working = [next(members) for _ in range(EACH)]
        for member in working:
            await asyncio.to_thread(member.publish)
        elapsed = time.monotonic() - began
        samples.append((elapsed, operator.resident_mib()))
        if elapsed > seconds:
            break
        await asyncio.sleep(max(0.0, turn + 1 - elapsed))
    for member in working:
        await asyncio.to_thread(member.purge)
    return churn_figure(samples, seconds=seconds)


def churn_figure(samples: Sequence[tuple[float, float]], *, seconds: float) -> Figure:
    """What becomes of samples, each of seconds since the start and MiB. It says how long it was."""
    name = f"memory grown over {seconds:,.0f} s of churn"
    if seconds < LONG:
        name += f", where the goal is for {LONG:,.0f}"
    return Figure(name=name, value=grown(samples), unit="MiB", goal=GROWN)


def grown(samples: Sequence[tuple[float, float]]) -> float:
    """By how much the second of each pair grows from the second tenth of the time to the last one."""
    whole = samples[-1][0]
    first = [value for at, value in samples if PART * whole <= at <= 2 * PART * whole]
    last = [value for at, value in samples if at >= (1 - PART) * whole]
    return statistics.median(last) - statistics.median(first or [samples[0][1]])
