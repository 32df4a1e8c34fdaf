"""Numbers on either side of where a formula changes."""

from __future__ import annotations

import pytest

from qc_operator.scaling.behavior import PastChange, limited
from qc_operator.scaling.erlang import EXACT_UP_TO, servers
from qc_operator.scaling.rounding import shown
from qc_operator.spec_behavior import Behavior, Policy, ScalingRules


@pytest.mark.parametrize(
    ("figure", "words"), [(1.234, "1.23"), (1.999, "2"), (1.001, "1"), (100.5, "100"), (101.4, "101"), (99.0, "99")]
)
def test_from_one_on_there_are_three_digits_before_and_behind_the_point(figure: float, words: str) -> None:
    assert words == shown(figure)


def test_a_hundred_thousand_erlangs_are_answered_exactly() -> None:
    # For messages that wait ten service times hardly one server more than the load is enough.
    assert 100_001 == servers(EXACT_UP_TO, 10.0)
    assert 100_754 == servers(EXACT_UP_TO + 1.0, 10.0)


FOUR = Behavior(scale_up=ScalingRules(policies=(Policy(type="Pods", value=4, period_seconds=60),)))


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        # Some of them within the last minute, some before it: what was added counts, what was taken away does not.
        (PastChange(since=0.0, at=50.0, by=1), 13),
        (PastChange(since=0.0, at=50.0, by=-4), 14),
        (PastChange(since=41.0, at=50.0, by=-4), 18),
        (PastChange(since=0.0, at=40.0, by=1), 14),
    ],
)
def test_of_changes_that_were_put_together_those_count_that_bring_the_limit_closer(
    change: PastChange, allowed: int
) -> None:
    assert allowed == limited(current=10, wanted=50, changes=(change,), behavior=FOUR, now=100.0).replicas
