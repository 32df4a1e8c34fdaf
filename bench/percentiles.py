"""Percentiles by nearest rank: each is a value that was measured, never one made up between two."""

from collections.abc import Sequence
from math import ceil


def percentile(values: Sequence[float], *, rank: float) -> float:
    """Return the smallest value that at least *rank* percent of the values do not exceed.

    Of fewer than 100 values the 99th is the largest: with 50 trials the p99 is the worst trial.
    Raises ValueError without values or for a rank outside 0 to 100.
    """
    if not values:
        raise ValueError("a percentile of no values")
    if not 0 < rank <= 100:  # noqa: PLR2004 - percent
        raise ValueError(f"the rank of a percentile is above 0 and at most 100 (is {rank})")
    return sorted(values)[ceil(len(values) * rank / 100) - 1]
