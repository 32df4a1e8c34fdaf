"""What a replica manages at full work, and that idle ones never look slow."""

from __future__ import annotations

from math import exp

import pytest

from qc_operator.scaling.arrivals import Interval
from qc_operator.scaling.throughput import (
    EACH_LEAST,
    EACH_MOST,
    TOTAL_MOST,
    Work,
    saturated,
    throughput,
    with_prior,
    worked,
)


def full(acknowledged: float, *, seconds: float = 5.0, usual: float = 0.0) -> Interval:
    """An interval with more than enough to do."""
    return Interval(0.0, seconds, acknowledged, acknowledged, 1e6, 1e6, usual)


def slack(acknowledged: float, *, seconds: float = 5.0) -> Interval:
    """An interval in which the queue was empty now and then."""
    return Interval(0.0, seconds, acknowledged, acknowledged, 1.0, 1.0, 0.0)


FULL = Work(full=True)
"""Messages were waiting before, too."""


def after(work: Work, *intervals: Interval, replicas: int = 1) -> Work:
    for interval in intervals:
        work = worked(before=work, interval=interval, replicas=replicas, settled=True)
    return work


@pytest.mark.parametrize(
    ("before", "after_", "delivered", "acknowledged", "certain"),
    [
        pytest.param(100.0, 1.0, 100.0, 100.0, True, id="never empty"),
        pytest.param(100.0, 0.0, 100.0, 100.0, False, id="empty in the end"),
        pytest.param(100.0, 1.0, 101.0, 100.0, False, id="may have been empty"),
        pytest.param(100.0, 1.0, 0.0, 101.0, False, id="deliveries that are counted late"),
        pytest.param(1.0, 1.0, 0.0, 0.0, True, id="nothing delivered"),
        pytest.param(0.0, 1.0, 0.0, 0.0, False, id="empty in the beginning"),
        pytest.param(-1.0, 1.0, 0.0, 0.0, False, id="not known before"),
        pytest.param(100.0, -1.0, 0.0, 0.0, False, id="not known after"),
    ],
)
def test_when_it_is_certain_that_messages_were_waiting_all_the_time(
    *, before: float, after_: float, delivered: float, acknowledged: float, certain: bool
) -> None:
    assert certain == saturated(Interval(0.0, 5.0, acknowledged, delivered, before, after_, 0.0))


@pytest.mark.parametrize(
    ("ready", "usual", "work", "enough"),
    [
        pytest.param(153.0, 10.0, Work(), True, id="as usual"),
        pytest.param(152.9, 10.0, Work(), False, id="too few for what is usual"),
        pytest.param(183.0, 10.0, Work(acknowledged=60.0, seconds=10.0), True, id="as learned"),
        pytest.param(182.9, 10.0, Work(acknowledged=60.0, seconds=10.0), False, id="too few for what was learned"),
        pytest.param(3.0, 0.0, Work(), True, id="a few where nothing is expected"),
        pytest.param(2.9, 0.0, Work(), False, id="not even a few"),
    ],
)
@pytest.mark.parametrize("settled", [True, False])
def test_enough_must_wait_for_two_intervals(
    *, ready: float, usual: float, work: Work, enough: bool, settled: bool
) -> None:
    interval = Interval(0.0, 5.0, 2.0, 2.0, ready, 50.0, usual)
    seen = worked(before=work, interval=interval, replicas=2, settled=settled)

    assert enough == seen.full
    assert 0 == seen.total


@pytest.mark.parametrize(("ready", "full"), [(50.0, False), (300.0, True)])
def test_what_counts_is_how_many_were_waiting_before_the_interval_before(ready: float, *, full: bool) -> None:
    interval = Interval(0.0, 5.0, 50.0, 50.0, ready, 1.0, 10.0)

    assert (50, full) == (after(FULL, interval).total, after(FULL, interval).full)
    assert (0, full) == (after(Work(), interval).total, after(Work(), interval).full)


def test_a_queue_that_ran_empty_ends_it() -> None:
    assert not after(FULL, slack(5.0)).full
    assert 0 == after(FULL, slack(5.0)).total


def test_replicas_that_are_not_settled_teach_nothing() -> None:
    for interval in (full(50.0), full(0.0), slack(50.0)):
        seen = worked(before=FULL, interval=interval, replicas=2, settled=False)

        assert seen._replace(full=True) == FULL


def test_throughput_is_acknowledgements_by_seconds_and_replicas() -> None:
    work = after(FULL, full(60.0), replicas=3)

    assert Work(acknowledged=60.0, seconds=15.0, total=60, full=True) == work
    assert (4.0, "learned") == throughput(work)


