"""What changes while a request is waited for counts: nothing is written by the spec of a moment ago."""

import asyncio
from typing import Any

import pytest

from qc_operator.cluster import Scale
from qc_operator.resource import ScaleTargetRef
from tests.behaviour.conftest import World, unavailable


@pytest.mark.parametrize(
    "change",
    [
        {"scaleTargetRef": {"name": "other"}},
        {"mode": "Observe"},
        {"annotations": {"queueconsumer.dev/paused": "true"}},
        {"maxReplicas": 3},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_a_turn_under_way_does_not_write_what_was_superseded(
    world: World, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    await world.apply()
    read, answered, asked = world.target.read, asyncio.Event(), list[tuple[str, int]]()
    write = world.target.write

    async def slow(*, namespace: str, target: ScaleTargetRef) -> Scale:
        await answered.wait()
        return await read(namespace=namespace, target=target)

    async def noted(*, namespace: str, target: ScaleTargetRef, replicas: int, resource_version: str) -> Scale:
        asked.append((target.name, replicas))
        return await write(namespace=namespace, target=target, replicas=replicas, resource_version=resource_version)

    monkeypatch.setattr(world.target, "read", slow)
    monkeypatch.setattr(world.target, "write", noted)
    world.clock.now += 10.0
    await world.messages(95)
    await world.apply(generation=2, **change)
    answered.set()
    await world.settle()

    assert ("receipts", 5) not in asked


async def test_what_somebody_else_has_set_is_told_though_the_turn_that_saw_it_came_to_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.apply()
    await world.messages(95)
    write, tries = world.target.write, list[int]()

    async def failing(*, namespace: str, target: ScaleTargetRef, replicas: int, resource_version: str) -> Scale:
        tries.append(replicas)
        if len(tries) == 1:
            raise unavailable()
        return await write(namespace=namespace, target=target, replicas=replicas, resource_version=resource_version)

    monkeypatch.setattr(world.target, "write", failing)
    world.target.set(2)
    await world.messages(95, after=6.0)
    assert ([5], ["Activated"]) == (tries, [reason for reason, _ in world.events])

    await world.messages(95, after=6.0)

    assert ([5, 5], ["Activated", "ScaledByHand", "ScaledUp"]) == (tries, [reason for reason, _ in world.events])
    assert world.events[1][1].startswith("field manager kubectl set replicas from 5 to 2; ")
