"""What is kept over a restart of the operator, or a change of the spec, and what begins anew."""

from __future__ import annotations

import asyncio
from typing import Any

from qc_operator.scaling.observation import Depth, QueueObservation, Unknown
from qc_operator.scaling.pods import Pods, StartedPod
from qc_operator.scaling.readings import NOT_READ_YET
from tests.behaviour.conftest import World
from tests.unit.operator.conftest import known, queue

ONE_IN_TEN_MINUTES = {"scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 600}]}}
WAIT = [{"name": "receipts", "wait": {"objectiveSeconds": 60}}]


async def pile_up(world: World, seconds: int) -> None:
    """Let five hundred messages wait for so long, read once a second."""
    for _ in range(seconds):
        await world.messages(500, after=1.0)


async def test_a_policy_allows_no_more_while_the_operator_is_restarted_each_minute(world: World) -> None:
    world.target.replicas = 1
    await world.apply(behavior=ONE_IN_TEN_MINUTES)
    for _ in range(20):
        await pile_up(world, 60)
        world.restart()
        await world.apply(behavior=ONE_IN_TEN_MINUTES, status=world.statuses[-1])

    assert [2, 3] == world.target.writes


async def test_a_policy_goes_on_counting_when_other_queues_are_read(world: World) -> None:
    world.target.replicas = 1
    await world.apply(behavior=ONE_IN_TEN_MINUTES)
    await pile_up(world, 60)
    other: list[dict[str, Any]] = [{"name": "invoices", "lag": {"scaleUpAbove": 20}}]
    await world.apply(behavior=ONE_IN_TEN_MINUTES, queues=other, generation=2)
    for _ in range(60):
        await world.see(known(ready=500, unacknowledged=0, at=world.clock.now + 1.0, name="invoices"), after=1.0)

    assert [2] == world.target.writes


async def test_a_policy_begins_anew_with_another_target(world: World) -> None:
    world.target.replicas = 1
    await world.apply(behavior=ONE_IN_TEN_MINUTES)
    await pile_up(world, 60)
    await world.apply(behavior=ONE_IN_TEN_MINUTES, scaleTargetRef={"name": "other"}, generation=2)
    await pile_up(world, 1)

    assert [2, 3] == world.target.writes


async def test_what_was_learned_is_in_the_status_and_taken_up_again(world: World) -> None:
    learned = {
        "entries": [{"throughput": 4.0, "acknowledged": 1000, "weight": 500.0}],
        "startSeconds": [6.0, 7.0],
        "firstAcknowledgementSeconds": 0.5,
    }
    status = {"observedGeneration": 1, "learned": learned}
    await world.apply(status=status, queues=WAIT)
    await world.messages(100)

    (told,) = world.statuses[-1]["queues"]
    assert ("4.00", "learned") == (told["throughputPerReplica"], told["throughputFrom"])
    assert learned == world.statuses[-1]["learned"]


async def test_what_was_learned_of_another_spec_is_not(world: World) -> None:
    learned = {"entries": [{"throughput": 4.0, "acknowledged": 1000, "weight": 500.0}]}
    await world.apply(status={"observedGeneration": 1, "learned": learned}, queues=WAIT, generation=2)
    await world.messages(100)

    assert "throughputPerReplica" not in world.statuses[-1]["queues"][0]


async def test_pods_whose_start_was_counted_are_not_counted_again(world: World) -> None:
    world.target.set(2)
    ready = world.clock.now - 60.0
    started = (StartedPod(created=ready - 6.0, ready=ready), StartedPod(created=ready - 7.0, ready=ready - 1.0))
    world.pods.pods = Pods(ready=2, started=started, at=world.clock.now)
    world.pods.open.set()
    await world.apply(status={"observedGeneration": 1, "learned": {"startSeconds": [6.0, 6.0]}}, queues=WAIT)
    await world.messages(30)
    assert [6.0, 6.0] == world.statuses[-1]["learned"]["startSeconds"]

    later = (StartedPod(created=world.clock.now + 2.0, ready=world.clock.now + 10.0), *started)
    world.pods.pods = Pods(ready=3, started=later, at=world.clock.now + 20.0)
    world.target.set(3)
    for _ in range(60):
        await world.messages(30, after=1.0)

    assert [8.0, 6.0, 6.0] == world.statuses[-1]["learned"]["startSeconds"]


async def test_pods_that_found_no_node_are_not_asked_for_again_by_a_new_process(world: World) -> None:
    world.target.set(2)
    world.pods.pods = Pods(ready=1, unschedulable=1, why_unschedulable="no room", at=world.clock.now)
    world.pods.open.set()
    await world.apply(status={"observedGeneration": 1, "learned": {"guards": {"unschedulable": True}}})
    await world.messages(95)

    assert [] == world.target.writes


async def test_what_a_guard_holds_replicas_for_is_in_the_status(world: World) -> None:
    world.target.set(2)
    world.pods.pods = Pods(ready=1, unschedulable=1, why_unschedulable="no room", at=world.clock.now)
    world.pods.open.set()
    await world.apply()
    for _ in range(20):
        await world.messages(30, after=1.0)

    assert ("True", "Unschedulable") == world.condition("ScalingLimited")
    assert {"unschedulable": True} == world.statuses[-1]["learned"]["guards"]


def half_read(world: World) -> QueueObservation:
    """What a process knows in its first seconds: what is ready, and not yet what is unacknowledged."""
    at = world.clock.now
    unread = Unknown(cause=NOT_READ_YET, message="no reading of the totals yet", at=at)
    return queue(Depth(ready=40, consumers=0, at=at), unread)


async def test_who_takes_over_writes_no_status_for_what_it_is_about_to_read(world: World) -> None:
    await world.apply()
    await world.messages(40, 7)
    await world.messages(40, 7, after=20.0)
    told, written = world.statuses[-1], list(world.target.writes)
    world.restart()
    world.statuses.clear()

    await world.apply(status=told)
    for _ in range(2):
        await world.see(half_read(world), after=1.0)
    await world.messages(40, 7, after=1.0)

    assert [] == world.statuses
    assert written == world.target.writes


async def test_a_status_that_waits_in_line_says_what_is_known_when_its_turn_comes(world: World) -> None:
    world.patience = asyncio.Event()
    await world.apply()
    await world.see(half_read(world))
    await world.messages(40, 7, after=1.0)
    world.patience.set()
    await world.settle()

    assert [7] == [status["queues"][0].get("unacknowledged") for status in world.statuses]
