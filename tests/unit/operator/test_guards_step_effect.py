"""Acknowledgements per second before and after a step: what is noise, and what is not."""

from __future__ import annotations

from random import Random

import pytest

from qc_operator.scaling.step_effect import Effect, Span, effect, enough_replicas, rose


def span(rate: float, seconds: float = 120.0, *, elsewhere: float = 0.0) -> Span:
    return Span(seconds=seconds, acknowledged=rate * seconds, elsewhere=elsewhere * seconds)


@pytest.mark.parametrize(
    ("seconds", "acknowledged", "enough"),
    [(60.0, 20.0, True), (59.9, 1000.0, False), (600.0, 19.0, False), (0.0, 0.0, False)],
)
def test_what_can_be_compared(seconds: float, acknowledged: float, enough: bool) -> None:  # noqa: FBT001
    assert enough == Span(seconds=seconds, acknowledged=acknowledged).enough


def test_the_noise_of_a_rate() -> None:
    """100 of them in 50 s: the root of 400 for the counts, 4 s of 50 for the clock: 20 and 8 of the 100."""
    measured = Span(seconds=50.0, acknowledged=100.0)

    assert 2.0 == measured.rate
    assert (400.0 + 64.0) / 2500.0 == measured.variance


@pytest.mark.parametrize(
    ("low", "high", "before", "after", "expected"),
    [
        pytest.param(8, 16, 40.1, 40.9, Effect.NOTHING, id="2 % more"),
        pytest.param(8, 16, 40.0, 43.9, Effect.NOTHING, id="a little less than a tenth of what is expected"),
        pytest.param(8, 16, 40.0, 44.1, Effect.UNCLEAR, id="a little more"),
        pytest.param(8, 16, 40.0, 50.0, Effect.UNCLEAR, id="a quarter of it: two minutes do not tell"),
        pytest.param(8, 16, 40.0, 80.0, Effect.SOMETHING, id="twice as much"),
        pytest.param(8, 16, 40.0, 60.0, Effect.SOMETHING, id="half of what is expected"),
        pytest.param(8, 16, 40.0, 20.0, Effect.NOTHING, id="less than before"),
        pytest.param(8, 9, 40.0, 40.0, Effect.UNCLEAR, id="one more of eight: two minutes tell nothing"),
        pytest.param(1, 2, 40.0, 40.0, Effect.NOTHING, id="one more of one"),
        pytest.param(1, 50, 40.0, 160.0, Effect.NOTHING, id="four times as much with fifty times as many"),
        pytest.param(1, 50, 40.0, 2000.0, Effect.SOMETHING, id="fifty times as much"),
        pytest.param(8, 16, 0.25, 0.25, Effect.UNCLEAR, id="30 messages"),
    ],
)
def test_two_minutes_before_and_after(low: int, high: int, before: float, after: float, expected: Effect) -> None:
    assert expected is effect(before=span(before), after=span(after), low=low, high=high)


@pytest.mark.parametrize(
    ("rate", "low", "high", "seconds"),
    [
        # Doubled: 3 * sqrt(2 * (4rs + (4r)^2)) / s < r/2 from here on, and a minute at least.
        (40.0, 8, 16, 60),
        (1.0, 8, 16, 292),
        (0.5, 8, 16, 578),
        # A half, a quarter, an eighth more take longer.
        (40.0, 8, 12, 84),
        (40.0, 8, 10, 206),
        (40.0, 8, 9, 587),
    ],
)
def test_how_long_it_takes_to_be_sure(rate: float, low: int, high: int, seconds: int) -> None:
    found = [
        effect(before=span(rate, length), after=span(rate, length), low=low, high=high)
        for length in (seconds - 1, seconds)
    ]

    assert [Effect.UNCLEAR, Effect.NOTHING] == found


def test_too_little_of_either_side_is_unclear() -> None:
    long, short = span(40.0, 600.0), span(40.0, 59.0)

    assert Effect.UNCLEAR is effect(before=short, after=long, low=1, high=9)
    assert Effect.UNCLEAR is effect(before=long, after=short, low=1, high=9)


@pytest.mark.parametrize(("gain", "expected"), [(0.0, Effect.NOTHING), (3.9, Effect.NOTHING), (4.1, Effect.ELSEWHERE)])
def test_work_that_the_new_pods_did_in_other_entries(gain: float, expected: Effect) -> None:
    before, after = span(40.0, elsewhere=5.0), span(40.0, elsewhere=5.0 + gain)

    assert expected is effect(before=before, after=after, low=8, high=16)


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
    assert expected == enough_replicas(before=span(before), after=span(after), low=low, high=high)


@pytest.mark.parametrize(
    ("now", "seconds", "risen"),
    [
        pytest.param(43.9, 600.0, False, id="less than a tenth"),
        pytest.param(44.5, 600.0, True, id="more than a tenth, over ten minutes"),
        pytest.param(44.5, 60.0, False, id="within the noise of a minute"),
        pytest.param(60.0, 60.0, True, id="half as much again"),
        pytest.param(80.0, 59.0, False, id="too short"),
        pytest.param(20.0, 600.0, False, id="less"),
    ],
)
def test_throughput_that_rose(now: float, seconds: float, risen: bool) -> None:  # noqa: FBT001 - a table
    assert risen == rose(span=span(now, seconds), rate=40.0, variance=span(40.0, 600.0).variance)


def noisy(random: Random, *, rate: float, seconds: int) -> Span:
    """Exponential service times, read with statistics that are 0 to 10 s old."""
    length = seconds + random.uniform(-10.0, 0.0) - random.uniform(-10.0, 0.0)
    return Span(seconds=seconds, acknowledged=max(0.0, random.gauss(rate * length, (rate * length) ** 0.5)))


@pytest.mark.parametrize(
    ("gain", "expected"), [(0.0, Effect.NOTHING), (0.5, Effect.SOMETHING), (1.0, Effect.SOMETHING)]
)
def test_what_becomes_of_a_hundred_doublings_at_four_messages_a_second(gain: float, expected: Effect) -> None:
    random = Random(7)  # noqa: S311 - noise, not a secret
    found = []
    for _ in range(100):
        before = noisy(random, rate=4.0, seconds=400)
        looks = [
            effect(before=before, after=noisy(random, rate=4.0 * (1 + gain), seconds=seconds), low=8, high=16)
            for seconds in range(60, 600, 30)
        ]
        found.append(next((look for look in looks if look is not Effect.UNCLEAR), Effect.UNCLEAR))

    assert [expected] * 100 == found
