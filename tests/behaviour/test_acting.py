"""Writing replicas when others write too, and when the API server does not answer."""

import asyncio

import pytest

from qc_operator import targeting
from qc_operator.cluster.client import ApiError
from tests.behaviour.conftest import KEY, World, conflict, unavailable
from tests.unit.operator.conftest import missing, unknown


async def test_one_reading_is_one_write(world: World) -> None:
    await world.apply()
    await world.messages(95)
    await world.messages(95)

    assert [5] == world.target.writes
    assert ["Activated"] == [reason for reason, _ in world.events]


async def test_a_change_is_counted_with_its_reason_and_tells_what_limited_it(world: World) -> None:
    await world.apply(maxReplicas=5)
    await world.messages(60)
    await world.messages(412, after=1.0)

    labels = [
        (sample.labels["direction"], sample.labels["reason"], sample.value)
        for family in world.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "queueconsumer_scale_events_total" and sample.value
    ]
    assert [("up", "BacklogAboveTarget", 1.0), ("up", "WokeUp", 1.0)] == labels
    text = b"".join(world.metrics.objects.pieces(openmetrics=True)).decode()
    assert 'reason="BacklogAboveTarget"} 1 # {from="3",to="5",limited_by="max"} 1 ' in text


async def test_a_conflict_is_read_again_and_decided_anew(world: World) -> None:
    await world.apply()
    world.target.troubles = [(conflict(), lambda: world.target.set(2))]

    await world.messages(95)

    # Somebody asked for 2 in between; from there it is the backlog that calls for 5, not a wake-up.
    assert [5] == world.target.writes
    assert ["ScaledByHand", "ScaledUp"] == [reason for reason, _ in world.events]
    assert "2 -> 5 replicas, BacklogAboveTarget: 95 messages in receipts / 20 per replica = 5" == world.events[1][1]


async def test_a_writer_that_always_wins_is_not_fought(world: World) -> None:
    await world.apply()
    world.target.troubles = [(conflict(), lambda: None)] * 50

    await world.messages(95)

    assert [] == world.target.writes
    assert len(world.target.troubles) == 45


async def test_replicas_changed_by_hand_are_seen_within_five_seconds(world: World) -> None:
    await world.apply()
    await world.messages(95)
    world.target.set(1)
    await world.messages(95, after=6.0)

    assert [5, 5] == world.target.writes


async def test_an_api_server_that_is_away_is_left_alone_for_a_while_and_nothing_is_said_of_the_object(
    world: World,
) -> None:
    await world.apply()
    written = len(world.statuses)
    world.target.troubles = [(unavailable(), lambda: None)]

    await world.messages(95)
    await world.messages(95, after=1.0)
    assert ([], written) == (world.target.writes, len(world.statuses))

    await world.messages(95, after=5.0)
    assert [5] == world.target.writes


async def test_a_missing_target_is_told_and_found_later(world: World) -> None:
    world.target.unreadable = ApiError(status=404, reason="NotFound", message='deployments.apps "receipts" not found')
    await world.apply()
    assert ("False", "TargetNotFound") == world.condition("Ready")

    world.target.unreadable = None
    await world.messages(95, after=6.0)
    assert [5] == world.target.writes
    assert ("True", "Scaling") == world.condition("Ready")


async def test_a_target_that_may_not_be_written_is_told(world: World) -> None:
    await world.apply()
    forbidden = ApiError(status=403, reason="Forbidden", message="cannot patch resource deployments/scale")
    world.target.troubles = [(forbidden, lambda: None)]

    await world.messages(95)

    assert ("False", "TargetForbidden") == world.condition("Ready")


async def test_a_write_that_was_refused_is_tried_again_though_the_queue_says_nothing_new(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targeting, "RETRY", 0.05)
    await world.apply()
    forbidden = ApiError(status=403, reason="Forbidden", message="cannot patch resource deployments/scale")
    world.target.troubles = [(forbidden, lambda: None)]
    await world.messages(95)
    assert [] == world.target.writes

    world.clock.now += 0.05
    async with asyncio.timeout(5):
        while not world.target.writes:  # noqa: ASYNC110 - a list of writes has no event
            await asyncio.sleep(0.01)
    assert [5] == world.target.writes


