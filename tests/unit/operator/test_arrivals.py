"""Rates from counters: smoothing, gaps, counters that begin anew, queues that come and go."""

from __future__ import annotations

from math import exp, inf, nan

import pytest

from qc_operator.scaling.arrivals import Interval, Smoothed, borne_out, deviation, known, smoothed, time_constant
from qc_operator.scaling.counted import COUNT_MOST, Counted, counted
from qc_operator.scaling.observation import (
    Counters,
    Depth,
    EntryObservation,
    QueueObservation,
    Totals,
    Unavailable,
    Unknown,
)
from tests.unit.operator.conftest import spec

TAU = 20.0
FIVE = 1.0 - exp(-5.0 / TAU)
"""Weight of a growth over five seconds."""


@pytest.mark.parametrize(
    ("targets", "tau"),
    [
        pytest.param({"publishRate": {"perReplica": 5}}, 20.0, id="no objective"),
        pytest.param({"wait": {"objectiveSeconds": 1}}, 20.0, id="bounded below"),
        pytest.param({"wait": {"objectiveSeconds": 80}}, 20.0, id="at the lower bound"),
        pytest.param({"wait": {"objectiveSeconds": 200}}, 50.0, id="a quarter"),
        pytest.param({"wait": {"objectiveSeconds": 480}}, 120.0, id="at the upper bound"),
        pytest.param({"drain": {"withinSeconds": 3600}}, 120.0, id="bounded above"),
        pytest.param({"drain": {"withinSeconds": 300}}, 75.0, id="drain"),
        pytest.param({"drain": {"withinSeconds": 300}, "wait": {"objectiveSeconds": 100}}, 25.0, id="the smaller one"),
    ],
)
def test_the_time_constant_follows_the_objective(targets: dict[str, object], tau: float) -> None:
    assert tau == time_constant(spec(queues=[{"name": "receipts"} | targets]).queues[0])


def at(
    time: float,
    *,
    published: float = 1.0,
    acknowledged: float = 0.0,
    delivered: float = 0.0,
    held: float = 0.0,
    ready: float = 0.0,
    members: int = 0,
    unused: int = 0,
) -> Counted:
    return Counted(time, published, acknowledged, delivered, held, ready, members, unused)


def after(*readings: Counted, tau: float = TAU) -> Smoothed:
    flow = Smoothed()
    for reading in readings:
        flow, _ = smoothed(before=flow, now=reading, tau=tau)
    return flow


def rate(flow: Smoothed) -> float | None:
    return flow.arrivals / flow.covered if known(begun=flow.begun, covered=flow.covered) else None


def steady(*, times: list[float], each: float = 10.0) -> Smoothed:
    return after(*(at(time, published=1.0 + each * time) for time in times))


def test_the_first_reading_says_nothing_of_rates() -> None:
    flow, interval = smoothed(before=Smoothed(), now=at(7.0, published=4.0, ready=3.0), tau=TAU)

    assert interval is None
    assert Smoothed(at=7.0, published=4.0, held=0.0, ready=3.0) == flow


def test_a_growth_weighs_as_much_as_the_time_it_took() -> None:
    flow, interval = smoothed(
        before=Smoothed(*at(100.0, published=10.0, acknowledged=5.0, delivered=6.0, ready=9.0)),
        now=at(105.0, published=60.0, acknowledged=25.0, delivered=36.0, ready=4.0),
        tau=TAU,
    )

    assert Interval(100.0, 5.0, 20.0, 30.0, 9.0, 4.0, 0.0, 0.0) == interval
    assert flow.begun == pytest.approx(FIVE)
    assert flow.covered == pytest.approx(FIVE)
    assert flow.arrivals == pytest.approx(10.0 * FIVE)
    assert flow.deliveries == pytest.approx(6.0 * FIVE)
    assert flow.acknowledgements == pytest.approx(4.0 * FIVE)
    assert flow.guessed == 0.0


