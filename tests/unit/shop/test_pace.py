import math

import pytest

from examples.shop.services.pace import Pace


def test_orders_become_due_at_the_rate() -> None:
    pace = Pace(per_second=5, now=100.0)

    due = [pace.due(now=100.0 + tenth / 10) for tenth in range(1, 11)]

    assert due == [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]


def test_a_fraction_of_an_order_is_not_lost_between_calls() -> None:
    pace = Pace(per_second=0.5, now=0.0)

    assert sum(pace.due(now=quarter / 4) for quarter in range(1, 41)) == 5


def test_a_new_rate_counts_from_the_moment_it_is_set() -> None:
    pace = Pace(per_second=4, now=0.0)
    pace.change(per_second=40, now=0.5)

    assert pace.due(now=1.0) == 2 + 20


def test_at_zero_nothing_is_due() -> None:
    pace = Pace(per_second=0, now=0.0)

    assert pace.due(now=3600.0) == 0


def test_after_a_stall_at_most_a_second_of_orders_is_made_up_for() -> None:
    pace = Pace(per_second=50, now=0.0)

    assert pace.due(now=60.0) == 50


def test_a_slow_rate_reaches_whole_orders_in_spite_of_the_limit_on_catching_up() -> None:
    pace = Pace(per_second=0.1, now=0.0)

    assert [pace.due(now=5.0), pace.due(now=10.0)] == [0, 1]


def test_a_clock_that_is_read_out_of_order_gives_nothing_back() -> None:
    pace = Pace(per_second=10, now=10.0)

    assert [pace.due(now=9.0), pace.due(now=9.5)] == [0, 5]


@pytest.mark.parametrize("per_second", [-1.0, math.nan])
def test_a_rate_that_is_none_is_refused(per_second: float) -> None:
    pace = Pace(per_second=1, now=0.0)

    with pytest.raises(ValueError, match="perSecond is"):
        pace.change(per_second=per_second, now=0.0)
    assert pace.per_second == 1
