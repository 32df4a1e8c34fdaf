"""Acknowledgements per second before and after a step: what is noise, and what is not."""

from __future__ import annotations

from random import Random

import pytest

from qc_operator.scaling.step_effect import Effect, Span, effect, enough_replicas, growth, rose, telling


def span(
    rate: float, seconds: float = 120.0, *, pods: float = 8, consumers: float | None = None, elsewhere: float = 0.0
) -> Span:
    return Span(
        seconds=seconds,
        acknowledged=rate * seconds,
        elsewhere=elsewhere * seconds,
        pod_seconds=pods * seconds,
        consumer_seconds=(pods if consumers is None else consumers) * seconds,
    )


@pytest.mark.parametrize(
    ("seconds", "acknowledged", "enough"),
    [(30.0, 20.0, True), (29.9, 1000.0, False), (600.0, 19.0, False), (0.0, 0.0, False)],
)
def test_what_can_be_compared(seconds: float, acknowledged: float, enough: bool) -> None:  # noqa: FBT001
    assert enough == Span(seconds=seconds, acknowledged=acknowledged).enough


def test_the_noise_of_a_rate() -> None:
    """100 of them in 50 s: the root of 400 for the counts, 3 s of 50 for the clock: 20 and 6 of the 100."""
    measured = Span(seconds=50.0, acknowledged=100.0)

    assert 2.0 == measured.rate
    assert (400.0 + 36.0) / 2500.0 == measured.variance


@pytest.mark.parametrize(
    ("low", "high", "before", "after", "expected"),
    [
        pytest.param(8, 16, 40.1, 40.9, Effect.NOTHING, id="2 % more"),
        pytest.param(8, 16, 40.0, 43.9, Effect.NOTHING, id="a little less than a tenth of what is expected"),
        pytest.param(8, 16, 40.0, 44.1, Effect.UNCLEAR, id="a little more"),
        pytest.param(8, 16, 40.0, 50.0, Effect.UNCLEAR, id="a quarter of it: two minutes do not tell"),
        pytest.param(8, 16, 40.0, 80.0, Effect.SOMETHING, id="twice as much"),
        pytest.param(8, 16, 40.0, 60.0, Effect.SOMETHING, id="half of what is expected"),
        pytest.param(8, 16, 40.0, 37.0, Effect.NOTHING, id="less than before, within the noise"),
        pytest.param(8, 16, 40.0, 35.5, Effect.NOTHING, id="clearly less, and less than half from each"),
        pytest.param(8, 12, 40.0, 36.0, Effect.NOTHING, id="a tenth less, within the noise"),
        pytest.param(8, 12, 40.0, 35.5, Effect.LESS, id="clearly less, as with heavier messages"),
        pytest.param(8, 12, 40.0, 30.1, Effect.LESS, id="a little more than half from each"),
        pytest.param(8, 12, 40.0, 29.9, Effect.NOTHING, id="a little less than half from each"),
        pytest.param(8, 16, 0.25, 0.05, Effect.UNCLEAR, id="too few to say so"),
        pytest.param(8, 9, 40.0, 40.0, Effect.UNCLEAR, id="one more of eight: two minutes tell nothing"),
        pytest.param(1, 2, 40.0, 40.0, Effect.NOTHING, id="one more of one"),
        pytest.param(1, 50, 40.0, 160.0, Effect.NOTHING, id="four times as much with fifty times as many"),
        pytest.param(1, 50, 40.0, 2000.0, Effect.SOMETHING, id="fifty times as much"),
        pytest.param(8, 16, 0.25, 0.25, Effect.UNCLEAR, id="30 messages"),
    ],
)
def test_two_minutes_before_and_after(low: int, high: int, before: float, after: float, expected: Effect) -> None:
    assert expected is effect(before=span(before, pods=low), after=span(after, pods=high))


