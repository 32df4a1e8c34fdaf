"""Seconds in which an objective was met and missed: only those in which that is known."""

from __future__ import annotations

import pytest

from qc_operator.objective_time import GAP, ObjectiveTime


def told(*looks: tuple[float, bool | None]) -> tuple[float, float]:
    time = ObjectiveTime()
    for now, met in looks:
        time.note(met, now=now)
    return time.known, time.missed


@pytest.mark.parametrize(
    ("looks", "known", "missed"),
    [
        ([(100.0, True)], 0, 0),
        ([(100.0, True), (101.0, True), (103.5, True)], 3.5, 0),
        ([(100.0, False), (101.0, True), (103.0, True)], 3, 1),
        ([(100.0, True), (101.0, False), (103.0, None), (109.0, False), (110.0, True)], 4, 3),
        ([(100.0, None), (101.0, True)], 0, 0),
        ([(100.0, True), (100.0 + GAP, True)], GAP, 0),
        ([(100.0, False), (100.1 + GAP, True), (101.1 + GAP, True)], 1, 0),
        ([(100.0, True), (100.0, False), (102.0, False)], 2, 2),
        ([(100.0, True), (float("inf"), None), (103.0, True), (104.0, True)], 1, 0),
    ],
    ids=["one look", "met", "missed first", "unknown between", "unknown first", "the longest gap", "too long a gap",
         "at one moment", "given up"],
)  # fmt: skip
def test_what_was_so_at_a_look_was_so_until_the_next(
    looks: list[tuple[float, bool | None]], known: float, missed: float
) -> None:
    assert pytest.approx((known, missed)) == told(*looks)