def test_what_came_before_fades() -> None:
    flow = after(at(0.0), at(5.0, published=51.0), at(10.0, published=151.0))

    assert flow.arrivals == pytest.approx(10.0 * FIVE * exp(-0.25) + 20.0 * FIVE)
    assert flow.covered == pytest.approx(1.0 - exp(-0.5))
    assert flow.begun == pytest.approx(1.0 - exp(-0.5))


def test_an_interval_knows_what_was_usual_before_it() -> None:
    flow = after(at(0.0), at(5.0, delivered=50.0))
    _, interval = smoothed(before=flow, now=at(10.0, delivered=150.0), tau=TAU)

    assert interval is not None
    assert interval.usual == pytest.approx(10.0)


def test_a_steady_flow_is_known_after_two_thirds_of_the_time_constant() -> None:
    assert rate(steady(times=[0.0, 5.0, 10.0])) is None
    assert rate(steady(times=[0.0, 5.0, 13.0])) is None
    assert rate(steady(times=[0.0, 5.0, 10.0, 13.4])) == pytest.approx(10.0)
    assert rate(steady(times=[0.0, 5.0, 10.0, 15.0])) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("begun", "covered", "expected"),
    [
        (1.0, 0.75, True),
        (1.0, 0.7499, False),
        (1.0 - exp(-2 / 3), 1.0 - exp(-2 / 3), True),
        (0.486, 0.486, False),
        (0.6, 0.45, True),
        (0.6, 0.449, False),
    ],
)
def test_three_quarters_of_the_window_must_have_been_read(begun: float, covered: float, *, expected: bool) -> None:
    assert expected == known(begun=begun, covered=covered)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([5.0], True, id="none missing"),
        pytest.param([8.0], True, id="a slow broker"),
        pytest.param([5.0, 5.0, 10.0], True, id="one of four missing"),
        pytest.param([5.0, 10.0], False, id="one of three missing"),
        pytest.param([10.0], False, id="every other missing"),
        pytest.param([8.6], False, id="a broker that is too slow"),
    ],
)
def test_readings_that_are_missing_all_the_time(steps: list[float], *, expected: bool) -> None:
    times = [0.0]
    for _ in range(60):
        for step in steps:
            times.append(times[-1] + step)

    value = rate(steady(times=times))

    assert (value is not None) == expected


def test_after_a_gap_rates_are_not_known_until_the_window_is_full_again() -> None:
    before = [5.0 * count for count in range(40)]
    begin = before[-1] + 60.0

    found = [rate(steady(times=[*before, *(begin + 5.0 * count for count in range(more))])) for more in range(7)]

    assert found[0] == pytest.approx(10.0)
    assert [value is None for value in found] == [False, True, True, True, True, True, False]
    assert found[6] == pytest.approx(10.0)


@pytest.mark.parametrize("time", [700.1, 99.0, -inf, nan])
def test_after_a_long_time_or_a_step_back_all_begins_anew(time: float) -> None:
    before = after(at(90.0), at(100.0, published=50.0))
    now = at(time, published=90.0)

    flow, interval = smoothed(before=before, now=now, tau=TAU)

    assert interval is None
    assert Smoothed(*now).__repr__() == flow.__repr__()


def test_the_longest_interval_still_counts() -> None:
    flow, interval = smoothed(before=Smoothed(*at(100.0)), now=at(700.0, published=601.0), tau=TAU)

    assert interval is not None
    assert flow.arrivals == pytest.approx(1.0 - exp(-6.0 / TAU))
    assert flow.covered == pytest.approx(1.0 - exp(-6.0 / TAU))
    assert flow.begun == pytest.approx(1.0)


