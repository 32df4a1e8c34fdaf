"""What the live page is told by an autoscaler at work, and that nobody scales otherwise because of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from qc_operator.page.board import Board
from qc_operator.page.row import Row
from qc_operator.page.view import view
from tests.behaviour.conftest import KEY, World


@pytest.fixture
def board() -> Board:
    return Board(utcnow=lambda: datetime.now(UTC))


@pytest.fixture
def world(board: Board) -> Iterator[World]:
    made = World()
    board._utcnow = made.clock.utcnow
    made.onlooker = board
    made.__post_init__()
    yield made
    made.reconciler.follow()


def shown(board: Board) -> Row:
    row = board.row(KEY)
    assert row is not None
    return row


async def test_a_row_is_there_with_the_first_decision_and_goes_with_the_object(world: World, board: Board) -> None:
    assert board.row(KEY) is None
    await world.apply()
    assert ("idle", "Deployment/receipts", 0) == (shown(board).state, shown(board).target, shown(board).current)
    world.reconciler.gone(KEY, uid="1")

    assert board.row(KEY) is None


async def test_a_write_is_told_in_the_turn_that_made_it(world: World, board: Board) -> None:
    told: list[list[int]] = []
    board.moved = lambda: told.append(list(world.target.writes))
    await world.apply()
    await world.messages(100, after=1.0)

    assert [[5]] == told
    assert [(0, 5, "WokeUp")] == [(each.before, each.after, each.reason) for each in board.tally.latest]
    assert "100 messages in receipts / 20 per replica = 5" in shown(board).message


async def test_the_view_has_the_steps_of_the_decision_and_the_course(world: World, board: Board) -> None:
    await world.apply(maxReplicas=3)
    await world.messages(100, after=1.0)
    told = board.find(KEY)
    assert told is not None
    made = view(told, row=shown(board), now=int(world.clock.utcnow().timestamp()))

    assert [("lag", 5), ("bounds", 3)] == [(step["step"], step["replicas"]) for step in made.decision["steps"]][-2:]
    assert made.raised is not None
    assert (5, 3) == (made.raised.max_replicas, made.decision["to"])
    assert [0.0, 100.0] == made.series["ready"][:2]
    assert [3.0] == [replicas for replicas in made.series["desired"] if replicas][-1:]
    assert made.row.state == "limited"


async def test_who_leads_no_longer_shows_nothing(world: World, board: Board) -> None:
    await world.apply()
    await world.messages(100, after=1.0)
    world.reconciler.follow()

    assert (None, 0, []) == (board.row(KEY), board.pods(), list(board.tally.latest))


async def test_an_object_that_cannot_be_served_is_shown_with_its_reason(world: World, board: Board) -> None:
    await world.apply(minReplicas=11)

    assert "notReady" == shown(board).state
    assert "spec.minReplicas: must not be greater than maxReplicas 10" in shown(board).words


async def test_after_a_restart_the_page_knows_what_was_done_before(world: World, board: Board) -> None:
    await world.apply()
    await world.messages(100, after=1.0)
    status = world.statuses[-1]
    world.restart()
    assert board.row(KEY) is None
    await world.apply(status=status)

    assert shown(board).moved is not None
    assert [(0, 5, "WokeUp")] == [(each.before, each.after, each.reason) for each in board.tally.latest]
    assert (5, 0) == board.tally.hour(now=int(world.clock.utcnow().timestamp()))
