"""Which of the changes that were made become one when there are more of them than are kept."""

from __future__ import annotations

from itertools import cycle, pairwise

from qc_operator.scaling.behavior import CHANGES_MOST, PastChange, recorded
from qc_operator.spec_behavior import Behavior, Policy, ScalingRules

LONG = Behavior(scale_up=ScalingRules(policies=(Policy(type="Pods", value=1, period_seconds=1800),)))


def made(*changes: tuple[float, int]) -> tuple[PastChange, ...]:
    """The memory of these changes, each made a moment after the one before."""
    kept: tuple[PastChange, ...] = ()
    for at, by in changes:
        kept = recorded(changes=kept, before=50, after=50 + by, behavior=LONG, now=at)
    return kept


def test_the_two_whose_distance_is_the_smallest_for_their_age_become_one() -> None:
    # 100 s between two of which the first is 900 s old count for less than 400 s of 1300 s, or 20 s of 100 s.
    times = [0.0, 400.0, 500.0, 800.0, 1000.0, 1100.0, 1150.0, 1200.0, 1220.0, 1240.0, 1260.0, 1280.0, 1300.0]
    kept = made(*((at, 2) for at in times))

    assert CHANGES_MOST == len(kept)
    assert PastChange(since=400.0, at=500.0, by=4) == kept[1]
    assert [(at, 2) for at in times if at not in {400.0, 500.0}] == [
        (change.at, change.by) for change in kept if change.by == 2
    ]


def test_changes_become_one_only_with_those_of_their_direction() -> None:
    kept = made(*zip([10.0 * step for step in range(13)], cycle((1, -1)), strict=False))

    assert CHANGES_MOST == len(kept)
    assert PastChange(since=10.0, at=10.0, by=-1) == kept[0]
    assert PastChange(since=0.0, at=20.0, by=2) == kept[1]


def test_what_became_one_takes_the_next_as_well() -> None:
    kept = made(*((60.0 * step, 1) for step in range(20)))

    assert CHANGES_MOST == len(kept)
    assert 20 == sum(change.by for change in kept)
    assert (0.0, 1140.0) == (kept[0].since, kept[-1].at)
    assert all(before.at < after.since for before, after in pairwise(kept))
