"""Whether more replicas brought anything: acknowledgements per second before and after, compared.

Acknowledgements of busy consumers are counts, so their noise is known. For Poisson counts k over s seconds the variance
of the rate is k/s^2 (Krishnamoorthy and Thomson 2004, "A more powerful test for comparing two Poisson means", J. Stat.
Plan. Inference 119: the difference of two rates over the root of the sum of such terms is close to normal).

The counts decide how long a comparison takes, not a fixed time: the more replicas were added and the more they
acknowledge, the sooner it is certain.
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

CLOCK_NOISE: Final = 3.0
"""Seconds by which the length of a measurement is uncertain.

The statistics of RabbitMQ are up to 5 s old when the management plugin collects them, and these up to 5 s when they are
read: 2.04 s of standard deviation at either end.
"""

SIGNIFICANT: Final = 3.0
"""Standard deviations. The usual 2 would not do, because a comparison is made at every reading."""

LOSS: Final = 2.0
"""Standard deviations of a loss that is clearly one. It only puts a verdict off until the next comparison."""

HEAVIER: Final = 0.5
"""Share of what a replica did before: messages that are heavier by more, just while replicas are added, are less likely
than a database that became slower. That is how most incidents begin."""

NOTHING: Final = 0.1
"""Share of the expected gain below which more replicas brought nothing."""

SOMETHING: Final = 0.5
"""Share of the expected gain that must be ruled out before they are said to have brought nothing."""

LEAST_SECONDS: Final = 30.0
"""Less than this is not compared: two measurements that the age of the statistics makes 10 s longer and 10 s shorter
than they look must not pass for a limit. Of 30 s, a rate that doubles is then seen as 4/3 before and 4/3 after."""

GROWN: Final = 1.1
"""As many times as many at work are taken for more: pods that crash and come back are none."""

FORGIVING: Final = 0.7
"""Share of the noise before that counts when it is decided whether to compare: more replicas mostly follow."""

LASTING: Final = 120.0
"""Seconds with twice as many replicas after which a gain of a tenth is taken for one though it is within the noise."""

LEAST_ACKNOWLEDGED: Final = 20
"""Nor is this: the normal distribution would not be a fair picture of the noise."""


class Span(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What was acknowledged over some seconds of full work, and by how many."""

    seconds: float = 0.0
    acknowledged: float = 0.0
    """In the entries that had messages waiting all the time."""
    elsewhere: float = 0.0
    """In the others."""
    pod_seconds: float = 0.0
    """Pods times the seconds for which they were at work."""
    consumer_seconds: float = 0.0
    """The same of consumers, of which a pod may have several."""

    @property
    def enough(self) -> bool:
        """Whether it can be compared."""
        return self.seconds >= LEAST_SECONDS and self.acknowledged >= LEAST_ACKNOWLEDGED

    @property
    def rate(self) -> float:
        """Messages per second; `seconds` must not be 0, as with the next ones."""
        return self.acknowledged / self.seconds

    @property
    def variance(self) -> float:
        """Variance of `rate`."""
        return (DISPERSION * self.acknowledged + (self.rate * CLOCK_NOISE) ** 2) / self.seconds**2

    @property
    def pods(self) -> float:
        """Pods at work, on average."""
        return self.pod_seconds / self.seconds

    @property
    def consumers(self) -> float:
        """Consumers, on average."""
        return self.consumer_seconds / self.seconds

    def plus(self, other: Span) -> Span:
        """One after the other."""
        return Span(
            seconds=self.seconds + other.seconds,
            acknowledged=self.acknowledged + other.acknowledged,
            elsewhere=self.elsewhere + other.elsewhere,
            pod_seconds=self.pod_seconds + other.pod_seconds,
            consumer_seconds=self.consumer_seconds + other.consumer_seconds,
        )

    def halved(self) -> Span:
        """The same rates with half the weight."""
        return Span(
            seconds=self.seconds / 2,
            acknowledged=self.acknowledged / 2,
            elsewhere=self.elsewhere / 2,
            pod_seconds=self.pod_seconds / 2,
            consumer_seconds=self.consumer_seconds / 2,
        )


class Effect(Enum):
    """What more replicas did."""

    UNCLEAR = "unclear"
    NOTHING = "nothing"
    SOMETHING = "something"
    ELSEWHERE = "elsewhere"
    """The new pods may have done their work in other entries."""
    LESS = "less"
    """Clearly less is done, yet each does more than half of what it did: messages have become heavier, most likely."""


def growth(*, before: Span, after: Span) -> float:
    """How many times as many were at work: pods or consumers, whichever grew less.

    A pod may open more consumers for itself, and a pod without consumers does nothing.
    """
    if min(before.pod_seconds, before.consumer_seconds) <= 0.0:
        return 1.0
    return min(after.pods / before.pods, after.consumers / before.consumers)


def telling(*, before: Span, growth: float) -> bool:
    """Whether what was measured is worth comparing with so many times as many.

    The noise of `before` alone must leave room to rule out `SOMETHING`, but for what is forgiven.
    """
    if not before.enough or growth < GROWN:
        return False
    return SOMETHING * before.rate * (growth - 1.0) > FORGIVING * SIGNIFICANT * sqrt(before.variance)


def effect(*, before: Span, after: Span) -> Effect:
    """Compare full work of fewer replicas with that of more.

    Expected is a gain in proportion, g = rate * (growth - 1). Nothing: the gain seen is less than a tenth of g, and g/2
    is more than 3 standard deviations away. Less: so it is, but there is a loss of more than 2 of them, and a replica
    does more than half of what it did. Something: the gain is more than a tenth of g by 3.
    """
    if not before.enough or not after.enough:
        return Effect.UNCLEAR
    times = growth(before=before, after=after)
    expected = before.rate * (times - 1.0)
    if expected <= 0.0:
        return Effect.UNCLEAR
    gain = after.rate - before.rate
    noise = SIGNIFICANT * sqrt(before.variance + after.variance)
    if after.elsewhere / after.seconds - before.elsewhere / before.seconds > NOTHING * expected:
        return Effect.ELSEWHERE
    if gain < NOTHING * expected:
        if SOMETHING * expected - gain <= noise:
            return Effect.UNCLEAR
        heavier = -gain > LOSS / SIGNIFICANT * noise and after.rate > HEAVIER * times * before.rate
        return Effect.LESS if heavier else Effect.NOTHING
    lasting = after.seconds >= max(LASTING, 2.0 * before.seconds) and expected >= before.rate
    return Effect.SOMETHING if lasting or gain - NOTHING * expected > noise else Effect.UNCLEAR


def enough_replicas(*, before: Span, after: Span) -> int:
    """Replicas that would manage the rate afterwards, at the rate of each before.

    No fewer than there were before, no more than afterwards.
    """
    least, most = round(before.pods), round(after.pods)
    return max(1, least, min(most, ceil(before.pods * after.rate / before.rate - 1e-9)))


def rose(*, span: Span, rate: float, variance: float) -> bool:
    """Whether throughput is clearly more than it was: by a tenth at least, and by more than the noise."""
    if not span.enough:
        return False
    return span.rate - rate > max(NOTHING * rate, SIGNIFICANT * sqrt(span.variance + variance))
