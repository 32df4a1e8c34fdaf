"""The operator's histogram is read from /metrics, and only what was observed in between counts."""

import math

import pytest
from prometheus_client import generate_latest

from bench.operator_histogram import Histogram, parsed
from qc_operator.metrics import Metrics


def metrics_text(*, up: list[float], down: list[float]) -> str:
    metrics = Metrics()
    for direction, seconds in (("up", up), ("down", down)):
        for value in seconds:
            metrics.reaction.of(direction).observe(value)
    return generate_latest(metrics.registry).decode()


def test_only_reactions_upwards_count() -> None:
    histogram = parsed(metrics_text(up=[0.004, 0.02], down=[2.0]))

    assert 2 == histogram.count
    assert pytest.approx(0.012) == histogram.mean


def test_before_the_first_reaction_it_is_empty() -> None:
    assert 0 == parsed(metrics_text(up=[], down=[1.0])).count


def test_the_difference_of_two_readings_is_what_was_observed_in_between() -> None:
    before = parsed(metrics_text(up=[0.3], down=[]))
    after = parsed(metrics_text(up=[0.3, 0.008, 0.008, 0.03], down=[]))

    between = after.since(before)

    assert 3 == between.count
    assert pytest.approx(0.046 / 3) == between.mean


def test_everything_counts_since_an_empty_reading() -> None:
    after = parsed(metrics_text(up=[0.02], down=[]))

    assert after == after.since(Histogram(counts={}, total=0.0))


def test_a_percentile_is_the_bound_of_its_bucket() -> None:
    histogram = parsed(metrics_text(up=[0.004] * 9 + [31.0], down=[]))

    assert 0.005 == histogram.at_most(rank=50)
    assert 0.005 == histogram.at_most(rank=90)
    assert math.inf == histogram.at_most(rank=99)
