"""The small curve of a row ends with the row's own number, however long ago it was drawn."""

from __future__ import annotations

from math import nan

import pytest

from qc_operator.page.curve import NO_CURVE, Curve
from qc_operator.page.figures import Figures


@pytest.mark.parametrize(
    ("digits", "most", "ready", "unacked", "closed"),
    [
        ("0910", 90.0, 0.0, 0.0, "09100"),
        ("0910", 90.0, 40.0, 5.0, "09105"),
        ("0910", 90.0, 0.0, 1.0, "09101"),  # What is there is seen.
        ("0910", 90.0, 90.0, nan, "09109"),
        (".910", 90.0, nan, nan, ".910."),
        # It has grown since it was drawn, so all else is less of it.
        (".910", 90.0, 180.0, 0.0, ".5109"),
        ("..00", 0.0, 3.0, 0.0, "..009"),
        # No lag, and none is drawn.
        ("..00", 0.0, 0.0, 0.0, ""),
        ("....", 0.0, nan, nan, ""),
    ],
)
def test_it_ends_with_what_is_now(digits: str, most: float, ready: float, unacked: float, closed: str) -> None:
    assert closed == Curve(digits, most).closed(Figures(ready=ready, unacked=unacked))


def test_without_a_course_there_is_none() -> None:
    assert "" == NO_CURVE.closed(Figures(ready=0.0, unacked=0.0))
