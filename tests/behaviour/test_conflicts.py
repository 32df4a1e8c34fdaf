"""Somebody else scales the same target: one writes, the other says why it does not, and takes over when it may."""

from dataclasses import replace
from typing import Any

import pytest

from qc_operator.cluster.client import ApiError
from qc_operator.conflict import Rival
from qc_operator.registry import Key
from tests.behaviour.conftest import KEY, TARGET, World
from tests.unit.operator.conftest import body, known, totals

OLD = "receipts-of-old"
ARGO = "argocd-controller"


def other(world: World, *, generation: int = 1, deleted: bool = False, **spec: Any) -> None:
    """An older QueueConsumer on the same target, which another shard serves."""
    metadata: dict[str, Any] = {"namespace": KEY.namespace, "name": OLD, "uid": "0", "generation": generation}
    if deleted:
        metadata["deletionTimestamp"] = "2026-11-27T00:00:00Z"
    world.reconciler.seen({"metadata": metadata, "spec": body(**spec)})


def reasons(world: World) -> list[str]:
    return [reason for reason, _ in world.events]


async def undone(world: World, *, times: int) -> None:
    """A manifest with two replicas is applied after each of our writes."""
    for _ in range(times):
        await world.messages(95, after=6.0)
        world.target.set(2, by=ARGO)
    await world.messages(95, after=6.0)


async def test_of_two_queue_consumers_the_younger_one_decides_and_writes_nothing(world: World) -> None:
    other(world)
    await world.apply()
    await world.messages(95)

    assert [] == world.target.writes
    assert ("False", "Conflict") == world.condition("Ready")
    assert ("True", "MessagesReady") == world.condition("Active")
    assert 5 == world.statuses[-1]["desiredReplicas"]
    assert "history" not in world.statuses[-1]
    assert ["Conflict"] == reasons(world)
    assert world.events[0][1].startswith(f"QueueConsumer {OLD} scales Deployment receipts, because ")


async def test_it_takes_over_when_the_older_one_is_gone(world: World) -> None:
    other(world)
    await world.apply()
    await world.messages(95)
    world.reconciler.gone(Key(KEY.namespace, OLD), uid="0")
    await world.settle()

    assert [5] == world.target.writes
    assert ("True", "Scaling") == world.condition("Ready")
    assert ["Conflict", "Activated", "Recovered"] == reasons(world)


@pytest.mark.parametrize(
    "steps_aside", [{"deleted": True}, {"mode": "Observe"}, {"scaleTargetRef": {"name": "other"}}], ids=str
)
async def test_it_takes_over_when_the_older_one_steps_aside(world: World, steps_aside: dict[str, Any]) -> None:
    other(world)
    await world.apply()
    await world.messages(95)
    other(world, generation=2, **steps_aside)
    await world.settle()

    assert [5] == world.target.writes


async def test_an_older_one_that_turns_up_ends_our_writing_at_once(world: World) -> None:
    await world.apply()
    await world.messages(95)
    other(world)
    await world.settle()

    assert ("False", "Conflict") == world.condition("Ready")
    await world.messages(195)
    assert [5] == world.target.writes


async def test_an_autoscaler_on_the_target_ends_our_writing_and_its_end_begins_it_again(world: World) -> None:
    await world.apply()
    await world.messages(95)
    world.rival = Rival(autoscaler="receipts")
    world.reconciler.contested(TARGET)
    await world.settle()
    assert ("False", "Conflict") == world.condition("Ready")
    # What the autoscaler writes is its business.
    world.target.set(9, by="kube-controller-manager")
    await world.messages(95, after=6.0)
    assert ["Activated", "Conflict"] == reasons(world)

    world.rival = None
    world.reconciler.contested(TARGET)
    await world.settle()
    await world.messages(190, after=6.0)
    assert [5, 10] == world.target.writes
    assert ["Activated", "Conflict", "Recovered", "ScaledUp"] == reasons(world)
    assert ("True", "Scaling") == world.condition("Ready")


async def test_who_observes_has_no_conflict(world: World) -> None:
    other(world)
    world.rival = Rival(autoscaler="receipts")
    await world.apply(mode="Observe")
    await world.messages(95)

    assert ("True", "Observing") == world.condition("Ready")


async def test_a_number_set_by_hand_is_told_with_its_author_and_overridden_once(world: World) -> None:
    await world.apply()
    await world.messages(95)
    world.target.set(1)
    await world.messages(95, after=6.0)
    await world.messages(95, after=6.0)

    assert [5, 5] == world.target.writes
    assert ["Activated", "ScaledByHand", "ScaledUp"] == reasons(world)
    assert world.events[1][1].startswith("field manager kubectl set replicas from 5 to 1; the next decision sets them")