@pytest.mark.parametrize(
    ("rate", "low", "high", "seconds"),
    [
        # Doubled: 3 * sqrt(2 * (4rs + (3r)^2)) / s < r/2 from here on, and half a minute at least.
        (40.0, 8, 16, 30),
        (1.0, 8, 16, 291),
        (0.5, 8, 16, 578),
        # A half, a quarter, an eighth more take longer; ten times as many do not.
        (40.0, 8, 12, 68),
        (40.0, 8, 10, 175),
        (40.0, 8, 9, 538),
        (0.5, 8, 80, 40),
    ],
)
def test_how_long_it_takes_to_be_sure(rate: float, low: int, high: int, seconds: int) -> None:
    found = [
        effect(before=span(rate, length, pods=low), after=span(rate, length, pods=high))
        for length in (seconds - 1, seconds)
    ]

    assert [Effect.UNCLEAR, Effect.NOTHING] == found


def test_too_little_of_either_side_is_unclear() -> None:
    long, short = 600.0, 29.0

    assert Effect.UNCLEAR is effect(before=span(40.0, short, pods=1), after=span(40.0, long, pods=9))
    assert Effect.UNCLEAR is effect(before=span(40.0, long, pods=1), after=span(40.0, short, pods=9))


@pytest.mark.parametrize(("gain", "expected"), [(0.0, Effect.NOTHING), (3.9, Effect.NOTHING), (4.1, Effect.ELSEWHERE)])
def test_work_that_the_new_pods_did_in_other_entries(gain: float, expected: Effect) -> None:
    before, after = span(40.0, elsewhere=5.0), span(40.0, pods=16, elsewhere=5.0 + gain)

    assert expected is effect(before=before, after=after)


@pytest.mark.parametrize(
    ("pods", "consumers", "expected"),
    [
        pytest.param(16, 16, 2.0, id="both"),
        pytest.param(16, 12, 1.5, id="a few have no consumers yet"),
        pytest.param(12, 16, 1.5, id="pods that open more consumers for themselves"),
        pytest.param(8, 16, 1.0, id="no more pods"),
        pytest.param(4, 8, 0.5, id="fewer pods"),
    ],
)
def test_how_many_times_as_many_are_at_work(pods: float, consumers: float, expected: float) -> None:
    assert expected == growth(before=span(1.0), after=span(1.0, pods=pods, consumers=consumers))


def test_where_nobody_was_at_work_before_nothing_has_grown() -> None:
    assert 1.0 == growth(before=span(1.0, pods=0), after=span(1.0))
    assert 1.0 == growth(before=span(1.0, pods=8, consumers=0), after=span(1.0))
    assert 80.0 == growth(before=span(1.0, 1.0, pods=0.1), after=span(1.0, 1.0))


@pytest.mark.parametrize("pods", [8, 4])
def test_as_many_or_fewer_replicas_say_nothing(pods: float) -> None:
    assert Effect.UNCLEAR is effect(before=span(40.0), after=span(20.0, pods=pods))


@pytest.mark.parametrize(
    ("before", "pods", "seconds", "expected"),
    [
        # A tenth more than nothing, within the noise: 4.1 of 40 that are expected.
        pytest.param(120.0, 16, 239.0, Effect.UNCLEAR, id="less than twice as long as before"),
        pytest.param(120.0, 16, 240.0, Effect.SOMETHING, id="twice as long"),
        pytest.param(30.0, 16, 119.0, Effect.UNCLEAR, id="less than two minutes"),
        pytest.param(30.0, 16, 120.0, Effect.SOMETHING, id="two minutes"),
        pytest.param(30.0, 15.9, 900.0, Effect.UNCLEAR, id="less than twice as many"),
    ],
)
def test_a_small_gain_that_lasts_is_taken_for_one(before: float, pods: float, seconds: float, expected: Effect) -> None:
    assert expected is effect(before=span(40.0, before), after=span(44.1, seconds, pods=pods))


@pytest.mark.parametrize(
    ("before", "times", "expected"),
    [
        # 0.7 * 3 * sqrt(4 * 40 * 30 + (3 * 40)^2) / 30 = 9.7 of 40 * (times - 1) / 2.
        pytest.param(span(40.0, 30.0), 1.49, True, id="half a minute, and a half more"),
        pytest.param(span(40.0, 30.0), 1.48, False, id="a little less"),
        pytest.param(span(40.0, 29.0), 9.0, False, id="less than half a minute"),
        pytest.param(span(40.0, 10_000.0), 1.1, True, id="a tenth, after hours"),
        pytest.param(span(40.0, 10_000.0), 1.09, False, id="less than a tenth"),
        pytest.param(span(0.5, 300.0), 2.0, True, id="slow messages, doubled"),
        pytest.param(span(0.5, 300.0), 1.6, False, id="slow messages, a half more"),
    ],
)
def test_what_is_worth_comparing_with(before: Span, times: float, *, expected: bool) -> None:
    assert expected is telling(before=before, growth=times)


