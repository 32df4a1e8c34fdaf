"""When somebody who fails to answer is asked again."""

from qc_operator.brokers.breaker import Breaker


def failing(times: int, *, retry_after: float | None = None) -> Breaker:
    breaker = Breaker(first=5.0, most=60.0)
    for _ in range(times):
        breaker.failed(now=100.0, retry_after=retry_after)
    return breaker


def test_two_failures_are_no_reason_to_pause() -> None:
    assert 0.0 == failing(2).pause(now=100.0)


def test_the_third_failure_in_a_row_makes_for_a_pause_that_doubles_and_has_an_end() -> None:
    for times, longest in [(3, 5.0), (4, 10.0), (5, 20.0), (6, 40.0), (7, 60.0), (5000, 60.0)]:
        assert 0.75 * longest <= failing(times).pause(now=100.0) <= longest


def test_the_pause_runs_out() -> None:
    assert 0.0 == failing(3).pause(now=105.0)


def test_pauses_are_spread() -> None:
    assert len({failing(7).pause(now=100.0) for _ in range(20)}) > 10


def test_one_good_answer_ends_it() -> None:
    breaker = failing(7)
    breaker.succeeded()

    assert 0.0 == breaker.pause(now=100.0)
    breaker.failed(now=100.0)
    assert 0.0 == breaker.pause(now=100.0)


def test_what_the_other_side_asks_for_is_granted_at_once_and_up_to_the_longest_pause() -> None:
    assert 7.0 == failing(1, retry_after=7.0).pause(now=100.0)
    assert 60.0 == failing(1, retry_after=86_400.0).pause(now=100.0)
