"""The metrics of an object over its life: from the first sight to its end, over restarts and troubles."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from qc_operator import autoscaler
from qc_operator.brokers import Problem
from qc_operator.cluster.client import ApiError
from qc_operator.conflict import Rival
from tests.behaviour.conftest import KEY, World
from tests.unit.operator.conftest import entries, known, unknown

HELD = ["queueconsumer.dev/restore-replicas"]


def shown(world: World) -> dict[tuple[str, ...], float]:
    """Each series of the object, by its name and the values of its own labels."""
    return {
        (sample.name.removeprefix("queueconsumer_"), *list(sample.labels.values())[2:]): sample.value
        for family in world.metrics.objects.collect()
        for sample in family.samples
    }


def process(world: World, name: str, **labels: str) -> float | None:
    value: float | None = world.metrics.process.get_sample_value(f"queueconsumer_operator_{name}", labels)
    return value


def phases(world: World) -> tuple[float | None, ...]:
    return tuple(process(world, "resources", phase=phase) for phase in ("pending", "ready", "not_ready"))


async def test_a_wake_up_is_told_by_every_metric_that_it_concerns(world: World) -> None:
    await world.apply()
    await world.messages(95, unacknowledged=3, after=1.0)

    found = shown(world)
    at = world.clock.utcnow().timestamp()
    expected: dict[tuple[str, ...], float] = {
        ("info", "Deployment", "receipts", "rabbitmq:5672", "shop", "receipts", "lag", "Scale"): 1,
        ("spec_min_replicas",): 0,
        ("spec_max_replicas",): 10,
        ("spec_target_messages_per_replica",): 20,
        ("status_current_replicas",): 5,
        ("status_recommended_replicas",): 5,
        ("status_desired_replicas",): 5,
        ("status_condition", "Ready"): 1,
        ("status_condition", "Active"): 1,
        ("status_condition", "ScalingLimited"): 0,
        ("status_ready_reason", "Scaling"): 1,
        ("status_decision", "WokeUp", "none"): 1,
        ("queue_messages_ready",): 95,
        ("queue_messages_unacked",): 3,
        ("queue_consumers",): 1,
        ("scale_events_total", "up", "BacklogAboveTarget"): 0,
        ("scale_events_total", "down", "BacklogBelowTarget"): 0,
        ("scale_events_total", "up", "WokeUp"): 1,
        ("scale_events_total", "down", "Idle"): 0,
        ("last_scale_timestamp_seconds", "up", "WokeUp"): at,
        ("scaled_replicas_total", "up"): 5,
        ("scaled_replicas_total", "down"): 0,
        ("direction_reversals_total",): 0,
        ("last_reading_timestamp_seconds",): at,
    }
    assert expected == {each: value for each, value in found.items() if each != ("status_decision", "Steady", "none")}
    assert (1.0, 1.0) == (
        process(world, "evaluations_total", result="up"),
        process(world, "reaction_seconds_count", direction="up"),
    )
    assert at == process(world, "last_turn_timestamp_seconds")
    assert (0, 1, 0) == phases(world)


async def test_a_reaction_begins_with_the_reading_and_not_with_the_turn_that_came_late(world: World) -> None:
    await world.apply()
    await world.see(known(ready=95, unacknowledged=3, at=world.clock.now - 3.0))

    assert process(world, "reaction_seconds_sum", direction="up") == 3.0


async def test_the_time_of_a_change_is_the_same_after_a_restart_and_counts_begin_anew(world: World) -> None:
    await world.apply()
    await world.messages(95)
    before = shown(world)
    world.clock.now += 90.4
    restarted = World(clock=world.clock, target=world.target)
    await restarted.apply(status=world.statuses[-1])

    after = shown(restarted)
    last = ("last_scale_timestamp_seconds", "up", "WokeUp")
    assert (before[last], 0.0) == (after[last], after["scale_events_total", "up", "WokeUp"])
    restarted.reconciler.follow()


async def test_a_queue_that_cannot_be_read_keeps_its_last_time_and_counts_the_failure(world: World) -> None:
    await world.apply()
    await world.messages(95, after=1.0)
    read = shown(world)["last_reading_timestamp_seconds",]
    world.feeds[-1].problem = Problem(reason="BrokerUnreachable", message="connection refused")
    for _ in range(3):
        await world.see(unknown(at=world.clock.now), after=5.0)

    found = shown(world)
    assert read == found["last_reading_timestamp_seconds",]
    assert 1 == found["reading_failures_total", "BrokerUnreachable"]
    assert 1 == found["status_ready_reason", "BrokerUnreachable"]
    assert 1 == found["status_decision", "ReadingMissing", "guard"]
    assert not {("queue_messages_ready",), ("queue_messages_unacked",), ("status_recommended_replicas",)} & found.keys()
    assert (0, 0, 1) == phases(world)


async def test_a_target_that_is_gone_has_no_replicas_and_its_queue_is_read_all_the_same(world: World) -> None:
    await world.apply()
    await world.messages(95)
    world.target.unreadable = ApiError(status=404, reason="NotFound", message="no such Deployment")
    await world.messages(70, after=6.0)

    found = shown(world)
    assert (70, 1) == (found["queue_messages_ready",], found["status_ready_reason", "TargetNotFound"])
    assert not {name for name, *_ in found if name.startswith(("status_d", "status_current", "status_recommended"))}
    assert 1 == process(world, "evaluations_total", result="error")

    world.target.unreadable = None
    await world.messages(70, after=6.0)
    assert 5 == shown(world)["status_current_replicas",]


async def test_a_spec_that_makes_no_sense_is_not_ready_and_has_no_numbers(world: World) -> None:
    await world.apply(maxReplicas=0)

    assert {
        ("status_condition", "Ready"): 0,
        ("status_ready_reason", "InvalidSpec"): 1,
    } == shown(world)
    assert (0, 0, 1) == phases(world)


async def test_a_spec_that_makes_no_sense_has_turns_all_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # The alert about an operator that hangs takes an operator without turns for one.
    monkeypatch.setattr(autoscaler, "UNREAD_TURN", 0.01)
    await world.apply(maxReplicas=0)
    world.clock.now += 61.0
    async with asyncio.timeout(5):
        while process(world, "last_turn_timestamp_seconds") != world.clock.utcnow().timestamp():  # noqa: ASYNC110 - a real timer
            await asyncio.sleep(0.01)

    assert 1 == len(world.statuses)


async def test_a_conflict_is_told_by_the_reason(world: World) -> None:
    world.rival = Rival(autoscaler="receipts")
    await world.apply()
    await world.messages(95)

    found = shown(world)
    assert (1, 5, 0) == (
        found["status_ready_reason", "Conflict"],
        found["status_desired_replicas",],
        found["scale_events_total", "up", "WokeUp"],
    )
    assert 0 == process(world, "evaluations_total", result="up")


async def test_what_is_steady_writes_no_status_and_that_is_counted(world: World) -> None:
    await world.apply()
    await world.messages(95)
    before, written = process(world, "status_writes_skipped_total"), len(world.statuses)
    for _ in range(10):
        await world.messages(95, after=0.2)

    assert (10, 0) == (
        (process(world, "status_writes_skipped_total") or 0) - (before or 0),
        len(world.statuses) - written,
    )


@pytest.mark.parametrize("end", ["deleted", "given back", "not leading", "not ours"])
async def test_nothing_is_left_of_an_object_however_it_ends(world: World, end: str) -> None:
    world.target.replicas = 2
    await world.apply(restoreReplicasOnDelete="Original", finalizers=HELD)
    await world.messages(95)
    assert shown(world)

    match end:
        case "deleted":
            world.reconciler.gone(KEY, uid="1")
        case "given back":
            status: Any = {"originalReplicas": 2}
            await world.apply(restoreReplicasOnDelete="Original", finalizers=HELD, deleted=True, status=status)
            assert world.target.writes[-1] == 2
        case "not leading":
            world.reconciler.follow()
            assert process(world, "last_turn_timestamp_seconds") is None
        case _:
            world.ours = frozenset()
            world.reconciler.align()
    await world.settle()

    assert ({}, 0, (0, 0, 0)) == (shown(world), len(world.metrics.objects), phases(world))


async def test_readings_of_other_queues_end_and_what_has_happened_stays(world: World) -> None:
    await world.apply()
    await world.messages(95)
    world.feeds[-1].entries = ()
    queues = [{"name": "other", "lag": {"scaleUpAbove": 7}}]
    await world.apply(generation=2, queues=queues)
    world.feeds[-1].entries = entries(unknown(at=world.clock.now, name="other"))
    await world.see_entries(*world.feeds[-1].entries)

    found = shown(world)
    assert (7, 1) == (found["spec_target_messages_per_replica",], found["scale_events_total", "up", "WokeUp"])
    assert ("queue_messages_ready",) not in found
