"""Twenty times SIGKILL while replicas go up: five in each of four shards, each with a leader and one that stands by."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from qc_operator.sharding import Shard
from tests.chaos.operator_process import OperatorProcess
from tests.chaos.plane import OPERATORS, until
from tests.chaos.scene import LEASE, Scene
from tests.told_figures import Say

SHARDS = 4
KILLS = 5
"""In each shard."""
SEED = 20261127


@dataclass(kw_only=True)
class Pair:
    """The two processes of a shard."""

    shard: Shard
    processes: list[OperatorProcess]
    chance: random.Random
    due: float = 0.0
    kills: int = 0

    def kill_one(self) -> None:
        """Kill the leader, mostly, and start it again as the kubelet does."""
        leading = [process for process in self.processes if process.leading] or self.processes
        others = [process for process in self.processes if process not in leading] or self.processes
        chosen = self.chance.choice(leading if self.chance.random() < 0.8 else others)
        chosen.kill()
        chosen.start()
        self.kills += 1
        # Around the time at which the other one takes over: 5 to 10 s.
        self.due = time.monotonic() + self.chance.uniform(3, 12)


@pytest.fixture(scope="module")
def pairs(scene: Scene) -> Iterator[list[Pair]]:
    with ExitStack() as stack:
        made = []
        for index in range(1, SHARDS + 1):
            shard = Shard(index=index, count=SHARDS)
            scene.plane.free_lease(shard.lease(LEASE))
            processes = [
                stack.enter_context(scene.operator(user, environment={"QC_SHARD": f"{index}/{SHARDS}"}))
                for user in OPERATORS
            ]
            made.append(Pair(shard=shard, processes=processes, chance=_chance(SEED + index)))
        for pair in made:
            for process in pair.processes:
                process.until_ready(within=60)
        yield made


def test_20_kills_during_a_scaling_run(scene: Scene, pairs: list[Pair], say: Say) -> None:
    chance = _chance(SEED)
    scene.until_well(within=30)
    began, log = time.monotonic(), len(scene.plane.events())
    before = {member.name: member.replicas or 0 for member in scene.members}
    growing = [member for member in scene.members if not member.keeps]
    for pair in pairs:
        pair.due = began + chance.uniform(0, 6)
    while any(pair.kills < KILLS for pair in pairs):
        chance.choice(growing).publish(chance.randint(1, 7))
        for pair in pairs:
            if pair.kills < KILLS and time.monotonic() >= pair.due:
                pair.kill_one()
        time.sleep(0.3)
    say(f"{KILLS * SHARDS} kills in all, which took", time.monotonic() - began)
    say("last SIGKILL, until replicas are what the queues want", scene.until_well(within=20))
    writes = scene.writes(since=log)
    for pair in pairs:
        owned = {member.name for member in scene.members if pair.shard.owns(member.namespace, member.name)}
        assert [] == writes.unrightful(pair.shard.lease(LEASE), among=owned)
    for member in scene.members:
        numbers = [before[member.name], *writes.numbers(member.name)]
        assert sorted(numbers) == numbers, f"{member.name} went down while its queue grew"
    assert set(OPERATORS) <= set(writes.turns())

    assert [] == scene.unwanted(since=log)
    for member in growing:
        member.purge()
        member.wants.append((time.time(), 0))
    scene.load()
    until(lambda: not scene.wrong(), within=45, what=lambda: "; ".join(scene.wrong()))


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same each time, on purpose
