"""How many declares may go out at once, and from then on."""

from __future__ import annotations


class Allowance:
    """So many per second; what was not used is saved up to a limit. Pure: times are given, in seconds of one clock.

    Intervals keep to the cap by themselves once it is known how many queues there are. This holds when thousands come
    at once: with a connection, or with a pattern.
    """

    def __init__(self, *, per_second: float, at_once: float, now: float) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._saved = at_once
        self._counted_at = now

    def left(self, *, now: float) -> int:
        """How many may go out now."""
        self._saved = min(self._at_once, self._saved + self._per_second * (now - self._counted_at))
        self._counted_at = now
        return int(self._saved)

    def spend(self, count: int) -> None:
        """Note that so many went out."""
        self._saved -= count
