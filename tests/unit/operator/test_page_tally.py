"""Replicas that came and went are counted by the minute for an hour, and are forgotten then."""

from __future__ import annotations

from qc_operator.page.tally import LATEST, MINUTES, Left, Scaling, Tally, scaling

HOUR = 3600
BEGIN = 100 * HOUR
ENTRY = {"time": "2026-11-27T06:00:00Z", "from": 3, "to": 8, "reason": "WokeUp", "message": "12 messages"}


def at(minute: int, *, name: str = "orders") -> Scaling:
    """One of so many minutes after six."""
    return scaling(namespace="shop", name=name, entry={**ENTRY, "time": f"2026-11-27T06:{minute:02}:00Z"})


def test_ups_and_downs_are_counted_apart() -> None:
    tally = Tally()
    tally.count(at=BEGIN, before=0, after=5)
    tally.count(at=BEGIN + 59, before=5, after=3)
    tally.count(at=BEGIN + 60, before=3, after=4)

    assert (6, 2) == tally.hour(now=BEGIN + 60)


def test_a_minute_counts_for_an_hour() -> None:
    tally = Tally()
    tally.count(at=BEGIN, before=0, after=5)
    tally.count(at=BEGIN + 60, before=5, after=4)

    assert (5, 1) == tally.hour(now=BEGIN + HOUR - 1)
    assert (0, 1) == tally.hour(now=BEGIN + HOUR)


def test_while_nobody_asks_no_more_than_an_hour_is_kept() -> None:
    tally = Tally()
    for minute in range(24 * 60):
        tally.count(at=BEGIN + 60 * minute, before=0, after=1)

    assert MINUTES == len(tally._minutes)
    assert (MINUTES, 0) == tally.hour(now=BEGIN + 24 * HOUR - 1)


def test_the_latest_are_kept_and_all_are_counted() -> None:
    tally = Tally()
    for number in range(LATEST + 2):
        tally.add(scaling(namespace="shop", name=f"orders-{number}", entry=ENTRY))

    assert (LATEST, LATEST + 2, "orders-2") == (len(tally.latest), tally.added, tally.latest[0].name)


def test_one_is_told_as_the_status_has_it() -> None:
    told = scaling(namespace="shop", name="orders", entry=ENTRY)

    assert ("shop", "orders", "2026-11-27T06:00:00Z", 3, 8, "WokeUp", "12 messages") == (
        told.namespace, told.name, told.time, told.before, told.after, told.reason, told.message,
    )  # fmt: skip


def test_what_is_cleared_is_forgotten_but_not_uncounted() -> None:
    """A stream knows by the count which it has told of."""
    tally = Tally()
    tally.count(at=BEGIN, before=0, after=5)
    tally.add(scaling(namespace="shop", name="orders", entry=ENTRY))
    tally.clear()

    assert ((0, 0), 0, 1) == (tally.hour(now=BEGIN), len(tally.latest), tally.added)


def test_what_was_done_before_stands_at_its_time() -> None:
    """A pod that begins to lead is told of one object after the other, each with its own past."""
    tally = Tally()
    for minute in (30, 10):
        tally.recall(at(minute))
    tally.add(at(40, name="mails"))
    tally.recall(at(20, name="mails"))

    assert [at(10), at(20, name="mails"), at(30), at(40, name="mails")] == list(tally.latest)


def test_of_all_that_was_done_before_the_latest_are_kept() -> None:
    tally = Tally()
    for minute in range(LATEST):
        tally.recall(at(minute + 1))
    for minute in (0, 55, 20):
        tally.recall(at(minute, name="mails"))

    assert (LATEST, at(3), at(55, name="mails"), LATEST + 2) == (
        len(tally.latest), tally.latest[0], tally.latest[-1], tally.added,
    )  # fmt: skip


def test_what_is_there_already_is_not_told_twice() -> None:
    """As of an object that was not served for a while."""
    tally = Tally()
    tally.add(at(30))
    tally.recall(at(30))

    assert ([at(30)], 1) == (list(tally.latest), tally.added)


def test_who_left_within_the_hour_is_remembered_until_it_is_back() -> None:
    left = Left()
    left.put("orders", now=BEGIN, counted="2026-11-27T06:10:00Z")
    left.put("orders", now=BEGIN + 60, counted="2026-11-27T06:30:00Z")
    left.put("mails", now=BEGIN + HOUR, counted="2026-11-27T06:20:00Z")

    assert ["2026-11-27T06:30:00Z", "", ""] == [left.take(name) for name in ("orders", "orders", "receipts")]
    assert 1 == len(left)


def test_of_those_who_left_long_ago_nothing_is_kept() -> None:
    """Objects come and go for months, each with a name of its own."""
    left = Left()
    for minute in range(24 * 60):
        left.put(f"orders-{minute}", now=BEGIN + 60 * minute, counted="2026-11-27T06:10:00Z")

    assert MINUTES == len(left)


def test_news_are_told_as_they_come_and_once() -> None:
    tally = Tally()
    tally.add(at(30))
    known = tally.added
    tally.recall(at(10))
    tally.add(at(31))

    assert [at(10), at(31)] == tally.since(known)
    assert [] == tally.since(tally.added)
    for minute in range(LATEST + 3):
        tally.add(at(minute % 60, name=f"mails-{minute}"))
    assert (LATEST, "mails-3") == (len(tally.since(known)), tally.since(known)[0].name)
