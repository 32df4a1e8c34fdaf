"""How many orders are due: a rate that may change at any moment, on a clock handed in."""

MAX_CATCH_UP_SECONDS = 1.0
"""Orders that cannot be placed for longer than this are given up: customers of a shop that hangs go away."""


class Pace:
    """Turn a rate into whole orders; fractions are carried over, so 0.5 per second is one every two seconds.

    Not safe for use by several threads: the order service owns one and guards it.
    """

    def __init__(self, *, per_second: float, now: float) -> None:
        self._per_second = per_second
        self._credit = 0.0
        self._last = now

    @property
    def per_second(self) -> float:
        """The rate asked for, in orders per second."""
        return self._per_second

    def change(self, *, per_second: float, now: float) -> None:
        """Go on at another rate; what was earned at the old one stays earned.

        Raises:
            ValueError: the rate is negative, or not a number.

        """
        # `not >=` rather than `<`: NaN fails every comparison.
        if not per_second >= 0:
            raise ValueError(f"perSecond is {per_second}; it must be 0 or more")
        self._earn(now)
        self._per_second = per_second

    def due(self, *, now: float) -> int:
        """Take the orders that have become due since the last call."""
        self._earn(now)
        # 1e-9 makes ten times 0.1 s at one per second a whole order in spite of binary fractions.
        orders = int(self._credit + 1e-9)
        self._credit -= orders
        return orders

    def _earn(self, now: float) -> None:
        elapsed = max(0.0, now - self._last)
        self._last = now
        # The ceiling is at least one order, or a rate below one per second would never reach a whole one.
        ceiling = max(1.0, self._per_second * MAX_CATCH_UP_SECONDS)
        self._credit = min(self._credit + elapsed * self._per_second, max(ceiling, self._credit))
