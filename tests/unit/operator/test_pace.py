"""How often queues are read: by state, and evenly less often when there are many."""

import pytest

from qc_operator.brokers.pace import BrokerPace
from qc_operator.settings import ReadingSettings

SETTINGS = ReadingSettings(fast_interval=0.2, steady_interval=1.0, declares_per_second=1000.0)


@pytest.fixture
def pace() -> BrokerPace:
    return BrokerPace(settings=SETTINGS)


def test_under_the_cap_the_intervals_are_those_of_the_settings(pace: BrokerPace) -> None:
    pace.count(fast=True, change=150)
    pace.count(fast=False, change=250)

    assert (0.2, 1.0) == (pace.interval(fast=True), pace.interval(fast=False))


def test_over_the_cap_every_interval_grows_by_the_same_factor(pace: BrokerPace) -> None:
    pace.count(fast=True, change=300)
    pace.count(fast=False, change=500)

    assert pytest.approx((0.4, 2.0)) == (pace.interval(fast=True), pace.interval(fast=False))
    assert pytest.approx(1000) == 300 / pace.interval(fast=True) + 500 / pace.interval(fast=False)


def test_queues_that_are_no_longer_read_give_their_share_back(pace: BrokerPace) -> None:
    pace.count(fast=True, change=400)
    pace.count(fast=True, change=-200)

    assert 0.2 == pace.interval(fast=True)


def test_first_readings_are_spread_and_soon(pace: BrokerPace) -> None:
    firsts = [pace.first() for _ in range(200)]

    assert 0 <= min(firsts)
    assert max(firsts) <= 0.05
    assert len(set(firsts)) > 100


@pytest.mark.parametrize(("failures", "pause"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (6, 60), (100_000, 60)])
def test_a_queue_that_cannot_be_read_is_tried_less_and_less_often(pace: BrokerPace, failures: int, pause: int) -> None:
    pauses = [pace.retry(failures=failures) for _ in range(50)]

    assert 0.8 * pause <= min(pauses)
    assert max(pauses) <= pause
    assert len(set(pauses)) > 10


@pytest.mark.parametrize("fast", [True, False])
def test_queues_are_asked_about_together_and_as_often_as_they_should_be(pace: BrokerPace, *, fast: bool) -> None:
    interval = pace.interval(fast=fast)
    dues = [pace.next_due(after=100 + step * interval / 100, fast=fast) for step in range(100)]

    assert len(set(dues)) <= 3
    waits = [due - 100 - step * interval / 100 for step, due in enumerate(dues)]
    assert 0.75 * interval <= min(waits)
    assert max(waits) <= 1.25 * interval + 1e-9
    assert pytest.approx(interval, rel=0.03) == sum(waits) / len(waits)
