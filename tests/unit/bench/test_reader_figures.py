"""The figures of `bench-reader` follow from what was measured, and those that cannot be had are named."""

from collections.abc import Sequence

import pytest

from bench import reader_figures as figures
from bench.reader_churn import SAMPLED, Churn
from bench.reader_cost import Cost, Window
from bench.reader_figures import AT_ZERO, NONE, STEADY, twice
from bench.report import Figure, Missing


def cost(
    *, broker: float = 3.0, reader: float = 2.0, reads: float = 1000, requests: int = 12, idle: float = 1.0
) -> Cost:
    """One window of 60 s with so many percent, reads per second and requests."""
    window = Window(seconds=60, broker=0.6 * broker, reader=0.6 * reader, reads=60 * reads, requests=requests)
    return Cost(windows=[window], idle=idle)


def met(found: Sequence[Figure | Missing]) -> list[bool | None]:
    return [each.met if isinstance(each, Figure) else None for each in found]


def values(found: Sequence[Figure | Missing]) -> dict[str, float]:
    return {each.name: round(each.value, 6) for each in found if isinstance(each, Figure)}


def test_a_state_gives_both_sides_per_second_and_per_read() -> None:
    assert {
        "classic, steady: broker CPU": 3,
        "classic, steady: operator CPU": 2,
        "classic, steady: broker CPU per read, less idle": 20,
        "classic, steady: operator CPU per read": 20,
        "classic, steady: declares per second": 1000,
        "classic, steady: HTTP requests per minute": 12,
    } == values(figures.cost_figures("classic, steady", cost(), STEADY))


@pytest.mark.parametrize(
    ("goals", "broker", "reader", "expected"),
    [
        (STEADY, 5.0, 10.0, [True, True]),
        (STEADY, 5.1, 10.1, [False, False]),
        (AT_ZERO, 15.0, 15.0, [True, True]),
        (twice(AT_ZERO), 30.0, 30.1, [True, False]),
        (NONE, 99.0, 99.0, [None, None]),
    ],
)
def test_the_goals_of_each_state(*, goals: figures.Goals, broker: float, reader: float, expected: list[bool]) -> None:
    assert expected == met(figures.cost_figures("x", cost(broker=broker, reader=reader), goals))[:2]


def test_the_delay_is_held_against_130_and_300_milliseconds() -> None:
    seconds = [0.1] * 51 + [0.301] * 49

    assert [100, 301] == [figure.value for figure in figures.delay_figures("x", seconds, AT_ZERO)]
    assert [True, False] == met(figures.delay_figures("x", seconds, AT_ZERO))
    assert [True, True] == met(figures.delay_figures("x", seconds, twice(AT_ZERO)))


def test_a_sweep_is_the_median_and_held_against_50_milliseconds() -> None:
    found = figures.sweep_figure("x", [0.05, 0.01, 0.9], AT_ZERO)

    assert (50, True) == (found.value, found.met)


def test_five_queue_consumers_may_not_ask_for_more_than_one() -> None:
    found = figures.sharing_figures("x", one=cost(), five=cost(reads=5000, requests=13))

    assert {
        "x, 5 QueueConsumers per queue: declares per second": 5000,
        "x, 5 QueueConsumers per queue: HTTP requests per minute": 13,
        "x, 5 QueueConsumers per queue / 1: declares": 5,
        "x, 5 QueueConsumers per queue / 1: HTTP requests": 1.083333,
    } == values(found)
    assert [None, None, False, True] == met(found)


def test_without_requests_there_is_no_multiple_of_them() -> None:
    found = figures.sharing_figures("x", one=cost(requests=0), five=cost())

    assert [("x, 5 QueueConsumers per queue / 1: HTTP requests", "there were none with one")] == [
        (each.name, each.reason) for each in found if isinstance(each, Missing)
    ]


def test_another_way_must_cost_8_times_as_much_on_each_side() -> None:
    found = figures.ratio_figures("x", "theirs / ours", peer=cost(broker=17.0, reader=15.9), ours=cost(), goal=8)

    assert {
        "x, theirs / ours: broker CPU per read": 8,
        "x, theirs / ours: client CPU per read": 7.95,
    } == values(found)
    assert [True, False] == met(found)


def test_there_is_no_ratio_to_a_reading_that_costs_no_more_than_being_idle() -> None:
    found = figures.ratio_figures("x", "theirs / ours", peer=cost(), ours=cost(idle=3.0), goal=8)

    assert [("x, theirs / ours: broker CPU per read", "the broker took no more than when idle")] == [
        (each.name, each.reason) for each in found if isinstance(each, Missing)
    ]


def churned(*, early: float, late: float, closed: float = 0) -> Churn:
    """Eight samples: what comes before the second quarter is out of every proportion, and does not count."""
    shares = [100.0, 100.0, early, early, 50.0, 50.0, late, late]
    samples = [dict.fromkeys(SAMPLED, share) | {"resident_kib": 1024 * share} for share in shares]
    return Churn(seconds=600, queues=3000, passwords=120, samples=samples, closed=dict.fromkeys(SAMPLED, closed))


def test_churn_compares_the_last_quarter_with_the_second() -> None:
    found = values(figures.churn_figures("x", churned(early=5, late=7)))
    label = "x, 3000 queues and 120 passwords in 600 s"

    assert (5, 2) == (found[f"{label}: resident at first"], found[f"{label}: growth of resident"])
    assert (5, 2) == (found[f"{label}: tasks at first"], found[f"{label}: growth of tasks"])


def test_churn_may_leave_nothing_behind() -> None:
    kept = figures.churn_figures("x", churned(early=5, late=5))
    grown = figures.churn_figures("x", churned(early=5, late=8, closed=1))

    assert {True} == {figure.met for figure in kept if figure.goal is not None}
    assert {False} == {figure.met for figure in grown if figure.goal is not None}
