"""Replicas that came and went are counted by the minute for an hour, and are forgotten then."""

from __future__ import annotations

from qc_operator.page.tally import LATEST, MINUTES, Tally, scaling

HOUR = 3600
BEGIN = 100 * HOUR
ENTRY = {"time": "2026-11-27T06:00:00Z", "from": 3, "to": 8, "reason": "WokeUp", "message": "12 messages"}


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
