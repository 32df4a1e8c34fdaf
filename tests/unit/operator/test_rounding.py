"""From exact figures to whole replicas, and to figures for people."""

from __future__ import annotations

import math

import pytest

from qc_operator.scaling.rounding import LARGEST, shown, whole


@pytest.mark.parametrize(
    ("exact", "replicas"),
    [
        (0.0, 0),
        (-0.0, 0),
        (-3.2, 0),
        (1e-12, 1),
        (0.5, 1),
        (1.0, 1),
        (1.0 + 0.5e-9, 1),
        (1.0 + 2e-9, 2),
        (1.0 - 0.5e-9, 1),
        (1.1 * 50, 55),
        (0.3 / 0.1, 3),
        (10.000000000000002, 10),
        (10.00000002, 11),
        (9.99, 10),
        (2.5, 3),
        (3.5, 4),
        (100_000.00005, 100_000),
        (100_000.001, 100_001),
        (999_999_999.4, 999_999_999),
        (1e9, LARGEST),
        (1e18, LARGEST),
        (math.inf, LARGEST),
    ],
)
def test_replicas_are_rounded_up_but_for_what_floating_point_adds(exact: float, replicas: int) -> None:
    assert replicas == whole(exact)
    assert isinstance(whole(exact), int)


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (0.0, "0"),
        (1e-9, "under 0.001"),
        (0.000499, "under 0.001"),
        (0.0005, "0.001"),
        (0.001, "0.001"),
        (0.1, "0.1"),
        (0.1667, "0.167"),
        (0.9999, "1"),
        (1.0, "1"),
        (5, "5"),
        (37.5, "37.5"),
        (37.54, "37.5"),
        (99.94, "99.9"),
        (99.96, "100"),
        (100.4, "100"),
        (100.0, "100"),
        (1240.0, "1240"),
        (1e6, "1000000"),
    ],
)
def test_figures_have_three_digits_and_no_exponent(figure: float, words: str) -> None:
    assert words == shown(figure)
