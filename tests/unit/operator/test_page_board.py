"""The board takes in what is told, and tells who looks on what is new in it."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bench.page_course import condition, known
from qc_operator.page.board import Board
from qc_operator.page.curve import Curve
from qc_operator.page.history import History
from qc_operator.page.row import Row
from qc_operator.registry import Key
from qc_operator.reporting import Change, rfc3339

BEGIN = datetime(2026, 11, 27, 6, tzinfo=UTC)
ORDERS = known("shop", "orders")


class Clock:
    now = BEGIN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(clock: Clock) -> Board:
    made = Board(utcnow=clock)
    made.follow()
    return made


def status(*history: tuple[datetime, int, int], replicas: int = 0) -> dict[str, Any]:
    return {
        "conditions": [condition("Ready", "True", "Scaling", "well", since=rfc3339(BEGIN))],
        "currentReplicas": replicas,
        "history": [
            {"time": rfc3339(at), "from": before, "to": after, "reason": "WokeUp", "message": "12 messages"}
            for at, before, after in history
        ],
    }


def touched(board: Board) -> dict[Key, Row | None]:
    return dict(board.touched())


def test_what_was_told_is_touched_once(board: Board) -> None:
    board.told(ORDERS, status=status(), change=None, now=BEGIN)

    assert [Key("shop", "orders")] == list(touched(board))
    assert {} == touched(board)


def test_who_begins_to_look_is_shown_all(clock: Clock) -> None:
    board = Board(utcnow=clock)
    board.told(ORDERS, status=status(), change=None, now=BEGIN)
    board.told(known("shop", "mails"), status=status(), change=None, now=BEGIN)
    board.gone(ORDERS.key)
    assert {} == touched(board)
    board.follow()

    assert [Key("shop", "mails")] == list(touched(board))


def test_while_nobody_looks_nothing_piles_up(board: Board) -> None:
    """QueueConsumers may come and go for months, each with a name of its own."""
    board.unfollow()
    for number in range(5):
        about = known("shop", f"orders-{number}")
        board.told(about, status=status((BEGIN, 0, 5)), change=Change(before=0, after=5), now=BEGIN)
        board.gone(about.key)

    assert ({}, {}) == (dict(board.scaled()), touched(board))


def test_what_is_gone_is_told_once(board: Board) -> None:
    board.told(ORDERS, status=status(), change=None, now=BEGIN)
    touched(board)
    board.gone(ORDERS.key)

    assert {ORDERS.key: None} == touched(board)
    assert {} == touched(board)
    assert board.find(ORDERS.key) is None


def test_a_change_is_told_at_once_and_counted(board: Board) -> None:
    told: list[int] = []
    board.moved = lambda: told.append(1)
    board.told(ORDERS, status=status(), change=None, now=BEGIN)
    board.told(ORDERS, status=status((BEGIN, 0, 5)), change=Change(before=0, after=5), now=BEGIN)

    assert [1] == told
    assert (5, 0) == board.tally.hour(now=int(BEGIN.timestamp()))
    assert [("orders", 0, 5, "12 messages")] == [
        (each.name, each.before, each.after, each.message) for each in board.tally.latest
    ]


def test_changes_before_this_process_count_if_they_are_of_this_hour(board: Board) -> None:
    history = [(BEGIN - timedelta(minutes=minutes), 3, 1) for minutes in (10, 50, 70)]
    board.told(ORDERS, status=status(*history), change=None, now=BEGIN)

    assert (0, 4) == board.tally.hour(now=int(BEGIN.timestamp()))
    assert (0, 2) == board.tally.hour(now=int(BEGIN.timestamp()) + 1800)


def test_changes_before_this_process_are_among_the_latest(board: Board) -> None:
    """So that the page does not count what it cannot list."""
    history = [(BEGIN - timedelta(minutes=minutes), 3, 1) for minutes in (10, 50)]
    told: list[int] = []
    board.moved = lambda: told.append(1)
    board.told(known("shop", "mails"), status=status((BEGIN - timedelta(minutes=30), 0, 5)), change=None, now=BEGIN)
    board.told(ORDERS, status=status(*history), change=None, now=BEGIN)

    assert [("orders", 3, 1, "12 messages"), ("mails", 0, 5, "12 messages"), ("orders", 3, 1, "12 messages")] == [
        (each.name, each.before, each.after, each.message) for each in board.tally.latest
    ]
    # They are no news that is sent at once.
    assert [] == told


def test_what_leaves_and_comes_back_is_not_counted_twice(board: Board) -> None:
    """As with a label of its namespace that is taken away and given back. What was done meanwhile counts."""
    first, second = BEGIN - timedelta(minutes=30), BEGIN - timedelta(minutes=10)
    board.told(known("shop", "mails"), status=status(), change=None, now=BEGIN)
    board.told(ORDERS, status=status((first, 0, 5)), change=None, now=BEGIN)
    board.gone(ORDERS.key)
    board.told(ORDERS, status=status((first, 0, 5)), change=None, now=BEGIN)
    assert (5, 0) == board.tally.hour(now=int(BEGIN.timestamp()))
    board.told(ORDERS, status=status((second, 5, 7), (first, 0, 5)), change=Change(before=5, after=7), now=BEGIN)
    board.gone(ORDERS.key)
    board.told(ORDERS, status=status((BEGIN, 7, 6), (second, 5, 7), (first, 0, 5)), change=None, now=BEGIN)

    assert (7, 1) == board.tally.hour(now=int(BEGIN.timestamp()))


def test_who_leads_anew_counts_anew(board: Board) -> None:
    """All are gone when a process ceases to lead, and what was counted with them."""
    for _ in range(2):
        board.told(ORDERS, status=status((BEGIN - timedelta(minutes=30), 0, 5)), change=None, now=BEGIN)
        assert (5, 0) == board.tally.hour(now=int(BEGIN.timestamp()))
        board.gone(ORDERS.key)


def test_a_change_that_a_clock_ahead_of_ours_has_dated_is_of_now(board: Board) -> None:
    board.told(ORDERS, status=status((BEGIN + timedelta(days=400), 3, 1)), change=None, now=BEGIN)

    assert (0, 2) == board.tally.hour(now=int(BEGIN.timestamp()))
    assert (0, 0) == board.tally.hour(now=int(BEGIN.timestamp()) + 3600)


def test_the_first_telling_may_be_of_a_change_which_counts_once(board: Board) -> None:
    board.told(ORDERS, status=status((BEGIN, 0, 5)), change=Change(before=0, after=5), now=BEGIN)

    assert (5, 0) == board.tally.hour(now=int(BEGIN.timestamp()))


def test_silence_is_touched_when_it_begins_and_when_it_ends(board: Board, clock: Clock) -> None:
    board.told(ORDERS, status=status(), change=None, now=BEGIN)
    touched(board)
    clock.now = BEGIN + timedelta(seconds=60)
    assert {} == touched(board)
    clock.now = BEGIN + timedelta(seconds=61)
    silent = touched(board)[ORDERS.key]
    assert silent is not None
    assert "silent" == silent.state
    assert {} == touched(board)
    board.told(ORDERS, status=status(), change=None, now=clock.now)
    again = touched(board)[ORDERS.key]
    assert again is not None
    assert "idle" == again.state


def test_no_second_of_the_minute_has_all_curves_to_draw(
    board: Board, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take ten times as long as the rest of a row, and in a fleet they would hold up every decision."""
    drawn: list[datetime] = []
    draw = History.curve

    def counted(self: History, **told: int) -> Curve:
        drawn.append(clock.now)
        return draw(self, **told)

    monkeypatch.setattr(History, "curve", counted)
    orders = [known("shop", f"orders-{number}") for number in range(120)]
    for about in orders:
        board.told(about, status=status(), change=None, now=BEGIN)
        board.row(about.key)
    drawn.clear()
    for second in range(1, 61):
        clock.now = BEGIN + timedelta(seconds=second)
        for about in orders:
            board.row(about.key)

    assert (120, True) == (len(drawn), max(Counter(drawn).values()) < 10)


