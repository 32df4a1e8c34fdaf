"""From exact figures to whole replicas, and to the figures that people read."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import Final

LARGEST: Final = 10**9
"""No answer is larger; the CRD's bound of `maxReplicas` is 100,000."""

TOLERANCE: Final = 1e-9
"""By which part of itself a number may miss a whole one and be taken for it.

1.1 * 50 is 55.00000000000001 in floating point, which is no reason for a 56th replica. A sum of a few quotients is off
by some 1e-15 of itself, and no rate is measured to 1e-9.
"""

SPARE: Final = 1.1
"""Replicas go only to a number that would do for a tenth more: one that just does is left again at the next reading."""


def whole(exact: float) -> int:
    """The smallest whole number of replicas that is not less than `exact`, but for `TOLERANCE`; from 0 to `LARGEST`."""
    if 0.0 < exact < LARGEST:
        return ceil(exact - TOLERANCE * exact)
    return 0 if exact <= 0.0 else LARGEST


def number_of(count: int, noun: str) -> str:
    """A count with its noun: `1 message`, `412 messages`."""
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"


@lru_cache(maxsize=1024)
def shown(figure: float) -> str:
    """A figure that is not negative with three digits, without an exponent: `0.2`, `37.5`, `1240`.

    Most figures are those of the decision before, so they are kept: putting them into words took half of its time.
    """
    if figure >= 100:  # noqa: PLR2004 - from there on no digit behind the point is one of the first three
        return f"{figure:.0f}"
    if figure and figure < 0.0005:  # noqa: PLR2004 - what would be shown as 0.000
        return "under 0.001"
    return f"{figure:.3g}" if figure >= 1 else f"{figure:.3f}".rstrip("0").rstrip(".")