def test_spans_one_after_the_other_and_half_of_them() -> None:
    both = span(2.0, 10.0, pods=3, consumers=6, elsewhere=1.0).plus(span(4.0, 30.0, pods=5, consumers=5))

    assert Span(seconds=40.0, acknowledged=140.0, elsewhere=10.0, pod_seconds=180.0, consumer_seconds=210.0) == both
    assert (3.5, 4.5, 5.25) == (both.rate, both.pods, both.consumers)
    assert (
        Span(seconds=20.0, acknowledged=70.0, elsewhere=5.0, pod_seconds=90.0, consumer_seconds=105.0) == both.halved()
    )


@pytest.mark.parametrize(
    ("before", "after", "low", "high", "expected"),
    [
        (40.0, 40.8, 8, 16, 9),
        (40.0, 40.0, 8, 16, 8),
        (40.0, 20.0, 8, 16, 8),
        (40.0, 45.0, 8, 16, 9),
        (40.0, 160.0, 1, 50, 4),
        (40.0, 400.0, 8, 16, 16),
    ],
)
def test_as_many_as_would_have_done(before: float, after: float, low: int, high: int, expected: int) -> None:
    assert expected == enough_replicas(before=span(before, pods=low), after=span(after, pods=high))


@pytest.mark.parametrize(("pods", "after", "expected"), [(2.4, 10.0, 3), (2.4, 5.0, 2), (0.4, 1.0, 1), (2.4, 90.0, 9)])
def test_averages_are_told_as_whole_replicas(pods: float, after: float, expected: int) -> None:
    assert expected == enough_replicas(before=span(10.0, pods=pods), after=span(after, pods=9.2))


@pytest.mark.parametrize(
    ("now", "seconds", "risen"),
    [
        pytest.param(43.9, 600.0, False, id="less than a tenth"),
        pytest.param(44.5, 600.0, True, id="more than a tenth, over ten minutes"),
        pytest.param(44.5, 60.0, False, id="within the noise of a minute"),
        pytest.param(60.0, 60.0, True, id="half as much again"),
        pytest.param(80.0, 29.0, False, id="too short"),
        pytest.param(20.0, 600.0, False, id="less"),
    ],
)
def test_throughput_that_rose(now: float, seconds: float, risen: bool) -> None:  # noqa: FBT001 - a table
    assert risen == rose(span=span(now, seconds), rate=40.0, variance=span(40.0, 600.0).variance)


def noisy(random: Random, *, rate: float, seconds: int, pods: int) -> Span:
    """Exponential service times, read with statistics that are twice 0 to 5 s old."""
    length = seconds + sum(random.uniform(0.0, 5.0) * sign for sign in (1, 1, -1, -1))
    return span(max(0.0, random.gauss(rate * length, (rate * length) ** 0.5)) / seconds, seconds, pods=pods)


@pytest.mark.parametrize(
    ("gain", "expected"), [(0.0, Effect.NOTHING), (0.5, Effect.SOMETHING), (1.0, Effect.SOMETHING)]
)
def test_what_becomes_of_a_hundred_doublings_at_four_messages_a_second(gain: float, expected: Effect) -> None:
    random = Random(7)  # noqa: S311 - noise, not a secret
    found = []
    for _ in range(100):
        before = noisy(random, rate=4.0, seconds=400, pods=8)
        looks = [
            effect(before=before, after=noisy(random, rate=4.0 * (1 + gain), seconds=seconds, pods=16))
            for seconds in range(30, 600, 30)
        ]
        found.append(next((look for look in looks if look is not Effect.UNCLEAR), Effect.UNCLEAR))

    assert [expected] * 100 == found