async def test_a_broker_outage_moves_nothing_and_is_told_once(world: World) -> None:
    await world.apply()
    await world.messages(95)
    for _ in range(300):
        await world.see(unknown(at=world.clock.now), after=1.0)

    assert [5] == world.target.writes
    assert ("False", "BrokerUnreachable") == world.condition("Ready")
    assert ["Activated", "BrokerUnreachable"] == [reason for reason, _ in world.events]


async def test_a_missing_queue_is_told_once(world: World) -> None:
    await world.apply()
    await world.see(missing(at=world.clock.now))
    await world.see(missing(at=world.clock.now), after=60.0)

    assert ["QueueMissing"] == [reason for reason, _ in world.events]


async def test_queues_are_read_faster_while_the_target_is_at_zero(world: World) -> None:
    await world.apply()
    assert world.feeds[0].at_zero is True

    await world.messages(95)
    assert world.feeds[0].at_zero is False


async def test_steady_state_writes_nothing(world: World) -> None:
    await world.apply()
    written = len(world.statuses)
    for _ in range(600):
        await world.messages(0, after=1.0)

    assert ([], written) == (world.target.writes, len(world.statuses))


async def test_a_status_that_cannot_be_written_does_not_hold_up_scaling(world: World) -> None:
    world.status_trouble = unavailable()
    await world.apply()
    await world.messages(95)

    assert [5] == world.target.writes


async def test_a_status_that_is_refused_is_not_written_at_every_reading(world: World) -> None:
    await world.apply()
    world.status_trouble = ApiError(status=422, reason="Invalid", message="status.columns: too long")
    for _ in range(25):
        await world.messages(95, after=0.2)

    labels = {"resource": "status", "reason": "Invalid"}
    assert world.metrics.registry.get_sample_value("queueconsumer_operator_api_errors_total", labels) in {1.0, 2.0}

    world.status_trouble = None
    await world.messages(95, after=6.0)
    assert 5 == world.statuses[-1]["desiredReplicas"]


async def test_a_restart_tells_and_moves_nothing(world: World) -> None:
    await world.apply()
    await world.messages(95)
    status, events = world.statuses[-1], list(world.events)
    restarted = World(clock=world.clock, target=world.target)
    await restarted.apply(status=status)
    for _ in range(50):
        await restarted.messages(0, after=1.0)

    assert [5] == world.target.writes
    assert ([], ["Activated"]) == (restarted.events, [reason for reason, _ in events])
    assert status["history"] == restarted.statuses[-1]["history"]
    restarted.reconciler.follow()


async def test_a_number_that_is_not_known_has_no_metric(world: World) -> None:
    await world.apply()
    await world.messages(95)
    labels = {"namespace": KEY.namespace, "queueconsumer": KEY.name}
    assert 95.0 == world.metrics.registry.get_sample_value("queueconsumer_queue_messages_ready", labels)

    await world.see(unknown(at=world.clock.now))

    assert world.metrics.registry.get_sample_value("queueconsumer_queue_messages_ready", labels) is None


async def test_a_queue_that_fills_and_empties_many_times_a_second_is_not_told_each_time(world: World) -> None:
    await world.apply()
    await world.messages(95)
    written = len(world.statuses)
    for _ in range(75):
        await world.messages(3, after=0.1)
        await world.messages(0, after=0.1)

    assert len(world.statuses) - written <= 2


async def test_a_slow_api_server_holds_up_what_is_told_and_not_what_is_decided(world: World) -> None:
    await world.apply()
    world.patience = asyncio.Event()
    await world.messages(30)
    await world.messages(95)

    assert [2, 5] == world.target.writes
    world.patience.set()
    await world.settle()
    assert 5 == world.statuses[-1]["desiredReplicas"]
    assert ["Activated", "ScaledUp"] == [reason for reason, _ in world.events]


async def test_metrics_of_a_deleted_object_go_with_it(world: World) -> None:
    await world.apply()
    await world.messages(95)
    labels = {"namespace": KEY.namespace, "queueconsumer": KEY.name}
    assert 5.0 == world.metrics.registry.get_sample_value("queueconsumer_status_desired_replicas", labels)

    world.reconciler.gone(KEY, uid="1")

    assert world.metrics.registry.get_sample_value("queueconsumer_status_desired_replicas", labels) is None
