"""How soon replicas are asked for: one message at a time, and many queues at once."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Sequence
from typing import Final

from bench.failure import BenchError
from bench.fleet_cluster import FleetCluster
from bench.fleet_objects import Member, publish

APART: Final = 2.0
"""Seconds between two single messages at most: several intervals, at 10,000 queues, too."""
REACT_WITHIN: Final = 60.0


def gaps(number: int, *, chance: random.Random) -> list[float]:
    """Seconds to wait before each of so many messages: one from each of as many equal parts of `APART`, in no order.

    Queues are read together, and the message before was seen in such a reading: without a gap each would just miss
    one. With gaps by chance alone the median of 50 is 20 ms too high or too low as often as not.
    """
    found = [APART * (part + chance.random()) / number for part in range(number)]
    chance.shuffle(found)
    return found


async def reaction(cluster: FleetCluster, member: Member) -> float:
    """Milliseconds from the confirmation of a message until the API server shows that replicas are asked for."""
    cluster.forget()
    await asyncio.to_thread(member.publish)
    confirmed = time.monotonic()
    return 1000 * (await until_asked(cluster, [member]) - confirmed)


async def all_at_once(cluster: FleetCluster, members: Sequence[Member]) -> float:
    """Seconds from the first confirmation of a message for any of them until replicas are asked for for the last."""
    cluster.forget()
    by_vhost = sorted(members, key=lambda member: member.namespace)
    groups = [list(group) for _, group in itertools.groupby(by_vhost, key=lambda member: member.namespace)]
    began = time.monotonic()
    await asyncio.gather(*(asyncio.to_thread(publish, group) for group in groups))
    return await until_asked(cluster, members) - began


async def until_asked(cluster: FleetCluster, members: Sequence[Member]) -> float:
    """Wait until replicas were asked for for all; when that was for the last one, on the monotonic clock."""
    waiting = {(member.namespace, member.name) for member in members}
    deadline = time.monotonic() + REACT_WITHIN
    while not waiting <= cluster.asked_at.keys():
        if time.monotonic() > deadline:
            late = sorted(waiting - cluster.asked_at.keys())
            raise BenchError(f"no replicas asked for within {REACT_WITHIN:.0f} s: {late[:5]} and {len(late)} in all")
        await asyncio.sleep(0.005)
    return max(cluster.asked_at[name] for name in waiting)
