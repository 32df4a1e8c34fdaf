"""A throughput that is believed too low is found out by replicas that are never all at work."""

from __future__ import annotations

from typing import Any

import pytest

from qc_operator.scaling.arrivals import Interval
from qc_operator.scaling.throughput import Work, throughput
from qc_operator.scaling.utilisation import DOUBLINGS, TRIAL, doubted

# A message a second for each replica is believed, 9 a second are delivered: C(10, 9) = 0.6687 of the looks find all ten
# at work, so that 15 looks find them so ten times.
EACH = 1.0
LEARNED = Work(acknowledged=200.0, seconds=200.0, total=1000)


def looked(*, held: float = 9.0, ready: float = 0.0, before: float = 0.0, seconds: float = 5.0) -> Interval:
    """An interval at whose end so many messages are held, and so many of them ready."""
    return Interval(0.0, seconds, 9.0 * seconds, 9.0 * seconds, before, ready, 9.0, held)


def seen(work: Work, *intervals: Interval, replicas: int = 10, settled: bool = True, asked: bool = False) -> Work:
    for interval in intervals:
        work = doubted(before=work, after=work, interval=interval, replicas=replicas, settled=settled, asked=asked)
    return work


def each(work: Work) -> float:
    value, _ = throughput(work)
    assert value is not None
    return value


def raised(**changes: Any) -> Work:
    """An estimate of 1/s that has just been raised: nine do what ten were to do."""
    return Work(acknowledged=5.0, seconds=4.5, total=1000, trusted=1.0, raised_at=10)._replace(**changes)


def test_each_look_counts_for_as_much_as_it_was_likely_to_find_all_at_work() -> None:
    assert seen(LEARNED, looked()).unseen == pytest.approx(0.66873, abs=1e-5)
    assert seen(LEARNED, looked(), looked()).unseen == pytest.approx(2 * 0.66873, abs=1e-5)
    # Half a service time after the last look.
    assert seen(LEARNED, looked(seconds=0.5)).unseen == pytest.approx(0.5 * 0.66873, abs=1e-5)


def test_ten_times_unseen_the_estimate_is_raised_by_a_tenth_of_the_replicas() -> None:
    almost = seen(LEARNED, *[looked()] * 14)
    work = seen(almost, looked())

    assert (1.0, 0.0) == (each(almost), almost.trusted)
    assert each(work) == pytest.approx(10 / 9)
    assert (5.0, 1000, 0.0, 1.0, 0, 0) == (
        work.acknowledged,
        work.total,
        work.unseen,
        work.trusted,
        work.tried,
        work.refuted,
    )


@pytest.mark.parametrize(
    ("replicas", "fewer"), [(2, 1), (3, 2), (9, 8), (10, 9), (11, 9), (20, 18), (21, 18), (30, 27), (100, 90)]
)
def test_a_tenth_is_one_replica_at_least(replicas: int, fewer: int) -> None:
    usual = Interval(0.0, 5.0, 1.0, 1.0, 0.0, 0.0, 0.9 * replicas, replicas - 1.0)

    assert each(seen(LEARNED._replace(unseen=10.0), usual, replicas=replicas)) == pytest.approx(replicas / fewer)


@pytest.mark.parametrize(
    ("interval", "unseen"),
    [
        pytest.param(looked(held=9.9), 1.6687, id="one is idle"),
        pytest.param(looked(held=10.0), 0.0, id="all are at work"),
        pytest.param(looked(held=9.0, ready=1.0), 0.0, id="a message waits"),
        pytest.param(looked(held=0.0, before=5.0), 1.6687, id="one waited before"),
        pytest.param(looked(held=-1.0), 1.0, id="not known"),
        pytest.param(looked()._replace(usual=5.0), 1.0361, id="half of the time at work"),
        pytest.param(looked()._replace(usual=4.99), 0.0, id="less than half"),
        pytest.param(looked()._replace(usual=12.0), 2.0, id="more than they were to manage"),
    ],
)
def test_what_a_look_says(interval: Interval, unseen: float) -> None:
    assert seen(LEARNED._replace(unseen=1.0), interval).unseen == pytest.approx(unseen, abs=1e-4)


def test_the_very_same_where_nothing_is_to_be_said() -> None:
    for given in ({"settled": False}, {"replicas": 1}, {"replicas": 0}):
        assert seen(LEARNED, looked(held=0.0), **given) is LEARNED
    assert seen(LEARNED, looked(held=10.0)) is LEARNED
    nothing = Work()
    assert seen(nothing, looked()) is nothing


def test_two_replicas_can_be_one_too_many() -> None:
    usual = Interval(0.0, 5.0, 1.0, 1.0, 0.0, 0.0, 1.8, 1.0)

    assert each(seen(LEARNED._replace(unseen=9.9), usual, replicas=2)) == pytest.approx(2.0)


def test_the_specs_word_is_raised_as_well() -> None:
    work = seen(Work(prior=1.0, acknowledged=20.0, seconds=20.0, lower=0.8, unseen=9.9), looked())

    assert each(work) == pytest.approx(10 / 9)
    assert "spec" == throughput(work)[1]
    assert work.lower == 0.8