@pytest.mark.parametrize(("acknowledged", "expected"), [(19, (None, None)), (20, (4.0, "learned"))])
def test_twenty_acknowledgements_are_enough(acknowledged: int, expected: tuple[float | None, str | None]) -> None:
    assert expected == throughput(after(FULL, full(acknowledged, seconds=acknowledged / 4)))


@pytest.mark.parametrize(
    ("each", "replicas", "tau"),
    [
        pytest.param(10.0, 2, 300.0, id="fast: five minutes"),
        pytest.param(0.4, 1, 500.0, id="200 acknowledgements"),
        pytest.param(0.1, 4, 500.0, id="by all of them"),
        pytest.param(0.01, 1, 900.0, id="slow: fifteen minutes"),
    ],
)
def test_what_was_learned_before_fades(each: float, replicas: int, tau: float) -> None:
    before = Work(acknowledged=100.0, seconds=100.0 / each, total=100, full=True)

    work = after(before, full(7.0, seconds=50.0), replicas=replicas)

    assert work.acknowledged == pytest.approx(100.0 * exp(-50.0 / tau) + 7.0)
    assert work.seconds == pytest.approx(100.0 / each * exp(-50.0 / tau) + 50.0 * replicas)
    assert work.total == 107


def test_consumers_that_become_half_as_fast_are_known_as_such_within_the_time_constant() -> None:
    work = after(FULL, *[full(50.0)] * 200)
    slow = after(work, *[full(25.0)] * 60)  # 300 s
    slower = after(slow, *[full(25.0)] * 120)

    assert throughput(work)[0] == pytest.approx(10.0)
    assert throughput(slow)[0] == pytest.approx(5.0 + 5.0 * exp(-1.0), rel=0.01)
    assert throughput(slower)[0] == pytest.approx(5.0 + 5.0 * exp(-3.0), rel=0.01)


def test_consumers_that_become_twice_as_fast_are_known_as_such() -> None:
    work = after(FULL, *[full(50.0)] * 200, *[full(100.0)] * 180)

    assert throughput(work)[0] == pytest.approx(20.0, rel=0.06)


def test_slow_consumers_acknowledge_nothing_in_most_intervals() -> None:
    pattern = [full(0.0)] * 11 + [full(1.0)]
    work = after(FULL, *pattern * 40)

    assert throughput(work)[0] == pytest.approx(1.0 / 60.0)
    assert work.silent == 0.0


def test_silence_is_kept_until_something_is_acknowledged() -> None:
    work = after(Work(acknowledged=30.0, seconds=30.0, total=30, full=True), full(0.0), full(0.0), replicas=1)

    assert work.silent == 10.0
    assert (30.0, 30.0) == (work.acknowledged, work.seconds)
    fading = exp(-15.0 / 300.0)
    assert after(work, full(5.0)).seconds == pytest.approx(30.0 * fading + 15.0)


@pytest.mark.parametrize(("silent", "taken"), [(10.0, 15.0), (10.1, 5.0)])
def test_consumers_that_acknowledge_nothing_for_ten_service_times_are_stuck_not_slow(
    silent: float, taken: float
) -> None:
    work = after(Work(acknowledged=30.0, seconds=30.0, total=30, silent=silent, full=True), full(5.0))

    assert work.seconds == pytest.approx(30.0 * exp(-taken / 300.0) + taken)
    assert work.silent == 0.0


def test_stuck_consumers_leave_the_throughput_alone() -> None:
    work = after(FULL, *[full(50.0)] * 50)

    assert throughput(work) == throughput(after(work, *[full(0.0)] * 10_000))


def test_silence_is_bounded_where_nothing_is_to_be_expected() -> None:
    work = after(FULL, *[full(0.0)] * 2_000, replicas=3)

    assert work.silent == 3 * 3600.0
    assert after(work, full(3.0), replicas=3).seconds == 3 * 3605.0


@pytest.mark.parametrize("replicas", [0, -1])
def test_without_replicas_nothing_is_learned(replicas: int) -> None:
    work = Work(acknowledged=30.0, seconds=30.0, total=30)

    assert worked(before=work, interval=slack(50.0), replicas=replicas, settled=True) is work


def test_what_the_spec_says_counts_as_twenty_acknowledgements() -> None:
    work = with_prior(FULL, seconds=0.5)

    assert Work(prior=0.5, acknowledged=20.0, seconds=10.0, full=True) == work
    assert (2.0, "spec") == throughput(work)
    each, source = throughput(after(work, full(19.0, seconds=19.0)))
    fading = exp(-19.0 / 300.0)
    assert each == pytest.approx((20.0 * fading + 19.0) / (10.0 * fading + 19.0))
    assert source == "spec"
    assert throughput(after(work, full(20.0, seconds=20.0)))[1] == "learned"