@pytest.mark.parametrize(("time", "waits"), [(100.0, True), (100.09, True), (100.11, False)])
def test_a_reading_too_soon_waits_for_the_next(time: float, *, waits: bool) -> None:
    before = Smoothed(*at(100.0))
    flow, interval = smoothed(before=before, now=at(time, published=5.0), tau=TAU)

    assert waits == (flow is before)
    assert waits == (interval is None)


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(at(105.0, published=150.0, acknowledged=39.0, delivered=60.0), id="acknowledged"),
        pytest.param(at(105.0, published=150.0, acknowledged=60.0, delivered=49.0), id="delivered"),
        pytest.param(at(105.0, published=99.0, acknowledged=60.0, delivered=60.0, held=-1.0), id="published"),
    ],
)
def test_counters_that_begin_anew_are_a_reading_less(now: Counted) -> None:
    before = after(
        at(95.0, published=50.0, acknowledged=20.0, delivered=25.0),
        at(100.0, published=100.0, acknowledged=40.0, delivered=50.0),
    )
    flow, interval = smoothed(before=before, now=now, tau=TAU)

    assert interval is None
    assert flow.covered == pytest.approx(before.covered * exp(-0.25))
    assert flow.arrivals / flow.covered == pytest.approx(10.0)
    assert flow.deliveries / flow.covered == pytest.approx(5.0)
    assert flow.acknowledgements / flow.covered == pytest.approx(4.0)
    assert flow.begun > before.begun
    assert now == Counted(*flow[:8])


def test_arrivals_without_their_counter_are_what_was_acknowledged_and_what_the_queue_grew_by() -> None:
    before = Smoothed(*at(100.0, published=100.0, acknowledged=40.0, held=30.0))
    flow, interval = smoothed(before=before, now=at(105.0, published=3.0, acknowledged=60.0, held=60.0), tau=TAU)

    assert interval is not None
    assert flow.arrivals == pytest.approx(10.0 * FIVE)
    assert flow.guessed == pytest.approx(FIVE)


def test_a_queue_that_nobody_publishes_to_is_fed_by_dead_letters() -> None:
    flow = after(
        *(
            at(5.0 * n, published=0.0, acknowledged=40.0 * n, delivered=50.0 * n, held=100.0 + 10.0 * n)
            for n in range(5)
        )
    )

    assert rate(flow) == pytest.approx(10.0)
    assert flow.guessed == pytest.approx(flow.covered)


def test_the_estimate_is_made_up_for_when_the_queue_is_counted_later_than_the_acknowledgements() -> None:
    flow = after(
        at(0.0, published=0.0, acknowledged=0.0, held=50.0),
        at(5.0, published=0.0, acknowledged=0.0, held=40.0),
        at(10.0, published=0.0, acknowledged=20.0, held=30.0),
    )

    assert flow.arrivals == pytest.approx(-2.0 * FIVE * exp(-0.25) + 2.0 * FIVE)


@pytest.mark.parametrize("held", [0.0, -1.0])
def test_an_idle_queue_needs_no_estimate(held: float) -> None:
    flow = after(*(at(5.0 * n, published=0.0, held=held) for n in range(5)))

    assert rate(flow) == 0.0
    assert flow.guessed == 0.0


def test_where_the_length_is_not_known_nothing_is_estimated() -> None:
    for held in ((-1.0, 5.0), (5.0, -1.0)):
        flow = after(*(at(5.0 * n, published=0.0, acknowledged=10.0 * n, held=each) for n, each in enumerate(held)))

        assert flow.arrivals == 0.0
        assert flow.guessed == 0.0
        assert flow.covered == pytest.approx(FIVE)


def queue(name: str, counters: Counters | None, *, ready: int = 0, unread: bool = False) -> QueueObservation:
    missing = Unknown(cause="BrokerUnreachable", message="refused", at=0.0)
    return QueueObservation(
        name=name,
        vhost="shop",
        depth=missing if unread else Depth(ready=ready, consumers=1, at=1.0),
        totals=Unavailable(message="none")
        if unread
        else Totals(ready=ready, unacknowledged=2, at=1.0, answered_at=1.0),
        counters=counters,
    )


def entry(*queues: QueueObservation, pattern: bool = True) -> EntryObservation:
    return EntryObservation(name="receipts", vhost="shop", queues=queues, pattern=pattern)