def test_a_lower_bound_is_raised_where_nothing_else_is_known() -> None:
    work = seen(Work(acknowledged=3.0, seconds=1.0, total=3, lower=1.0, unseen=9.9), looked())

    assert each(work) == pytest.approx(10 / 9)
    assert "lowerBound" == throughput(work)[1]
    assert (3.0, 1.0, 1.0) == (work.acknowledged, work.seconds, work.trusted)


@pytest.mark.parametrize(("ready", "before", "ended"), [(1.0, 0.0, True), (0.0, 1.0, True), (0.0, 0.0, False)])
def test_more_replicas_for_a_backlog_end_the_trial(*, ready: float, before: float, ended: bool) -> None:
    work = seen(raised(), looked(ready=ready, before=before, held=11.0), asked=True)

    assert each(work) == pytest.approx(1.0 if ended else 10 / 9)
    assert (ended, int(ended)) == (work.trusted == 0.0, work.refuted)


def test_a_lower_bound_that_was_raised_comes_back() -> None:
    work = seen(Work(lower=2.0, trusted=1.0), looked(ready=60.0, before=60.0), asked=True)

    assert (1.0, "lowerBound") == throughput(work)
    assert (0.0, 0.0) == (work.acknowledged, work.seconds)


@pytest.mark.parametrize(("refuted", "looks"), [(0, 15), (1, 30), (3, 120)])
def test_each_trial_that_a_backlog_ends_takes_twice_as_many_looks_to_be_made_again(refuted: int, looks: int) -> None:
    work = LEARNED._replace(refuted=refuted)

    assert 0.0 == seen(work, *[looked()] * (looks - 1)).trusted
    tried = seen(work, *[looked()] * looks)
    assert (1.0, refuted, 10) == (tried.trusted, tried.refuted, tried.raised_at)


def test_a_day_is_the_longest() -> None:
    work = seen(raised(refuted=DOUBLINGS), looked(ready=1.0), asked=True)

    assert DOUBLINGS == work.refuted == 10


def test_a_second_raise_counts_from_the_last_and_forgets_no_refutation() -> None:
    work = seen(raised(refuted=2, unseen=39.9), looked(held=8.0), replicas=9)

    assert (2, 0) == (work.refuted, work.tried)
    assert work.trusted == pytest.approx(10 / 9)
    assert each(work) == pytest.approx(10 / 8)


@pytest.mark.parametrize("replicas", [10, 12])
def test_a_second_raise_without_a_replica_less_leaves_what_is_trusted(replicas: int) -> None:
    busy = looked(held=replicas - 1.0)._replace(usual=replicas * 1.0)
    work = seen(raised(unseen=9.9), busy, replicas=replicas)

    assert (1.0, 10, 0.0) == (work.trusted, work.raised_at, work.unseen)
    assert each(work) == pytest.approx(10 / 9 * (10 / 9 if replicas == 10 else 12 / 10))
    # Nor does a backlog bring back anything else.
    assert each(seen(work, looked(ready=1.0), asked=True)) == pytest.approx(1.0)


@pytest.mark.parametrize(("replicas", "kept"), [(65_535, 65_535), (65_536, 65_535)])
def test_replicas_are_kept_up_to_what_two_bytes_hold(replicas: int, kept: int) -> None:
    usual = Interval(0.0, 5.0, 1.0, 1.0, 0.0, 0.0, 1.0 * replicas, replicas - 1.0)

    assert kept == seen(LEARNED._replace(unseen=10.0), usual, replicas=replicas).raised_at


def test_after_ten_minutes_more_replicas_are_put_down_to_the_load() -> None:
    wait = looked(held=10.0, ready=1.0)
    almost = seen(raised(), *[wait] * (TRIAL - 2))
    over = seen(raised(), *[wait] * (TRIAL - 1))

    assert (118, 119) == (almost.tried, over.tried)
    assert each(seen(almost, wait, asked=True)) == pytest.approx(1.0)
    assert each(seen(over, wait, asked=True)) == pytest.approx(10 / 9)
    assert TRIAL == seen(over, wait, wait, wait).tried
    assert 118 == seen(almost, wait, settled=False).tried


def test_messages_that_wait_all_the_time_teach_what_is_true() -> None:
    # 45 waited, and 45 were delivered by nine in 5 s.
    work = seen(raised(), looked(before=45.0, ready=45.0, held=54.0), replicas=9)

    assert (50.0, 49.5) == (work.acknowledged, work.seconds)
    assert each(work) == pytest.approx(50 / 49.5)
    unsettled = seen(raised(), looked(before=45.0, ready=45.0, held=54.0), replicas=9, settled=False)
    assert unsettled == raised()


def test_they_teach_nothing_below_what_was_believed_before() -> None:
    work = seen(raised(), looked(before=45.0, ready=45.0, held=54.0), replicas=90)

    assert each(work) == pytest.approx(1.0)
    assert (5.0, 1.0) == (work.acknowledged, work.trusted)


def test_a_lower_bound_is_not_taught_by_them() -> None:
    bound = Work(lower=2.0, trusted=1.0)

    assert bound._replace(tried=1) == seen(bound, looked(before=45.0, ready=45.0, held=54.0))


def test_full_work_ends_the_trial() -> None:
    after = raised(total=1050, acknowledged=50.0, seconds=50.0)
    work = doubted(before=raised(), after=after, interval=looked(ready=500.0), replicas=9, settled=True, asked=False)

    assert (1.0, 0.0, 1, 0) == (each(work), work.trusted, work.refuted, work.tried)
