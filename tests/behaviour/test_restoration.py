"""`restoreReplicasOnDelete: Original`: the target's replicas are given back when the object is deleted."""

import asyncio

import pytest
from prometheus_client import generate_latest

from qc_operator.cluster.client import ApiError
from qc_operator.registry import FINALIZER
from qc_operator.scaling.observation import Unknown
from tests.behaviour.conftest import KEY, World, conflict, unavailable
from tests.unit.operator.conftest import queue

HELD = (FINALIZER, "example.com/other")


def finalizers(world: World) -> list[str]:
    held: list[str] = world.finalizers.body["metadata"]["finalizers"]
    return held


async def scaled_and_deleted(world: World) -> None:
    """Two replicas, five by the queue, then somebody deletes the object."""
    world.target.replicas = 2
    await world.apply(restoreReplicasOnDelete="Original", finalizers=HELD[1:])
    await world.messages(95)
    await world.apply(restoreReplicasOnDelete="Original", finalizers=HELD, deleted=True, status={"originalReplicas": 2})


async def test_the_number_is_in_the_status_and_the_finalizer_on_the_object_before_anything_is_written(
    world: World,
) -> None:
    world.target.replicas = 2
    await world.apply(restoreReplicasOnDelete="Original")

    assert ([{"originalReplicas": 2}], [FINALIZER]) == (world.statuses[:1], finalizers(world))
    assert [] == world.target.writes


async def test_an_object_that_keeps_its_replicas_has_no_finalizer(world: World) -> None:
    await world.apply()
    await world.messages(95)

    assert ([], [5]) == (finalizers(world), world.target.writes)


async def test_a_deleted_object_gives_its_target_the_replicas_back_and_goes(world: World) -> None:
    await scaled_and_deleted(world)

    assert ([5, 2], [HELD[1]]) == (world.target.writes, finalizers(world))
    assert ("Restored", "5 -> 2 replicas, Restored: as many as before this QueueConsumer") == world.events[-1]
    assert world.feeds[0].closed

    world.reconciler.gone(KEY, uid="1")
    await world.settle()
    # That it was restored is counted, and its series ends with it all the same.
    assert b"receipts" not in generate_latest(world.metrics.registry)


async def test_a_write_that_meets_another_is_repeated(world: World) -> None:
    world.target.replicas = 2
    await world.apply(restoreReplicasOnDelete="Original")
    await world.messages(95)
    world.target.troubles = [(conflict(), lambda: world.target.set(7))]
    await world.apply(restoreReplicasOnDelete="Original", finalizers=HELD, deleted=True, status={"originalReplicas": 2})

    assert ([5, 2], [HELD[1]]) == (world.target.writes, finalizers(world))


async def test_what_the_api_server_refuses_for_good_does_not_hold_the_object(world: World) -> None:
    world.target.unreadable = ApiError(status=403, reason="Forbidden", message="no patch on deployments/scale")
    await world.apply(restoreReplicasOnDelete="Original", finalizers=HELD, deleted=True, status={"originalReplicas": 2})

    assert [HELD[1]] == finalizers(world)
    assert ("RestoreFailed", "the replicas of its target were not restored: no patch on deployments/scale") == (
        world.events[-1]
    )


async def test_a_target_that_is_gone_too_needs_nothing(world: World) -> None:
    world.target.unreadable = ApiError(status=404, reason="NotFound", message="deployments receipts not found")
    await world.apply(restoreReplicasOnDelete="Original", finalizers=HELD, deleted=True, status={"originalReplicas": 2})

    assert ([HELD[1]], []) == (finalizers(world), world.events)


async def test_an_api_server_that_is_away_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qc_operator.restoration.RETRY_FIRST", 0.01)
    world.finalizers.trouble = unavailable()
    world.target.replicas = 5
    await world.apply(restoreReplicasOnDelete="Original", finalizers=HELD, deleted=True, status={"originalReplicas": 2})
    assert ([], list(HELD)) == (world.target.writes, finalizers(world))
    world.finalizers.trouble = None

    async with asyncio.timeout(5):
        while FINALIZER in finalizers(world):  # noqa: ASYNC110 - the retry has a real timer
            await asyncio.sleep(0.01)

    assert [2] == world.target.writes