def counters(published: int, acknowledged: int, delivered: int, *, time: float) -> Counters:
    return Counters(published=published, acknowledged=acknowledged, delivered=delivered, at=time)


def test_counters_of_a_queue_given_by_name() -> None:
    seen = counted(entry(queue("a", counters(9, 7, 8, time=5.0), ready=3), pattern=False))

    assert Counted(5.0, 9.0, 7.0, 8.0, 5.0, 3.0, 0, 0) == seen


def test_counters_of_a_pattern_are_added_up() -> None:
    seen = counted(
        entry(queue("a", counters(9, 7, 8, time=5.0), ready=3), queue("b", counters(10, 1, 2, time=5.0), ready=1))
    )

    assert seen is not None
    assert (5.0, 19.0, 8.0, 10.0, 8.0, 4.0) == seen[:6]


def test_a_queue_that_the_last_reading_left_out_does_not_count() -> None:
    both = entry(queue("a", counters(9, 7, 8, time=5.0)), queue("b", counters(10, 1, 2, time=10.0)))
    one = entry(queue("b", counters(10, 1, 2, time=10.0)), queue("c", None))
    seen, alone = counted(both), counted(one)

    assert seen is not None
    assert alone is not None
    assert (10.0, 10.0, 1.0, 2.0) == seen[:4]
    assert alone.members == seen.members != 0


@pytest.mark.parametrize("time", [inf, -inf, nan])
def test_no_counters(time: float) -> None:
    assert counted(entry()) is None
    assert counted(entry(queue("a", None))) is None
    assert counted(entry(queue("a", counters(1, 1, 1, time=time)))) is None


def test_lengths_are_known_when_every_queue_was_read() -> None:
    seen = counted(entry(queue("a", counters(1, 1, 1, time=5.0), ready=3), queue("b", None, unread=True)))

    assert seen is not None
    assert (-1.0, -1.0) == (seen.held, seen.ready)


def test_counts_beyond_reason_are_cut() -> None:
    seen = counted(entry(queue("a", counters(10**400, -5, 2**53, time=5.0)), pattern=False))

    assert seen is not None
    assert (float(COUNT_MOST), 0.0, 2.0**53) == seen[1:4]


def story(*observed: EntryObservation) -> Smoothed:
    return after(*(reading for each in observed if (reading := counted(each)) is not None))


def test_a_queue_that_comes_makes_no_jump_and_costs_no_reading() -> None:
    times = [0.0, 5.0, 10.0, 15.0, 20.0]
    flow = story(
        *(
            entry(
                queue("a", counters(int(10 * time), 0, 0, time=time)),
                *([queue("b", counters(int(4 * (time - 10)), 0, 0, time=time))] if time >= 10 else []),
            )
            for time in times[:4]
        )
    )

    assert flow.covered == pytest.approx(1.0 - exp(-0.75))
    assert flow.arrivals == pytest.approx(FIVE * (10 * exp(-0.5) + 10 * exp(-0.25) + 14))


@pytest.mark.parametrize("comes", [True, False])
def test_a_queue_that_goes_or_comes_back_makes_no_jump(*, comes: bool) -> None:
    a = [queue("a", counters(int(10 * time), 0, 0, time=time)) for time in (0.0, 5.0, 10.0, 15.0)]
    b = [queue("b", counters(5000 + int(10 * time), 0, 0, time=time)) for time in (0.0, 5.0, 10.0, 15.0)]
    there = [False, False, True, True] if comes else [True, True, False, False]

    flow = story(*(entry(one, *([other] if both else [])) for one, other, both in zip(a, b, there, strict=True)))

    first, last = (10.0, 20.0) if comes else (20.0, 10.0)
    assert flow.covered == pytest.approx(FIVE * (exp(-0.5) + 1.0))
    assert flow.arrivals == pytest.approx(FIVE * (first * exp(-0.5) + last))


