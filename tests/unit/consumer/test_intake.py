import pytest

from qc_consumer.intake import Intake


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def settle(intake: Intake, count: int) -> None:
    for _ in range(count):
        intake.settled()


@pytest.mark.parametrize(("settled", "lags"), [(0, False), (32, False), (33, True), (500, True)])
def test_what_is_settled_at_once_may_lag_beyond_the_brokers_limit(clock: Clock, settled: int, lags: bool) -> None:  # noqa: FBT001 - a parameter of the test
    intake = Intake(window=50, clock=clock)
    settle(intake, settled)
    assert intake.may_lag is lags


def test_a_window_that_the_broker_takes_in_at_once_never_lags(clock: Clock) -> None:
    intake = Intake(window=32, clock=clock)
    settle(intake, 500)
    assert not intake.may_lag


def test_what_was_settled_long_ago_does_not_lag(clock: Clock) -> None:
    intake = Intake(window=50, clock=clock)
    settle(intake, 500)
    clock.now += 1.9
    assert intake.may_lag
    clock.now += 0.1
    assert not intake.may_lag


def test_deliveries_settled_one_after_the_other_do_not_lag(clock: Clock) -> None:
    intake = Intake(window=50, clock=clock)
    for _ in range(500):
        clock.now += 0.1
        intake.settled()
    assert not intake.may_lag