def test_all_pods_are_counted(board: Board) -> None:
    board.told(ORDERS, status=status(replicas=3), change=None, now=BEGIN)
    board.told(known("shop", "mails"), status=status(replicas=4), change=None, now=BEGIN)

    assert 7 == board.pods()


def test_a_status_that_makes_no_sense_disturbs_nobody(board: Board, caplog: pytest.LogCaptureFixture) -> None:
    """It may have been written by somebody else: no turn fails, and no other object is hidden."""
    with caplog.at_level(logging.CRITICAL):
        board.told(ORDERS, status={"history": [{"time": "soon"}], "queues": 7}, change=None, now=BEGIN)
    with caplog.at_level(logging.CRITICAL):
        shown = board.row(ORDERS.key)

    assert shown is None or "notReady" == shown.state


def test_the_small_curve_ends_with_the_number_next_to_it(board: Board, clock: Clock) -> None:
    """It is drawn once a minute, and points are kept every 15 s."""

    def tell(ready: int) -> None:
        told = {**status(), "queues": [{"name": "orders", "state": "Read", "ready": ready, "unacknowledged": 0}]}
        board.told(ORDERS, status=told, change=None, now=clock.now)

    tell(0)
    shown = []
    for second, ready in ((30, 7), (31, 90), (32, 0)):
        clock.now = BEGIN + timedelta(seconds=second)
        tell(ready)
        made = board.row(ORDERS.key)
        assert made is not None
        shown.append((made.ready, made.curve[-2:]))

    assert [(7, "09"), (90, "09"), (0, "")] == shown


def test_who_serves_nothing_any_more_has_counted_nothing(board: Board) -> None:
    board.told(ORDERS, status=status((BEGIN, 0, 5)), change=Change(before=0, after=5), now=BEGIN)
    board.gone(ORDERS.key)

    assert ((0, 0), []) == (board.tally.hour(now=int(BEGIN.timestamp())), list(board.tally.latest))
