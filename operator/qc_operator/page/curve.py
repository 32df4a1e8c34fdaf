"""The small curve of a row: the lag of the last half hour in as few bytes as a picture of its size shows."""

from __future__ import annotations

from math import isnan
from typing import Final, NamedTuple

from qc_operator.page.figures import Figures

LEVELS: Final = 9


class Curve(NamedTuple):
    """One digit for each part of the time, 0 to 9 of the largest lag; a dot where it is not known."""

    digits: str
    most: float
    """Messages that are drawn as the largest digit."""

    def closed(self, figures: Figures) -> str:
        """With one more digit, of now: it is drawn once a minute, and the number next to it moves all the time.

        Nothing at all where there was no lag and is none.
        """
        now = lag(figures)
        if now > self.most:
            lower = [each if each == "." else digit(int(each) * self.most / LEVELS, now) for each in self.digits]
            return "".join(lower) + str(LEVELS)
        return self.digits + digit(now, self.most) if self.most else ""


NO_CURVE: Final = Curve("", 0.0)


def lag(figures: Figures) -> float:
    """Messages ready and, as far as it is known, unacked."""
    return figures.ready + (0.0 if isnan(figures.unacked) else figures.unacked)


def digit(messages: float, most: float) -> str:
    """What is there is seen, however little it is."""
    return "." if isnan(messages) else str(-int(-messages * LEVELS // (most or 1.0)))
