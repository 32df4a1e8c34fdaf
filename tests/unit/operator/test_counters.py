"""Counters that never fall, from those of a broker that do."""

import pytest

from qc_operator.brokers.counters import CounterLedger, Counts
from qc_operator.scaling.observation import Counters


def shown(*values: int) -> dict[str, Counts]:
    return {"orders": Counts(published=values[0], acknowledged=values[1], delivered=values[2])}


def test_what_was_counted_before_the_first_reading_does_not_count() -> None:
    ledger = CounterLedger()
    ledger.add(shown(1000, 900, 950), at=5.0)

    assert Counters(published=0, acknowledged=0, delivered=0, at=5.0) == ledger.of("orders")


def test_growth_is_added_up() -> None:
    ledger = CounterLedger()
    for at, values in [(0.0, (10, 10, 10)), (5.0, (13, 12, 14)), (10.0, (20, 12, 15))]:
        ledger.add(shown(*values), at=at)

    assert Counters(published=10, acknowledged=2, delivered=5, at=10.0) == ledger.of("orders")


def test_a_counter_that_went_back_to_little_was_reset_and_all_it_shows_is_new() -> None:
    ledger = CounterLedger()
    for at, values in [(0.0, (10, 10, 10)), (5.0, (15, 14, 14)), (10.0, (3, 0, 2)), (15.0, (4, 1, 2))]:
        ledger.add(shown(*values), at=at)

    assert Counters(published=9, acknowledged=5, delivered=6, at=15.0) == ledger.of("orders")


@pytest.mark.parametrize(("left", "added"), [(60, 60), (61, 0), (900_000, 0)])
def test_what_is_left_when_a_node_leaves_the_sums_is_no_burst(left: int, added: int) -> None:
    ledger = CounterLedger()
    for at, published in [(0.0, 1_000_000), (5.0, 1_000_005), (10.0, left)]:
        ledger.add(shown(published, 0, 0), at=at)

    # Five came in the five seconds before: sixty may have come since a reset, and a million have not.
    assert Counters(published=5 + added, acknowledged=0, delivered=0, at=10.0) == ledger.of("orders")


def test_a_queue_that_was_left_out_keeps_its_sums_and_their_age() -> None:
    ledger = CounterLedger()
    ledger.add(shown(0, 0, 0), at=0.0)
    ledger.add(shown(5, 5, 5), at=5.0)
    ledger.add({}, at=10.0)

    assert Counters(published=5, acknowledged=5, delivered=5, at=5.0) == ledger.of("orders")


def test_a_queue_whose_counters_are_no_longer_needed_is_forgotten() -> None:
    ledger = CounterLedger()
    ledger.add(shown(5, 5, 5), at=0.0)
    ledger.keep([])

    assert ledger.of("orders") is None