def test_the_spec_is_taken_at_its_word_until_enough_is_learned() -> None:
    little = after(with_prior(FULL, seconds=0.5), full(19.0))
    enough = after(with_prior(FULL, seconds=0.5), full(20.0))

    assert Work(prior=2.0, acknowledged=20.0, seconds=40.0, full=True) == with_prior(little, seconds=2.0)
    assert FULL == with_prior(little, seconds=None)
    assert enough._replace(prior=2.0) == with_prior(enough, seconds=2.0)
    assert enough._replace(prior=0.0) == with_prior(enough, seconds=None)


@pytest.mark.parametrize(("seconds", "same"), [(0.2, True), (0.2 + 1e-8, True), (0.2 + 1e-6, False)])
def test_the_spec_saying_the_same_changes_nothing(seconds: float, *, same: bool) -> None:
    work = with_prior(Work(), seconds=0.2)

    assert same == (with_prior(work, seconds=seconds) is work)


def test_no_word_of_the_spec_and_none_before() -> None:
    work = Work(total=3, lower=1.0)

    assert with_prior(work, seconds=None) is work


def test_a_lower_bound_takes_a_minute_and_fifty_acknowledgements() -> None:
    assert throughput(after(Work(), *[slack(10.0)] * 11)) == (None, None)
    assert throughput(after(Work(), *[slack(4.0)] * 12)) == (None, None)
    each, source = throughput(after(Work(), *[slack(10.0)] * 12))
    assert each == pytest.approx(2.0 * (1.0 - 2.0 / 120.0**0.5))
    assert source == "lowerBound"
    fifty = after(Work(), *[slack(4.0)] * 12, slack(2.0))
    assert fifty.lower == pytest.approx(50.0 / 65.0 * (1.0 - 2.0 / 50.0**0.5))
    assert (0.0, 0.0) == (fifty.block_acknowledged, fifty.block_seconds)


def test_a_lower_bound_takes_a_minute_of_each_replica() -> None:
    assert throughput(after(Work(), *[slack(10.0)] * 11, replicas=4)) == (None, None)
    assert throughput(after(Work(), *[slack(10.0)] * 12, replicas=4))[0] == pytest.approx(
        0.5 * (1.0 - 2.0 / 120.0**0.5)
    )


def test_a_lower_bound_is_given_up_after_ten_minutes_of_little_to_do() -> None:
    almost = after(Work(), *[slack(0.1)] * 119)

    assert almost.block_seconds == 595.0
    assert Work() == after(almost, slack(0.1))


def test_the_best_lower_bound_is_kept() -> None:
    best = after(Work(), *[slack(100.0)] * 12)

    assert best == after(best, *[slack(10.0)] * 12)
    assert after(best, *[slack(200.0)] * 12).lower > best.lower


@pytest.mark.parametrize(("acknowledged", "source"), [(30.0, "lowerBound"), (5.0, "spec")])
def test_the_spec_is_not_believed_below_what_was_seen(acknowledged: float, source: str) -> None:
    work = after(with_prior(Work(), seconds=0.5), *[slack(acknowledged)] * 12)

    each, found = throughput(work)

    assert source == found
    assert each is not None
    assert each >= 2.0


def test_idle_replicas_never_lower_what_was_learned() -> None:
    work = after(FULL, *[full(50.0)] * 20)
    idle = after(work, *[slack(each) for each in (40.0, 20.0, 10.0, 5.0, 1.0, 0.0) for _ in range(500)])

    assert throughput(work) == throughput(idle)


def test_an_estimate_below_what_was_seen_is_raised() -> None:
    work = Work(acknowledged=30.0, seconds=30.0, total=30)
    raised = after(work, *[slack(20.0)] * 12)
    bound = 4.0 * (1.0 - 2.0 / 240.0**0.5)

    assert throughput(raised)[0] == pytest.approx(bound)
    assert raised.acknowledged == 30.0
    assert throughput(raised)[1] == "learned"


def test_what_was_learned_is_bounded() -> None:
    assert (EACH_LEAST, "learned") == throughput(Work(acknowledged=20.0, seconds=1e9, total=20))
    assert (EACH_MOST, "learned") == throughput(Work(acknowledged=1e9, seconds=1e-3, total=20))
    assert (EACH_LEAST, "learned") == throughput(Work(total=20))


def test_acknowledgements_are_counted_as_far_as_they_can_be_kept() -> None:
    assert after(Work(total=TOTAL_MOST - 3, full=True), full(50.0)).total == TOTAL_MOST
