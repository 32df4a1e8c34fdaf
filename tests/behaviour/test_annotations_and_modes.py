"""What people ask for beside the queues: a pause, a mode, a fallback."""

from __future__ import annotations

import asyncio

import pytest

from qc_operator import autoscaler
from qc_operator.scaling.observation import EntryObservation, Unknown
from tests.behaviour.conftest import World
from tests.unit.operator.conftest import entry, known, missing, unknown

PAUSED = {"queueconsumer.dev/paused": "true"}


async def test_a_paused_object_is_left_alone_and_says_so(world: World) -> None:
    await world.apply(annotations=PAUSED)
    await world.messages(95)

    assert [] == world.target.writes
    assert ("True", "Annotation") == world.condition("Paused")
    assert ["Paused"] == [reason for reason, _ in world.events]

    await world.apply(annotations={})
    await world.messages(95, after=1.0)

    assert [5] == world.target.writes
    assert ("False", "NotPaused") == world.condition("Paused")


async def test_a_pause_with_a_number_writes_it_once(world: World) -> None:
    await world.apply(annotations={"queueconsumer.dev/paused-replicas": "3"})
    await world.messages(95)
    await world.messages(95, after=1.0)

    assert [3] == world.target.writes
    assert "Override" == world.statuses[-1]["history"][0]["reason"]


async def test_an_annotation_that_cannot_be_understood_pauses_and_is_told(world: World) -> None:
    await world.apply(annotations={"queueconsumer.dev/paused-replicas": "many"})
    await world.messages(95)

    assert [] == world.target.writes
    assert ("False", "InvalidAnnotation") == world.condition("Ready")


async def test_observe_decides_and_tells_and_writes_nothing(world: World) -> None:
    await world.apply(mode="Observe")
    await world.messages(95)

    status = world.statuses[-1]
    assert ([], "Observing") == (world.target.writes, world.condition("Ready")[1])
    assert (5, "WokeUp") == (status["desiredReplicas"], status["lastDecision"]["reason"])
    assert "history" not in status
    assert world.events == []
    samples = {sample.name: sample.value for family in world.metrics.registry.collect() for sample in family.samples}
    assert 5 == samples["queueconsumer_status_desired_replicas"]


@pytest.mark.parametrize(
    "lost",
    [
        entry(unknown(at=1000.0)),
        entry(missing(at=1000.0)),
        entry(
            known(ready=0, unacknowledged=0, at=1000.0),
            unmatched=Unknown(cause="ManagementUnreachable", message="refused", at=1000.0),
        ),
    ],
    ids=["broker away", "queue gone", "list not known"],
)
async def test_the_fallback_decides_though_no_reading_comes_any_more(
    world: World, monkeypatch: pytest.MonkeyPatch, lost: EntryObservation
) -> None:
    monkeypatch.setattr(autoscaler, "UNREAD_TURN", 0.01)
    await world.apply(fallback={"afterSeconds": 60, "replicas": 4})
    await world.messages(0)
    await world.see_entries(lost)
    assert [] == world.target.writes

    world.clock.now += 61.0
    async with asyncio.timeout(5):
        while not world.target.writes:  # noqa: ASYNC110 - the turn has a real timer
            await asyncio.sleep(0.01)

    assert [4] == world.target.writes
    await world.settle()
    assert ("True", "QueuesNotRead") == world.condition("FallbackActive")
    assert "FallbackActivated" in [reason for reason, _ in world.events]


async def test_between_two_counts_the_status_says_what_it_said_at_the_last_one(world: World) -> None:
    world.target.replicas = 2
    await world.apply(minReplicas=2)
    await world.messages(0)
    for _ in range(20):
        # A minute later, so that numbers that differ would be written.
        counted = known(ready=0, unacknowledged=0, at=world.clock.now + 5.0)
        await world.see(counted, after=5.0)
        await world.see(counted, after=2.0)
        await world.see(counted, after=2.0)

    written = len(world.statuses)
    for _ in range(20):
        counted = known(ready=0, unacknowledged=0, at=world.clock.now + 5.0)
        await world.see(counted, after=5.0)
        await world.see(counted, after=2.0)
        await world.see(counted, after=8.0)

    assert written == len(world.statuses)
    assert "not known to be so few" not in world.statuses[-1]["lastDecision"]["message"]


async def test_what_is_said_of_work_names_the_pause_and_the_mode(world: World) -> None:
    await world.apply(annotations=PAUSED)
    await world.messages(95)
    told = {condition["type"]: condition["message"] for condition in world.statuses[-1]["conditions"]}
    assert "messages wait, and an annotation pauses the object" == told["Active"]
    assert "1 queue read, Deployment receipts paused by annotation" == told["Ready"]

    await world.apply(mode="Observe", generation=2)
    await world.messages(95, after=20.0)
    told = {condition["type"]: condition["message"] for condition in world.statuses[-1]["conditions"]}
    assert ("True", "MessagesReady") == world.condition("Active")
    assert "messages wait, and mode Observe starts nothing" == told["Active"]
