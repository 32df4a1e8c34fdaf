"""Percentiles are values that were measured."""

import pytest

from bench.percentiles import percentile


@pytest.mark.parametrize(
    ("rank", "expected"),
    [
        pytest.param(1, 1, id="the smallest"),
        pytest.param(50, 25, id="as many below as above"),
        pytest.param(98, 49, id="the second largest of 50"),
        pytest.param(99, 50, id="of 50 values the p99 is the largest"),
        pytest.param(100, 50, id="the largest"),
    ],
)
def test_nearest_rank_of_the_numbers_1_to_50(rank: float, expected: int) -> None:
    assert expected == percentile(range(50, 0, -1), rank=rank)


def test_of_one_value_every_percentile_is_that_value() -> None:
    assert [7.5, 7.5] == [percentile([7.5], rank=rank) for rank in (1, 99)]


@pytest.mark.parametrize("rank", [0, -1, 100.1])
def test_a_rank_outside_of_percent_is_refused(rank: float) -> None:
    with pytest.raises(ValueError, match="rank"):
        percentile([1.0], rank=rank)


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], rank=50)