async def test_who_changes_their_mind_is_held_no_longer(world: World) -> None:
    await world.apply(finalizers=HELD, generation=2)

    assert [HELD[1]] == finalizers(world)


async def test_observing_takes_nothing_and_gives_nothing_back(world: World) -> None:
    world.target.replicas = 2
    await world.apply(restoreReplicasOnDelete="Original", mode="Observe")
    await world.messages(95)
    assert [] == finalizers(world)
    world.target.set(4)
    await world.apply(
        restoreReplicasOnDelete="Original",
        mode="Observe",
        finalizers=HELD,
        deleted=True,
        status={"originalReplicas": 2},
    )

    assert ([], [HELD[1]]) == (world.target.writes, finalizers(world))


async def test_an_object_that_may_not_be_held_is_not_scaled_and_says_why(world: World) -> None:
    world.finalizers.trouble = ApiError(status=403, reason="Forbidden", message="no get on queueconsumers")
    await world.apply(restoreReplicasOnDelete="Original")
    await world.messages(95)

    assert [] == world.target.writes
    assert ("False", "FinalizerForbidden") == world.condition("Ready")


async def test_another_target_is_not_written_before_its_number_is_in_the_status(world: World) -> None:
    world.target.replicas = 2
    await world.apply(restoreReplicasOnDelete="Original")
    await world.messages(95)
    world.target.set(8)
    world.status_trouble = unavailable()
    await world.apply(
        restoreReplicasOnDelete="Original", finalizers=HELD, generation=2, scaleTargetRef={"name": "other"}
    )
    await world.messages(195)
    assert [5] == world.target.writes

    world.status_trouble = None
    await world.messages(195, after=6.0)

    assert ([5, 10], 8) == (world.target.writes, world.statuses[-1]["originalReplicas"])


async def test_another_target_has_an_original_of_its_own(world: World) -> None:
    world.target.replicas = 2
    await world.apply(restoreReplicasOnDelete="Original")
    await world.messages(95)
    world.target.set(8)
    await world.apply(
        restoreReplicasOnDelete="Original", finalizers=HELD, generation=2, scaleTargetRef={"name": "other"}
    )
    await world.see(queue(*[Unknown(cause="BrokerUnreachable", message="refused", at=world.clock.now)] * 2))

    assert 8 == world.statuses[-1]["originalReplicas"]


async def test_an_object_in_a_namespace_that_nobody_serves_any_more_is_let_go_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qc_operator.departures.ANOTHERS", 0.01)
    world.target.replicas = 5
    world.ours = frozenset()
    await world.apply(restoreReplicasOnDelete="Original", finalizers=HELD, deleted=True, status={"originalReplicas": 2})

    async with asyncio.timeout(5):
        while FINALIZER in finalizers(world):  # noqa: ASYNC110 - the pause has a real timer
            await asyncio.sleep(0.01)

    assert ([2], [HELD[1]]) == (world.target.writes, finalizers(world))


async def test_an_object_that_another_release_serves_is_left_to_it(world: World) -> None:
    world.target.replicas = 5
    world.ours = frozenset()
    await world.apply(restoreReplicasOnDelete="Original", finalizers=HELD, deleted=True, status={"originalReplicas": 2})

    assert ([], list(HELD)) == (world.target.writes, finalizers(world))


async def test_a_mistake_of_ours_holds_no_object_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qc_operator.restoration.RETRY_FIRST", 0.01)
    whole = world.finalizers.read

    async def odd(**_: object) -> None:
        raise KeyError("metadata")

    monkeypatch.setattr(world.finalizers, "read", odd)
    world.target.replicas = 5
    await world.apply(restoreReplicasOnDelete="Original", finalizers=HELD, deleted=True, status={"originalReplicas": 2})
    monkeypatch.setattr(world.finalizers, "read", whole)

    async with asyncio.timeout(5):
        while FINALIZER in finalizers(world):  # noqa: ASYNC110 - the retry has a real timer
            await asyncio.sleep(0.01)

    assert [2] == world.target.writes


async def test_a_target_that_is_missing_is_told_as_such(world: World) -> None:
    world.target.unreadable = ApiError(status=404, reason="NotFound", message="deployments receipts not found")
    await world.apply(restoreReplicasOnDelete="Original")

    assert ("False", "TargetNotFound") == world.condition("Ready")