async def test_a_manifest_that_sets_replicas_again_and_again_is_not_fought(world: World) -> None:
    await world.apply()
    await undone(world, times=3)
    assert [5, 5, 5] == world.target.writes
    assert ("False", "Conflict") == world.condition("Ready")
    for _ in range(40):
        await world.messages(95, after=6.0)

    assert [5, 5, 5] == world.target.writes
    assert ["Activated", "ScaledByHand", "ScaledUp", "ScaledByHand", "ScaledUp", "Conflict"] == reasons(world)
    assert "field manager argocd-controller has changed replicas back 3 times, to 2 last;" in world.events[-1][1]


async def test_after_a_pause_it_is_tried_once_and_a_try_that_stands_ends_the_conflict(world: World) -> None:
    await world.apply()
    await undone(world, times=3)
    for _ in range(52):
        await world.messages(95, after=6.0)
    assert [5, 5, 5, 5] == world.target.writes
    assert ("False", "Conflict") == world.condition("Ready")
    for _ in range(20):
        await world.messages(95, after=6.0)

    assert [5, 5, 5, 5] == world.target.writes
    assert ("True", "Scaling") == world.condition("Ready")
    assert ["Conflict", "ScaledUp", "Recovered"] == reasons(world)[-3:]


async def test_a_change_of_the_object_has_it_tried_at_once(world: World) -> None:
    await world.apply()
    await undone(world, times=3)
    await world.apply(generation=2, idleAfterSeconds=30)
    await world.messages(95)

    assert [5, 5, 5, 5] == world.target.writes


async def test_a_target_that_was_created_again_is_no_foreign_write(world: World) -> None:
    await world.apply()
    await world.messages(95)
    gone = ApiError(status=404, reason="NotFound", message="not found")
    world.target.unreadable = gone
    await world.messages(95, after=6.0)
    world.target.unreadable = None
    world.target.uid = "another"
    world.target.set(1, by="kubectl-client-side-apply")
    await world.messages(95, after=6.0)

    assert [5, 5] == world.target.writes
    assert "ScaledByHand" not in reasons(world)


async def test_a_conflict_holds_up_no_memory_of_changes_that_were_not_made(world: World) -> None:
    policies = {"policies": [{"type": "Pods", "value": 4, "periodSeconds": 600}]}
    other(world)
    world.target.replicas = 1
    await world.apply(behavior={"scaleUp": policies})
    for _ in range(10):
        await world.messages(195, after=1.0)
    world.reconciler.gone(Key(KEY.namespace, OLD), uid="0")
    await world.settle()

    assert [5] == world.target.writes


async def test_replicas_raised_between_two_counts_are_told_once_it_is_known_that_fewer_do(world: World) -> None:
    await world.apply()
    await world.messages(20)
    for _ in range(70):
        await world.messages(20, after=1.0)
    world.target.set(9, by="kubectl")
    # The depth is read anew, the last count of all messages is 8 s old: the decision cannot say that fewer would do.
    stale = world.clock.now - 8.0
    depth = known(ready=20, unacknowledged=0, at=world.clock.now)
    await world.see(replace(depth, totals=totals(ready=20, unacknowledged=0, at=stale)), after=1.0)
    assert "ScaledByHand" not in reasons(world)

    await world.messages(20, after=1.0)
    assert 1 == reasons(world).count("ScaledByHand")


async def test_who_raises_replicas_again_and_again_is_told_each_time_whatever_the_age_of_the_count(
    world: World,
) -> None:
    await world.apply()
    await world.messages(20)
    for _ in range(70):
        await world.messages(20, after=1.0)
    # The depth is read each second, all messages are counted every five: he comes before, between and after.
    for age, told in ((0.0, 1), (2.0, 2), (4.0, 2)):
        world.target.set(9, by="kubectl")
        for second in range(5):
            counted = second + age >= 5.0
            at = world.clock.now + 1.0
            depth = known(ready=20, unacknowledged=0, at=at)
            old = totals(ready=20, unacknowledged=0, at=at if counted else at - second - age)
            await world.see(replace(depth, totals=old), after=1.0)
        await world.messages(20, after=1.0)
        assert told == reasons(world).count("ScaledByHand")

    assert ("False", "Conflict") == world.condition("Ready")
    assert 9 == world.target.replicas
