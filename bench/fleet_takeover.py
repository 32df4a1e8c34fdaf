"""A second process that stands by: what it takes, and how soon it writes when the first one is gone."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from bench.fleet_cluster import FleetCluster
from bench.fleet_objects import Member
from bench.fleet_operator import LEASE, Operator
from bench.fleet_reactions import until_asked
from bench.report import Figure

READY_WITHIN: Final = 120.0
DECIDED_WITHIN: Final = 180.0
SETTLE: Final = 40.0
"""Seconds after which what a start needs has been given back, and the collector has frozen what stays."""
TAKEN: Final = 45.0
"""Seconds for which a leader loses its Lease to nobody: enough to forget all that it led."""
KILLED: Final = 10.0
"""Seconds from a SIGKILL to the next one's first write: the 8 s of the Lease, and what it takes to read and decide."""
ENDED: Final = 2.0
"""The same for SIGTERM, at which the Lease is given back."""


async def take_over(
    cluster: FleetCluster,
    first: Operator,
    fleet: Sequence[Member],
    *,
    start: Callable[[], Awaitable[Operator]],
    resident: float | None,
    tell: Callable[[Figure], None],
) -> Operator:
    """Kill the first process, have the second lose its Lease and get it again, and end it; the third, which leads then.

    `resident` is the goal for memory in MiB.
    """
    one, other = random.Random(len(fleet)).sample(fleet, 2)  # noqa: S311 - no secret

    def memory(what: str, operator: Operator) -> None:
        tell(Figure(name=f"memory of {what}", value=operator.resident_mib(), unit="MiB", goal=resident))

    second = await _standby(start)
    memory("a standby", second)
    await _gone(cluster, first, second, fleet, one, how=signal.SIGKILL, goal=KILLED, tell=tell)
    await asyncio.sleep(SETTLE)
    memory("one that has taken over", second)
    await _take_lease(cluster)
    memory("a standby that has led", second)
    await cluster.call("PATCH", LEASE, {"spec": {"holderIdentity": "", "leaseDurationSeconds": 1}})
    await second.until_decided(len(fleet), within=DECIDED_WITHIN)
    third = await _standby(start)
    await _gone(cluster, second, third, fleet, other, how=signal.SIGTERM, goal=ENDED, tell=tell)
    return third


async def _standby(start: Callable[[], Awaitable[Operator]]) -> Operator:
    operator = await start()
    await operator.until_ready(within=READY_WITHIN)
    await asyncio.sleep(SETTLE)
    return operator


async def _gone(
    cluster: FleetCluster,
    leader: Operator,
    next_one: Operator,
    fleet: Sequence[Member],
    member: Member,
    *,
    how: signal.Signals,
    goal: float,
    tell: Callable[[Figure], None],
) -> None:
    """End the leader, and have a message wait for the next one."""
    cluster.forget()
    at = time.monotonic()
    leader.process.send_signal(how)
    await asyncio.to_thread(member.publish)
    asked = await until_asked(cluster, [member])
    tell(Figure(name=f"{how.name} -> the next one's first write", value=asked - at, unit="s", goal=goal))
    await next_one.until_decided(len(fleet), within=DECIDED_WITHIN)
    tell(Figure(name=f"{how.name} -> the next one has decided for all", value=time.monotonic() - at, unit="s"))
    await asyncio.to_thread(leader.process.wait)
    await asyncio.to_thread(member.purge)


async def _take_lease(cluster: FleetCluster) -> None:
    """Take the Lease in another name, for long enough."""
    seconds = int(TAKEN) + 30
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    taken = {"holderIdentity": "bench", "renewTime": now, "acquireTime": now, "leaseDurationSeconds": seconds}
    await cluster.call("PATCH", LEASE, {"spec": taken})
    await asyncio.sleep(TAKEN)
