"""Pods are read beside the turns: what is slow or forbidden there holds up neither a decision nor a write."""

from typing import Any

import pytest

from qc_operator.cluster.client import ApiError
from qc_operator.scaling.decision import Decision, decide
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.pods import Pods
from tests.behaviour.conftest import KEY, World, unavailable


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Pods | None]:
    """The pods that decisions were made with."""
    pods: list[Pods | None] = []

    def told(*, observation: Observation, **more: Any) -> Decision:
        pods.append(observation.pods)
        return decide(observation=observation, **more)

    monkeypatch.setattr("qc_operator.actuation.decide", told)
    return pods


async def test_a_list_that_never_ends_holds_up_nothing(world: World, seen: list[Pods | None]) -> None:
    await world.apply()
    await world.messages(30)
    await world.messages(95, after=1.0)
    await world.messages(195, after=5.0)

    assert [2, 5, 10] == world.target.writes
    assert 1 == world.pods.lists
    assert {None} == set(seen)


async def test_pods_that_were_read_are_decided_with_at_once(world: World, seen: list[Pods | None]) -> None:
    world.target.set(2)
    await world.apply()
    assert None is seen[-1]
    turns = len(seen)

    world.pods.open.set()
    await world.settle()

    assert turns + 1 == len(seen)
    assert world.pods.pods is seen[-1]


async def test_a_scale_up_is_followed_and_then_there_is_rest(world: World) -> None:
    world.pods.open.set()
    await world.apply()
    await world.messages(95)
    assert 0 == world.pods.lists

    world.pods.pods = Pods(ready=2, starting=(world.clock.now,) * 3, at=world.clock.now)
    for _ in range(4):
        await world.messages(95, after=1.0)
    assert 2 == world.pods.lists
    world.pods.pods = Pods(ready=5, at=world.clock.now)
    for _ in range(600):
        await world.messages(95, after=1.0)
    assert 3 == world.pods.lists


@pytest.mark.parametrize("error", [ApiError(status=403, reason="Forbidden", message="no"), unavailable()])
async def test_pods_that_cannot_be_read_hold_up_nothing(world: World, error: ApiError) -> None:
    world.pods.open.set()
    world.pods.pods = error
    await world.apply()
    await world.messages(95)
    for _ in range(30):
        await world.messages(195, after=1.0)

    assert [5, 10] == world.target.writes


async def test_observing_reads_pods_no_more_often(world: World) -> None:
    world.pods.open.set()
    world.target.set(2)
    world.pods.pods = Pods(ready=2, at=0.0)
    await world.apply(mode="Observe")
    for _ in range(600):
        await world.messages(95, after=1.0)

    assert ([], 1) == (world.target.writes, world.pods.lists)


async def test_a_changed_spec_reads_them_no_more_often(world: World) -> None:
    world.pods.open.set()
    world.target.set(2)
    world.pods.pods = Pods(ready=2, at=0.0)
    for generation in range(1, 9):
        await world.apply(generation=generation, maxReplicas=10 + generation)
        await world.messages(30, after=10.0)

    assert 1 == world.pods.lists


async def test_what_is_read_for_an_object_that_is_gone_wakes_nobody(world: World, seen: list[Pods | None]) -> None:
    world.target.set(2)
    await world.apply()
    turns = len(seen)
    world.reconciler.gone(KEY, uid="1")
    world.pods.open.set()
    await world.settle()

    assert turns == len(seen)
