"""Objects come, change and go."""

import asyncio
from typing import Any

import pytest

from qc_operator.cluster import Scale
from qc_operator.cluster.client import ApiError
from qc_operator.scaling.observation import Unknown
from qc_operator.scaling.readings import NOT_READ_YET
from tests.behaviour.conftest import KEY, World
from tests.unit.operator.conftest import body, known, queue


async def test_a_deleted_object_keeps_its_replicas_and_is_no_longer_read(world: World) -> None:
    await world.apply()
    await world.messages(95)

    world.reconciler.gone(KEY, uid="1")
    await world.messages(0, after=600.0)

    assert (True, [5]) == (world.feeds[0].closed, world.target.writes)


async def test_an_object_deleted_unseen_is_forgotten_at_the_first_write_that_misses_it(world: World) -> None:
    await world.apply()
    world.status_trouble = ApiError(status=404, reason="NotFound", message="queueconsumers not found")
    await world.messages(95)

    assert world.feeds[0].closed


async def test_our_own_status_echo_changes_nothing(world: World) -> None:
    await world.apply()
    await world.apply(status={"desiredReplicas": 0})

    assert 1 == len(world.feeds)


async def test_a_new_bound_takes_effect_without_reading_anew(world: World) -> None:
    await world.apply()
    await world.messages(95)
    await world.apply(generation=2, maxReplicas=3)

    assert (1, [5, 3]) == (len(world.feeds), world.target.writes)
    assert 2 == world.statuses[-1]["observedGeneration"]


async def test_other_queues_are_read_anew(world: World) -> None:
    await world.apply()
    entry = {"name": "receipts", "vhost": "other", "lag": {"scaleUpAbove": 20}}
    await world.apply(generation=2, queues=[entry])

    assert [True, False] == [feed.closed for feed in world.feeds]


@pytest.mark.parametrize(
    "change",
    [
        {"scaleTargetRef": {"name": "other"}},
        {"queues": [{"name": "other", "lag": {"scaleUpAbove": 20, "scaleDownBelow": 5}}]},
    ],
)
async def test_what_was_seen_of_other_queues_or_decided_for_another_target_moves_nothing(
    world: World, change: dict[str, Any]
) -> None:
    await world.apply()
    for _ in range(130):
        await world.messages(0, after=1.0)
    world.target.set(8)
    await world.apply(generation=2, **change)
    for _ in range(59):
        await world.messages(0, after=1.0)

    assert [] == world.target.writes
    await world.messages(0, after=2.0)
    assert [0] == world.target.writes


async def test_a_turn_under_way_does_not_bring_the_memory_of_the_old_spec_into_the_new_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.apply()
    for _ in range(130):
        await world.messages(0, after=1.0)
    entry = {"name": "other", "lag": {"scaleUpAbove": 20, "scaleDownBelow": 5}}
    metadata = {"namespace": KEY.namespace, "name": KEY.name, "uid": "1", "generation": 2}
    changed = {"metadata": metadata, "spec": body(queues=[entry])}
    write = world.target.write

    async def change_and_write(**arguments: Any) -> Scale:
        world.reconciler.seen(changed)
        return await write(**arguments)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(world.target, "write", change_and_write)
        await world.messages(95)
    world.target.set(8)
    for _ in range(55):
        await world.messages(0, after=1.0)

    assert 8 == world.target.replicas


async def test_the_first_reading_of_another_broker_moves_nothing(world: World) -> None:
    await world.apply()
    for _ in range(130):
        await world.messages(0, after=1.0)
    world.target.set(8)
    await world.see(queue(*[Unknown(cause=NOT_READ_YET, message="no reading yet", at=world.clock.now)] * 2))
    await world.messages(0, after=6.0)

    assert [] == world.target.writes


async def test_a_late_word_of_an_old_objects_end_does_not_end_the_new_one(world: World) -> None:
    await world.apply()
    await world.apply(uid="2")
    world.reconciler.gone(KEY, uid="1")
    await world.messages(95)

    assert [5] == world.target.writes


async def test_series_of_queues_that_are_no_longer_read_go(world: World) -> None:
    await world.apply()
    await world.messages(95)
    await world.apply(generation=2, queues=[{"name": "other", "lag": {"scaleUpAbove": 20}}])
    await world.see(known(ready=1, unacknowledged=0, at=world.clock.now, name="other"))

    samples = [
        (sample.labels.get("queue", ""), sample.value)
        for metric in world.metrics.registry.collect()
        if metric.name in {"queueconsumer_info", "queueconsumer_queue_messages_ready"}
        for sample in metric.samples
    ]
    assert [("other", 1), ("", 1)] == samples


async def test_a_condition_that_could_not_be_written_is_written_later_though_nothing_else_happens(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qc_operator.delivery.REFUSED_RETRY", 0.05)
    world.status_trouble = ApiError(status=503, reason="ServiceUnavailable", message="away")
    await world.apply(maxReplicas=0)
    world.status_trouble = None
    world.clock.now += 1.0

    async with asyncio.timeout(5):
        while not world.statuses:  # noqa: ASYNC110 - the retry has a real timer
            await asyncio.sleep(0.01)

    assert ("False", "InvalidSpec") == world.condition("Ready")


async def test_an_object_created_again_under_its_name_inherits_nothing(world: World) -> None:
    await world.apply()
    await world.messages(95)
    await world.apply(uid="2")

    assert [True, False] == [feed.closed for feed in world.feeds]


async def test_what_cannot_be_acted_on_is_told_and_nothing_is_touched(world: World) -> None:
    world.target.replicas = 3
    await world.apply(maxReplicas=0)

    assert ("False", "InvalidSpec") == world.condition("Ready")
    assert "spec.maxReplicas" in world.statuses[-1]["conditions"][0]["message"]
    assert ([], []) == (world.feeds, world.target.writes)
    assert ["InvalidSpec"] == [told for told, _ in world.events]


async def test_a_mended_spec_is_acted_on(world: World) -> None:
    await world.apply(mode="Observe")
    await world.apply(generation=2)
    await world.messages(95)

    assert [5] == world.target.writes
    assert ("True", "Scaling") == world.condition("Ready")
