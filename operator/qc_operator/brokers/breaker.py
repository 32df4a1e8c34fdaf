"""When to ask again somebody who has failed to answer: later and later, so that a broker in trouble is left alone."""

from __future__ import annotations

import random
from math import inf

TOLERATED = 3
"""Failures in a row before the pauses begin: fewer are a restart or a moment's load."""


class Breaker:
    """Pauses that double from `first` to `most` seconds; one good answer ends them.

    All times are seconds of one monotonic clock.
    """

    def __init__(self, *, first: float, most: float) -> None:
        self._first = first
        self._most = most
        self._until = -inf
        self.failures = 0
        """How many there were in a row."""

    def succeeded(self) -> None:
        """There was an answer."""
        self.failures = 0
        self._until = -inf

    def failed(self, *, now: float, retry_after: float | None = None) -> None:
        """There was none, or one that asks for a pause of `retry_after` seconds (HTTP's Retry-After)."""
        self.failures += 1
        pause = 0.0
        if self.failures >= TOLERATED:
            # The exponent is bounded because 2.0**1024, after an hour and a half of failures, is an OverflowError.
            pause = min(self._first * 2.0 ** min(self.failures - TOLERATED, 16), self._most)
            # The spread keeps the readers of many vhosts from coming back in step.
            pause *= random.uniform(0.75, 1.0)  # noqa: S311 - not a secret
        # A wrong clock or a proxy's mistake must not silence the lane for a day.
        self._until = now + max(pause, min(retry_after or 0.0, self._most))

    def pause(self, *, now: float) -> float:
        """Seconds that are left until the next question may be asked; zero when it may be now."""
        return max(0.0, self._until - now)
