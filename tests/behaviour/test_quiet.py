"""Where nothing happens nothing is written, whatever the object is doing meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from qc_operator.scaling.observation import Depth
from tests.behaviour.conftest import World
from tests.unit.operator.conftest import queue, totals, unknown

FIVE_MINUTES = 60


async def pass_time(world: World, polls: int, *, ready: int, lost: bool = False) -> None:
    """Read the queue once a second, and its unacknowledged messages every fifth."""
    for _ in range(polls):
        counted = totals(ready=ready, unacknowledged=0, at=world.clock.now + 1.0)
        for _ in range(5):
            world.clock.now += 1.0
            now = world.clock.now
            await world.see(unknown(at=now) if lost else queue(Depth(ready=ready, consumers=5, at=now), counted))


@pytest.mark.parametrize(
    ("ready", "replicas", "given", "limited"),
    [
        pytest.param(30, 5, {}, "none", id="as many as are needed"),
        pytest.param(0, 5, {"minReplicas": 3}, "min", id="a minimum"),
        pytest.param(300, 5, {"maxReplicas": 5}, "max", id="a maximum"),
        pytest.param(12, 5, {"mode": "Observe"}, "none", id="observing what others would be"),
        pytest.param(0, 5, {"mode": "Observe"}, "none", id="observing what could go to zero"),
        pytest.param(0, 5, {"behavior": {"scaleDown": {"selectPolicy": "Disabled"}}}, "downPolicy", id="never down"),
        pytest.param(30, 5, {"annotations": {"queueconsumer.dev/paused": "true"}}, "paused", id="paused"),
        pytest.param(3, 0, {"activateAbove": 5}, "none", id="too few to wake up"),
    ],
)
async def test_a_queue_in_which_nothing_happens_is_written_of_no_more(
    world: World, ready: int, replicas: int, given: dict[str, Any], limited: str
) -> None:
    world.target.replicas = replicas
    await world.apply(**given)
    await pass_time(world, FIVE_MINUTES, ready=ready)
    written = len(world.statuses)
    await pass_time(world, FIVE_MINUTES, ready=ready)

    assert written == len(world.statuses)
    assert limited == world.statuses[-1]["columns"]["limited"]
    assert "True" == world.condition("ScalingLimited")[0] or limited == "none"


@pytest.mark.parametrize(
    ("fallback", "limited", "reason"),
    [(None, "guard", "ReadingMissing"), ({"afterSeconds": 60, "replicas": 7}, "none", "NotLimited")],
    ids=["held", "fallen back"],
)
async def test_an_outage_is_written_of_once(
    world: World, fallback: dict[str, object] | None, limited: str, reason: str
) -> None:
    world.target.replicas = 5
    await world.apply(fallback=fallback)
    await pass_time(world, 1, ready=30)
    await pass_time(world, FIVE_MINUTES, ready=30, lost=True)
    written = len(world.statuses)
    await pass_time(world, FIVE_MINUTES, ready=30, lost=True)

    assert written == len(world.statuses)
    assert (limited, reason) == (world.statuses[-1]["columns"]["limited"], world.condition("ScalingLimited")[1])
