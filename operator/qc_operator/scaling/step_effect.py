"""Whether a step up brought anything: acknowledgements per second before and after it, compared.

Acknowledgements of busy consumers are counts, so their noise is known. For Poisson counts k over s seconds the variance
of the rate is k/s^2 (Krishnamoorthy and Thomson 2004, "A more powerful test for comparing two Poisson means", J. Stat.
Plan. Inference 119: the difference of two rates over the root of the sum of such terms is close to normal).
"""

from __future__ import annotations

from enum import Enum
from math import ceil, sqrt
from typing import Final

import msgspec

DISPERSION: Final = 4.0
"""Variance of the counts over their mean (Cox and Lewis 1966, "The Statistical Analysis of Series of Events").

It is 1 where service times are exponential, less where they are steadier, and about the square of their coefficient of
variation where they vary more: 4 where the standard deviation is twice the mean.
"""

CLOCK_NOISE: Final = 4.0
"""Seconds by which the length of a measurement is uncertain.

The statistics of RabbitMQ are 0 to 10 s old when they are read, evenly: 2.9 s of standard deviation at either end.
"""

SIGNIFICANT: Final = 3.0
"""Standard deviations. The usual 2 would not do, because a comparison is made at every reading.

Simulated, with statistics of that age and a comparison every 5 s for 13 minutes: of steps that bring half of what is
expected, none was found to bring nothing with exponential service times and at most 4 % with a dispersion of 4; of
those that bring all of it, at most 0.7 %. Doublings that bring nothing were all found at 40 messages/s, 6 of 10 at 0.5.
"""

NOTHING: Final = 0.1
"""Share of the expected gain below which a step brought nothing."""

SOMETHING: Final = 0.5
"""Share of the expected gain that must be ruled out before a step is said to have brought nothing."""

LEAST_SECONDS: Final = 60.0
LEAST_ACKNOWLEDGED: Final = 20
"""Less than this is not compared: the normal distribution would not be a fair picture of the noise."""


class Span(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What was acknowledged over some seconds of full work."""

    seconds: float = 0.0
    acknowledged: float = 0.0
    """In the entries that had messages waiting all the time."""
    elsewhere: float = 0.0
    """In the others."""

    @property
    def enough(self) -> bool:
        """Whether it can be compared."""
        return self.seconds >= LEAST_SECONDS and self.acknowledged >= LEAST_ACKNOWLEDGED

    @property
    def rate(self) -> float:
        """Messages per second; `seconds` must not be 0."""
        return self.acknowledged / self.seconds

    @property
    def variance(self) -> float:
        """Variance of `rate`."""
        return (DISPERSION * self.acknowledged + (self.rate * CLOCK_NOISE) ** 2) / self.seconds**2


class Effect(Enum):
    """What a step up did."""

    UNCLEAR = "unclear"
    NOTHING = "nothing"
    SOMETHING = "something"
    ELSEWHERE = "elsewhere"
    """The new pods may have done their work in other entries."""


def effect(*, before: Span, after: Span, low: int, high: int) -> Effect:
    """Compare full work of `low` replicas (at least 1) with that of `high`.

    Expected is a gain in proportion to the replicas, g = rate * (high/low - 1). Nothing: the gain seen is less than a
    tenth of g, and g/2 is more than 3 standard deviations away. Something: it is more than a tenth by as much.
    """
    if not before.enough or not after.enough:
        return Effect.UNCLEAR
    expected = before.rate * (high / low - 1.0)
    gain = after.rate - before.rate
    noise = SIGNIFICANT * sqrt(before.variance + after.variance)
    if after.elsewhere / after.seconds - before.elsewhere / before.seconds > NOTHING * expected:
        return Effect.ELSEWHERE
    if gain < NOTHING * expected:
        return Effect.NOTHING if SOMETHING * expected - gain > noise else Effect.UNCLEAR
    return Effect.SOMETHING if gain - NOTHING * expected > noise else Effect.UNCLEAR


def enough_replicas(*, before: Span, after: Span, low: int, high: int) -> int:
    """Replicas that would manage the rate after the step, at the rate of each before it: `low` to `high`."""
    return max(low, min(high, ceil(low * after.rate / before.rate - 1e-9)))


def rose(*, span: Span, rate: float, variance: float) -> bool:
    """Whether throughput is clearly more than it was: by a tenth at least, and by more than the noise."""
    if not span.enough:
        return False
    return span.rate - rate > max(NOTHING * rate, SIGNIFICANT * sqrt(span.variance + variance))
