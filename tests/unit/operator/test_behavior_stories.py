"""Windows and policies together, as replicas follow them over minutes: one decision a second on a fake clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from qc_operator.scaling import behavior as policies
from qc_operator.scaling import stabilization
from qc_operator.scaling.behavior import PastChange
from qc_operator.scaling.stabilization import Answers
from qc_operator.spec_behavior import Behavior


def pods(value: int, seconds: int) -> dict[str, Any]:
    return {"type": "Pods", "value": value, "periodSeconds": seconds}


def percent(value: int, seconds: int) -> dict[str, Any]:
    return {"type": "Percent", "value": value, "periodSeconds": seconds}


@dataclass
class Target:
    """A target with its memory; each `want` takes an answer through windows and policies and carries it out."""

    rules: dict[str, Any]
    replicas: int
    now: float = 10_000.0
    since: float = 0.0
    answers: Answers = field(default_factory=Answers)
    changes: tuple[PastChange, ...] = ()
    words: str | None = None
    behavior: Behavior = field(init=False)

    def __post_init__(self) -> None:
        self.behavior = msgspec.convert(self.rules, type=Behavior)

    def want(self, wanted: int, *, seconds: int = 1) -> int:
        for _ in range(seconds):
            self.now += 1
            self._turn(wanted)
        return self.replicas

    def _turn(self, wanted: int) -> None:
        current = self.replicas
        self.answers = stabilization.recorded(
            answers=self.answers, current=current, wanted=wanted, behavior=self.behavior, now=self.now
        )
        stable = stabilization.stabilized(
            current=current,
            wanted=wanted,
            answers=self.answers,
            behavior=self.behavior,
            since=self.since,
            now=self.now,
        )
        step = policies.limited(
            current=current, wanted=stable.replicas, changes=self.changes, behavior=self.behavior, now=self.now
        )
        self.replicas, self.words = step.replicas, step.words or stable.words
        self.changes = policies.recorded(
            changes=self.changes, before=current, after=self.replicas, behavior=self.behavior, now=self.now
        )


def test_a_spike_under_the_default_policies_of_the_hpa() -> None:
    """The larger of 4 pods and 100 % in 15 s: 1, 5, 10, 20, 40, 80."""
    target = Target({"scaleUp": {"policies": [percent(100, 15), pods(4, 15)]}}, replicas=1)

    assert 5 == target.want(100)
    assert 5 == target.want(100, seconds=14)
    assert 10 == target.want(100)
    assert [20, 40, 80, 100] == [target.want(100, seconds=15) for _ in range(4)]
    assert target.words is None


def test_a_slow_way_down_under_the_policies_of_the_documentation() -> None:
    """The larger of 4 pods and 10 % in a minute: 10 % of more than 40 replicas are more than 4."""
    target = Target(
        {"scaleDown": {"stabilizationWindowSeconds": 0, "policies": [pods(4, 60), percent(10, 60)]}}, replicas=80
    )

    assert [72, 64, 57, 51, 45, 40, 36, 32, 28, 24] == [
        target.want(10),
        *(target.want(10, seconds=60) for _ in "9" * 9),
    ]
    assert "limited to 24 by scaleDown policy Pods 4 per 60 s" == target.words


def test_one_pod_a_minute_and_a_tenth_in_half_an_hour_at_most() -> None:
    """`Min` of both: the first minutes belong to the pods, the rest of the half hour to the tenth of 50."""
    target = Target(
        {
            "scaleDown": {
                "stabilizationWindowSeconds": 0,
                "selectPolicy": "Min",
                "policies": [pods(1, 60), percent(10, 1800)],
            }
        },
        replicas=50,
    )

    assert [49, 48, 47, 46, 45] == [target.want(1), *(target.want(1, seconds=60) for _ in range(4))]
    assert 45 == target.want(1, seconds=1800 - 4 * 60 - 1)
    assert "held at 45 by scaleDown policy Percent 10 per 1800 s" == target.words
    # The first of the five is half an hour old: the period began with 49, a tenth of which leaves 44.
    assert 44 == target.want(1)


def test_flapping_load_moves_nothing_down_while_its_peaks_are_in_the_window() -> None:
    target = Target({}, replicas=4)
    for _ in range(10):
        assert 9 == target.want(9, seconds=20)
        assert 9 == target.want(2, seconds=20)

    # The last peak was 20 s before: it is over after 40 more.
    assert 9 == target.want(2, seconds=39)
    assert "held at 9 by the largest answer of the last 60 s" == target.words
    assert 2 == target.want(2)


def test_a_short_spike_is_sat_out_with_an_up_window() -> None:
    target = Target({"scaleUp": {"stabilizationWindowSeconds": 30}}, replicas=3)
    target.want(3, seconds=60)

    assert 3 == target.want(50, seconds=29)
    assert 3 == target.want(3)
    assert 3 == target.want(50, seconds=29)
    assert "held at 3 by the smallest answer of the last 30 s" == target.words
    assert 50 == target.want(50)


def test_between_the_smallest_and_the_largest_of_both_windows_nothing_moves() -> None:
    target = Target({"scaleUp": {"stabilizationWindowSeconds": 60}}, replicas=5)

    for wanted in (9, 2, 7, 4, 12, 1) * 20:
        assert 5 == target.want(wanted, seconds=7)


def test_what_a_window_lets_through_is_limited_by_a_policy() -> None:
    target = Target({"scaleDown": {"policies": [pods(2, 60)]}}, replicas=9)
    target.want(9, seconds=10)

    assert 9 == target.want(3, seconds=59)
    assert "held at 9 by the largest answer of the last 60 s" == target.words
    assert 7 == target.want(3)
    assert "limited to 7 by scaleDown policy Pods 2 per 60 s" == target.words
    assert 7 == target.want(3, seconds=59)
    assert 5 == target.want(3)


def test_after_a_restart_the_window_begins_anew_and_so_do_the_periods() -> None:
    target = Target(
        {"scaleUp": {"policies": [pods(2, 60)]}, "scaleDown": {"stabilizationWindowSeconds": 300}}, replicas=6
    )
    assert 8 == target.want(20)

    restarted = Target(target.rules, replicas=8, now=target.now, since=target.now)

    # The HPA keeps its events in memory, too.
    assert 10 == restarted.want(20)
    assert 10 == restarted.want(1, seconds=298)
    assert "held at 10 until readings have been known for 300 s" == restarted.words
    # The answer 20 was given a second after the restart and is in the window for as long.
    assert 10 == restarted.want(1)
    assert "held at 10 by the largest answer of the last 300 s" == restarted.words
    assert 1 == restarted.want(1)


def test_after_a_sleep_the_periods_begin_anew() -> None:
    target = Target({"scaleUp": {"policies": [pods(3, 1800)]}}, replicas=10)
    assert 13 == target.want(20)

    target.replicas, target.changes = (
        0,
        policies.recorded(changes=target.changes, before=13, after=0, behavior=target.behavior, now=target.now),
    )
    target.answers = Answers()

    assert 8 == target.want(8)
    assert 11 == target.want(20)
    assert 11 == target.want(20, seconds=1799)
    assert 14 == target.want(20)


@pytest.mark.parametrize(("direction", "wanted"), [("scaleUp", 50), ("scaleDown", 1)])
def test_a_direction_that_is_disabled_never_moves(direction: str, wanted: int) -> None:
    target = Target({direction: {"selectPolicy": "Disabled"}}, replicas=5)

    assert 5 == target.want(wanted, seconds=3600)
    assert f"held at 5, selectPolicy of {direction} is Disabled" == target.words


# The memory of changes.


def kept(*made: tuple[float, int], now: float = 10_000.0) -> tuple[PastChange, ...]:
    """Changes as (seconds ago, by how many)."""
    return tuple(PastChange(since=now - ago, at=now - ago, by=by) for ago, by in made)


def test_changes_are_forgotten_after_the_longest_period_of_both_directions() -> None:
    rules = Target({"scaleUp": {"policies": [pods(4, 15)]}, "scaleDown": {"policies": [pods(1, 60)]}}, replicas=8)
    made = kept((60, 4), (59, 3))

    for after, expected in ((8, kept((59, 3))), (6, kept((59, 3), (0, -2)))):
        assert expected == policies.recorded(
            changes=made, before=8, after=after, behavior=rules.behavior, now=rules.now
        )


def test_without_policies_no_change_is_remembered() -> None:
    assert () == policies.recorded(changes=(), before=3, after=9, behavior=Behavior(), now=1.0)


@pytest.mark.parametrize(("before", "after"), [(0, 20), (20, 0)])
def test_a_sleep_ends_every_period(before: int, after: int) -> None:
    target = Target({"scaleUp": {"policies": [pods(4, 60)]}}, replicas=before)

    assert () == policies.recorded(
        changes=kept((5, 4)), before=before, after=after, behavior=target.behavior, now=target.now
    )


def test_many_changes_are_kept_as_few_and_allow_no_more_than_they_did() -> None:
    target = Target({"scaleUp": {"policies": [pods(30, 60)]}}, replicas=1)
    for wanted in range(2, 32):
        assert wanted == target.want(wanted)

    assert len(target.changes) <= policies.CHANGES_MOST
    assert 30 == sum(change.by for change in target.changes)
    # A minute after the first change some of the oldest are kept as one, which lasts as long as its last.
    assert 31 == target.want(99, seconds=30)
    assert 31 < target.want(99, seconds=29) <= 60
    assert 61 == target.want(99)


def test_as_many_changes_as_are_kept_are_kept_exactly() -> None:
    target = Target({"scaleUp": {"policies": [pods(99, 60)]}}, replicas=1)
    for wanted in range(2, 2 + policies.CHANGES_MOST):
        target.want(wanted)

    assert kept(*((-n, 1) for n in range(1, 13))) == target.changes


def test_a_long_drain_well_within_its_policy_is_never_held() -> None:
    """Six go in a minute and ten may: of 180 changes the youngest must be kept most exactly."""
    policy = {"selectPolicy": "Min", "policies": [pods(10, 60), pods(1000, 1800)]}
    target = Target({"scaleDown": policy | {"stabilizationWindowSeconds": 0}}, replicas=400)

    for wanted in range(399, 150, -1):
        assert wanted == target.want(wanted, seconds=10)
        assert len(target.changes) <= policies.CHANGES_MOST
