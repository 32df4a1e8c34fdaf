"""Which objects are served, and when: those of the process's part, while it leads."""

import asyncio
import logging

import pytest
from prometheus_client import generate_latest

from qc_operator.registry import Key
from tests.behaviour.conftest import KEY, World, unavailable


async def test_who_does_not_lead_reads_nothing_and_writes_nothing(world: World) -> None:
    world.reconciler.follow()
    await world.apply()

    assert ([], [], {KEY: "1"}) == (world.feeds, world.statuses, dict(world.reconciler.known))


async def test_who_begins_to_lead_serves_what_the_watch_has_shown(world: World) -> None:
    world.reconciler.follow()
    await world.apply()
    world.reconciler.lead()
    await world.settle()
    await world.messages(95)

    assert [5] == world.target.writes


async def test_who_leads_no_longer_stops_in_the_middle_of_a_turn(world: World) -> None:
    await world.apply()
    await world.messages(95)
    world.reconciler.follow()
    await world.messages(300, after=1.0)

    assert (True, [5]) == (world.feeds[0].closed, world.target.writes)


async def test_who_leads_again_goes_on_from_the_status_that_others_have_written_meanwhile(world: World) -> None:
    await world.apply()
    await world.messages(95)
    world.reconciler.follow()
    told = len(world.statuses)
    history = [{"time": "2026-11-27T00:00:00Z", "from": 1, "to": 7, "reason": "WokeUp"}]
    await world.apply(status={**world.statuses[-1], "history": history})
    world.reconciler.lead()
    await world.settle()
    await world.messages(300, after=1.0)

    assert len(world.statuses) > told
    assert [7, 1] == [world.statuses[-1]["history"][1][end] for end in ("to", "from")]


async def test_an_object_of_another_part_is_known_and_not_served(world: World) -> None:
    world.ours = frozenset({Key("bank", "receipts")})
    await world.apply()

    assert ([], {KEY: "1"}) == (world.feeds, dict(world.reconciler.known))


async def test_an_object_whose_namespace_is_served_no_longer_is_left_alone_and_taken_up_again(world: World) -> None:
    await world.apply()
    world.ours = frozenset()
    world.reconciler.align()
    await world.settle()
    assert world.feeds[0].closed

    world.ours = frozenset({KEY})
    world.reconciler.align()
    await world.settle()
    assert [True, False] == [feed.closed for feed in world.feeds]


async def test_the_last_status_says_that_it_is_served_no_longer_and_what_is_not_known_any_more(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await world.apply()
    await world.messages(95)
    world.ours = frozenset()
    world.reconciler.align()
    await world.settle()

    status = world.statuses[-1]
    assert ("Unknown", "NotServed") == world.condition("Ready") == world.condition("Active")
    assert ("Unknown", "NotServed") == world.condition("ScalingLimited")
    assert "the labels of namespace shop are not those of QC_NAMESPACE_SELECTOR" in status["conditions"][0]["message"]
    assert ("?", "?", "0->5/?", "NotServed", "-", "") == tuple(
        status["columns"][name] for name in ("ready", "unacked", "replicas", "reason", "limited", "conditions")
    )
    # Who serves the namespace next goes on from what was learned and done.
    assert (5, "WokeUp") == (status["history"][0]["to"], status["lastDecision"]["reason"])
    assert caplog.messages[-1].endswith("its namespace is served no longer; its target keeps its replicas")
    assert b"receipts" not in generate_latest(world.metrics.registry)

    world.ours = frozenset({KEY})
    await world.apply(status=status)
    world.reconciler.align()
    await world.settle()
    await world.messages(95)
    assert ("True", "Scaling") == world.condition("Ready")
    assert "Recovered" == world.events[-1][0]


async def test_the_last_word_of_who_served_it_before_does_not_stay_in_the_status(world: World) -> None:
    await world.apply()
    await world.messages(95)
    told = len(world.statuses)
    conditions = [{"type": "Ready", "status": "Unknown", "reason": "NotServed", "message": "late"}]
    await world.apply(status={**world.statuses[-1], "conditions": conditions})

    assert told + 1 == len(world.statuses)
    assert ("True", "Scaling") == world.condition("Ready")


async def test_a_last_word_that_is_not_taken_is_said_again_for_a_while(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qc_operator.cluster.back_off.FIRST", 0.02)
    await world.apply()
    await world.messages(95)
    world.status_trouble = unavailable()
    world.ours = frozenset()
    world.reconciler.align()
    await world.settle()
    assert ("True", "Scaling") == world.condition("Ready")

    world.status_trouble = None
    await asyncio.sleep(0.1)
    await world.settle()
    assert ("Unknown", "NotServed") == world.condition("Ready")


async def test_what_serves_already_is_not_begun_again(world: World) -> None:
    await world.apply()
    world.reconciler.align()
    await world.settle()

    assert [False] == [feed.closed for feed in world.feeds]


async def test_a_turn_that_does_not_end_is_told(world: World) -> None:
    await world.apply()
    world.target.stuck = asyncio.Event()
    await world.messages(95)
    world.clock.now += 179.0
    assert world.reconciler.stalled() is None

    world.clock.now += 2.0
    assert (world.reconciler.stalled() or "").startswith("shop/receipts: a decision has been under way for 180 s")
    world.target.stuck.set()
    await world.settle()
    assert world.reconciler.stalled() is None


async def test_turns_that_wait_in_line_are_not_stuck_while_the_line_moves(world: World) -> None:
    await world.apply()
    await world.messages(0)
    world.target.stuck = asyncio.Event()
    await world.messages(95, after=1.0)
    world.clock.now += 100.0

    assert world.reconciler.stalled() is None
    world.target.stuck.set()
    await world.settle()


async def test_what_becomes_ours_while_all_are_gone_through_is_served(world: World) -> None:
    await world.apply()
    world.reconciler.follow()
    world.ours = frozenset()
    world.reconciler.lead()
    world.ours = frozenset({KEY})
    world.reconciler.align()
    await world.settle()

    assert not world.feeds[-1].closed


async def test_one_turn_that_hangs_while_others_end_is_told_in_the_end(world: World) -> None:
    await world.apply()
    world.target.stuck = asyncio.Event()
    await world.messages(95)
    world.clock.now += 901.0

    assert "shop/receipts: a decision has been under way for 900 s or longer" == world.reconciler.stalled()
    world.target.stuck.set()
    await world.settle()
