"""Which objects are served, and when: those of the process's part, while it leads."""

import asyncio

from qc_operator.registry import Key
from tests.behaviour.conftest import KEY, World


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
