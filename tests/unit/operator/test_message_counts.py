"""Messages that have passed: counters that never fall, whatever becomes of the queues and of their readers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qc_operator.message_counts import MessageCounts, Passed
from qc_operator.scaling.observation import Counters, EntryObservation, QueueObservation
from tests.unit.operator.conftest import entry, known

NOW = 1000.0


def counted(
    published: int, acknowledged: int = 0, redelivered: int = 0, *, at: float = NOW, name: str = "receipts"
) -> QueueObservation:
    counters = Counters(
        published=published, acknowledged=acknowledged, delivered=acknowledged, redelivered=redelivered, at=at
    )
    return replace(known(ready=0, unacknowledged=0, at=at, name=name), counters=counters)


def take(counts: MessageCounts, *entries: EntryObservation, now: float = NOW) -> Passed | None:
    return counts.take(entries, now=now)


def test_what_was_counted_before_this_object_came_is_not_its_own() -> None:
    counts = MessageCounts()

    assert Passed(0, 0, 0) == take(counts, entry(counted(900, 800, 3)))
    assert Passed(50, 40, 2) == take(counts, entry(counted(950, 840, 5, at=NOW + 5)), now=NOW + 5)


def test_the_same_reading_counts_once() -> None:
    counts, seen = MessageCounts(), entry(counted(10, at=NOW + 5))
    take(counts, entry(counted(0)))

    assert [Passed(10, 0, 0)] * 3 == [take(counts, seen, now=NOW + 5) for _ in range(3)]


def test_entries_are_added_up() -> None:
    counts = MessageCounts()
    take(counts, entry(counted(0)), entry(counted(0, name="b"), counted(0, name="c"), pattern="b|c"))

    later = (
        entry(counted(1, at=NOW + 5)),
        entry(counted(10, 7, at=NOW + 5, name="b"), counted(100, 0, 1, at=NOW + 5, name="c"), pattern="b|c"),
    )
    assert Passed(111, 7, 1) == take(counts, *later, now=NOW + 5)


def test_a_queue_that_goes_takes_nothing_away_and_one_that_comes_brings_only_what_grows() -> None:
    counts = MessageCounts()
    take(counts, entry(counted(0, name="a"), counted(0, name="b"), pattern="."))
    take(counts, entry(counted(5, name="a", at=NOW + 5), counted(7, name="b", at=NOW + 5), pattern="."))

    gone = take(counts, entry(counted(6, name="a", at=NOW + 10), pattern="."), now=NOW + 10)
    come = take(
        counts, entry(counted(6, name="a", at=NOW + 15), counted(900, name="c", at=NOW + 15), pattern="."), now=NOW + 15
    )
    grown = take(
        counts, entry(counted(6, name="a", at=NOW + 20), counted(903, name="c", at=NOW + 20), pattern="."), now=NOW + 20
    )

    assert [Passed(13, 0, 0), Passed(13, 0, 0), Passed(16, 0, 0)] == [gone, come, grown]


def test_counters_of_another_reader_begin_anew() -> None:
    counts = MessageCounts()
    take(counts, entry(counted(100)))
    take(counts, entry(counted(130, at=NOW + 5)), now=NOW + 5)

    assert Passed(34, 0, 0) == take(counts, entry(counted(4, at=NOW + 10)), now=NOW + 10)


@pytest.mark.parametrize(("age", "known"), [(15.0, True), (15.1, False)])
def test_counters_that_have_grown_old_are_not_known_and_go_on_where_they_were(age: float, *, known: bool) -> None:
    counts, seen = MessageCounts(), entry(counted(0))
    take(counts, seen)

    assert known == (take(counts, seen, now=NOW + age) is not None)
    assert Passed(3, 0, 0) == take(counts, entry(counted(3, at=NOW + 60)), now=NOW + 60)


def test_without_counters_of_one_entry_nothing_is_known() -> None:
    counts = MessageCounts()

    assert take(counts) is None
    assert take(counts, entry(counted(5)), entry(known(ready=1, unacknowledged=0, at=NOW))) is None


def test_two_queues_of_one_name_in_two_vhosts_are_two() -> None:
    counts = MessageCounts()
    both = [replace(counted(0), vhost=vhost) for vhost in ("shop", "bank")]
    take(counts, entry(both[0]), entry(both[1]))
    later = [replace(counted(each, at=NOW + 5), vhost=vhost) for each, vhost in ((1, "shop"), (10, "bank"))]

    assert Passed(11, 0, 0) == take(counts, entry(later[0]), entry(later[1]), now=NOW + 5)
