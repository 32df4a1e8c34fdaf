"""What the fleet's bench makes of its samples."""

import random

import pytest

from bench.fleet_churn import churn_figure, grown
from bench.fleet_reactions import APART, gaps


def test_memory_is_compared_from_the_second_tenth_of_the_time_to_the_last_one() -> None:
    # It fills its caches at first, grows by 1 MiB in 10 s after, and one sample is an outlier.
    samples = [(float(at), 50.0 if at < 10 else 100 + at / 10) for at in range(101)]
    samples[95] = (95.0, 500.0)

    assert pytest.approx(8.0, abs=0.2) == grown(samples)


def test_memory_that_goes_down_has_not_grown() -> None:
    assert -5.0 == grown([(float(at), 100.0 if at < 50 else 95.0) for at in range(101)])


@pytest.mark.parametrize(
    ("seconds", "name"),
    [
        (1800, "memory grown over 1,800 s of churn"),
        (60, "memory grown over 60 s of churn, where the goal is for 1,800"),
    ],
)
def test_the_table_says_for_how_long_it_churned(seconds: float, name: str) -> None:
    figure = churn_figure([(0.0, 100.0), (seconds, 111.0)], seconds=seconds)

    assert (name, 10.0, False) == (figure.name, figure.goal, figure.met)


def test_messages_come_at_all_moments_between_readings_alike() -> None:
    found = gaps(50, chance=random.Random(1))  # noqa: S311 - no secret

    assert list(range(50)) == sorted(int(gap * 50 / APART) for gap in found)
    assert found != sorted(found)