def test_a_queue_that_goes_without_ever_having_been_used_costs_no_reading() -> None:
    flow = story(
        entry(queue("a", counters(10, 0, 0, time=0.0)), queue("b", counters(0, 0, 0, time=0.0))),
        entry(queue("a", counters(60, 0, 0, time=5.0))),
    )

    assert flow.arrivals == pytest.approx(10.0 * FIVE)


def test_nothing_new_published_is_nothing_arrived_whatever_is_acknowledged() -> None:
    before = Smoothed(*at(100.0, published=100.0, acknowledged=40.0, held=30.0))
    flow, _ = smoothed(before=before, now=at(105.0, published=100.0, acknowledged=60.0, held=25.0), tau=TAU)

    assert (0.0, 0.0) == (flow.arrivals, flow.guessed)


def test_an_empty_queue_is_a_known_length() -> None:
    flow = after(at(0.0, published=0.0, held=0.0), at(5.0, published=0.0, acknowledged=50.0, held=0.0))

    assert flow.arrivals == pytest.approx(10.0 * FIVE)
    assert flow.guessed == pytest.approx(FIVE)


def test_the_least_of_the_last_three_rates_is_what_lasts() -> None:
    flow, recent = Smoothed(), []
    for step, published in enumerate([0.0, 50.0, 1550.0, 1600.0, 1625.0, 1625.0]):
        flow, _ = smoothed(before=flow, now=at(100.0 + 5.0 * step, published=published + 7.0), tau=TAU)
        recent.append(flow.recent)

    # Of the first rate there are none before, and 300/s in one reading last no longer than it.
    assert [0.0, 0.0, 0.0, 10.0, 5.0, 0.0] == recent
    assert (0.0, 5.0) == (flow.latest, flow.previous)


def test_one_reading_with_few_arrivals_between_two_with_many_is_what_lasts() -> None:
    flow = after(at(100.0), at(105.0, published=51.0), at(110.0, published=61.0), at(115.0, published=161.0))

    assert (20.0, 2.0, 2.0) == (flow.latest, flow.previous, flow.recent)


@pytest.mark.parametrize(
    ("rate", "tau", "off"), [(0.0, 20.0, 0.0), (10.0, 20.0, 0.5), (40.0, 20.0, 1.0), (60.0, 120.0, 0.5)]
)
def test_a_smoothed_rate_is_off_by_chance(rate: float, tau: float, off: float) -> None:
    assert off == deviation(rate=rate, tau=tau)


def test_rates_begin_anew_where_two_readings_cannot_be_compared() -> None:
    before = Smoothed(*at(100.0, published=50.0), 0.9, 0.9, 0.0, 9.0, 9.0, 9.0, 10.0, 11.0, 9.0)
    flow, _ = smoothed(before=before, now=at(105.0, published=50.0, acknowledged=-1.0), tau=TAU)

    assert (0.0, 0.0, 0.0) == (flow.latest, flow.previous, flow.recent)


def test_an_estimate_below_zero_is_no_arrival() -> None:
    before = Smoothed(*at(100.0, held=30.0), latest=9.0, previous=9.0, recent=9.0)
    flow, _ = smoothed(before=before, now=at(105.0, held=10.0), tau=TAU)

    assert (0.0, 9.0, 0.0) == (flow.latest, flow.previous, flow.recent)


@pytest.mark.parametrize(("least", "rate"), [(0.0, 0.6), (0.6, 1.6), (7.0, 9.6), (3.0, 4.8)])
def test_a_low_count_bears_out_more_than_it_says(least: float, rate: float) -> None:
    # Of 3 messages in 5 s: 3 + 2 * 2 + 1, of 35: 35 + 2 * 6 + 1, of 15: 15 + 2 * 4 + 1.
    later = pytest.approx(rate, abs=1e-12)

    assert later == borne_out(least)


def test_what_was_held_at_the_end_is_told() -> None:
    _, interval = smoothed(before=Smoothed(*at(100.0)), now=at(105.0, held=4.0), tau=TAU)

    assert interval is not None
    assert 4.0 == interval.held_after
