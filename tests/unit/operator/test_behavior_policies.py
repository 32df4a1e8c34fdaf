"""Scaling policies against a table: each number was reasoned from the documented algorithm, none taken from the code.

Sources: kubernetes.io, "Horizontal Pod Autoscaling", sections "Scaling policies" and "Default behavior", and the API
reference of autoscaling/v2, HPAScalingRules. A period begins `periodSeconds` ago, and a change that was made just
then is no longer in it.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from qc_operator.scaling.behavior import PastChange, limited
from qc_operator.spec_behavior import Behavior

NOW = 10_000.0


def pods(value: int, seconds: int) -> dict[str, Any]:
    return {"type": "Pods", "value": value, "periodSeconds": seconds}


def percent(value: int, seconds: int) -> dict[str, Any]:
    return {"type": "Percent", "value": value, "periodSeconds": seconds}


def behavior(*policies: dict[str, Any], select: str = "Max") -> Behavior:
    """The same rules for both directions."""
    rules: dict[str, Any] = {"selectPolicy": select} | ({"policies": list(policies)} if policies else {})
    return msgspec.convert({"scaleUp": rules, "scaleDown": rules}, type=Behavior)


def changes(*made: tuple[float, int]) -> tuple[PastChange, ...]:
    """Changes as (seconds ago, by how many)."""
    return tuple(PastChange(since=NOW - ago, at=NOW - ago, by=by) for ago, by in made)


# The HPA's defaults for a step up, and the two examples that its documentation works with.
HPA_UP = (percent(100, 15), pods(4, 15))
DOCS_DOWN = (pods(4, 60), percent(10, 60))
TWO_PERIODS = (pods(4, 60), percent(100, 15))
SLOW = (pods(1, 60), percent(10, 1800))

UP = [
    # rules, changes, current, wanted, expected, the policy that limits
    pytest.param(behavior(), (), 1, 1000, 1000, None, id="without policies any step is allowed"),
    pytest.param(behavior(select="Min"), (), 1, 1000, 1000, None, id="Min of nothing limits nothing"),
    pytest.param(behavior(pods(4, 60)), (), 10, 20, 14, "Pods 4 per 60 s", id="pods"),
    pytest.param(behavior(pods(4, 60)), (), 10, 15, 14, "Pods 4 per 60 s", id="pods, one too many"),
    pytest.param(behavior(pods(4, 60)), (), 10, 14, 14, None, id="pods, just as many as allowed"),
    pytest.param(behavior(pods(4, 60)), (), 10, 11, 11, None, id="pods, fewer than allowed"),
    pytest.param(behavior(pods(4, 60)), [(30, 3)], 13, 20, 14, "Pods 4 per 60 s", id="3 of 4 are used"),
    pytest.param(behavior(pods(4, 60)), [(30, 4)], 14, 20, 14, "Pods 4 per 60 s", id="all are used"),
    pytest.param(behavior(pods(4, 60)), [(59.9, 4)], 14, 20, 14, "Pods 4 per 60 s", id="used just within the period"),
    pytest.param(behavior(pods(4, 60)), [(60, 4)], 14, 20, 18, "Pods 4 per 60 s", id="used when the period began"),
    pytest.param(behavior(pods(4, 60)), [(50, 2), (10, 1)], 13, 20, 14, "Pods 4 per 60 s", id="used in two steps"),
    pytest.param(behavior(pods(4, 60)), [(70, 2), (10, 1)], 13, 20, 16, "Pods 4 per 60 s", id="the first one is over"),
    pytest.param(behavior(pods(4, 60)), [(20, -3)], 7, 20, 14, "Pods 4 per 60 s", id="back to where it began, and 4"),
    pytest.param(
        behavior(pods(4, 60)), [(40, 2), (20, -2)], 10, 20, 14, "Pods 4 per 60 s", id="up and down cancel out"
    ),
    pytest.param(behavior(pods(4, 60)), [(30, 6)], 16, 20, 16, "Pods 4 per 60 s", id="more used than is allowed now"),
    pytest.param(behavior(pods(4, 60)), [(20, 10)], 2, 9, 2, "Pods 4 per 60 s", id="others took away what was added"),
    pytest.param(behavior(pods(100_000, 60)), (), 3, 5000, 5000, None, id="the largest value there is"),
    pytest.param(behavior(percent(100, 15)), (), 1, 10, 2, "Percent 100 per 15 s", id="twice one"),
    pytest.param(behavior(percent(100, 15)), (), 4, 9, 8, "Percent 100 per 15 s", id="twice four"),
    pytest.param(behavior(percent(100, 15)), (), 4, 8, 8, None, id="twice four is enough"),
    pytest.param(behavior(percent(50, 60)), (), 1, 5, 2, "Percent 50 per 60 s", id="1.5 is rounded up"),
    pytest.param(behavior(percent(50, 60)), (), 3, 9, 5, "Percent 50 per 60 s", id="4.5 is rounded up"),
    pytest.param(behavior(percent(10, 60)), (), 1, 5, 2, "Percent 10 per 60 s", id="one replica can become two"),
    pytest.param(behavior(percent(10, 60)), (), 5, 9, 6, "Percent 10 per 60 s", id="5.5 is rounded up"),
    pytest.param(behavior(percent(10, 60)), (), 10, 20, 11, "Percent 10 per 60 s", id="11 needs no rounding"),
    # 1.1 is a little more than eleven tenths in binary: 110.00000000000001, which the HPA rounds up.
    pytest.param(behavior(percent(10, 60)), (), 100, 200, 111, "Percent 10 per 60 s", id="as the HPA's floats have it"),
    pytest.param(behavior(percent(900, 60)), (), 2, 50, 20, "Percent 900 per 60 s", id="tenfold"),
    pytest.param(behavior(percent(100_000, 60)), (), 3, 5000, 3003, "Percent 100000 per 60 s", id="1001 times"),
    pytest.param(behavior(percent(100, 15)), [(10, 3)], 6, 20, 6, "Percent 100 per 15 s", id="percent of 3, all used"),
    pytest.param(behavior(percent(100, 15)), [(10, 2)], 6, 20, 8, "Percent 100 per 15 s", id="percent of 4, 2 used"),
    pytest.param(
        behavior(percent(50, 60)), [(10, -2)], 8, 20, 15, "Percent 50 per 60 s", id="percent of 10, down to 8"
    ),
    pytest.param(behavior(percent(100, 15)), [(10, 3)], 3, 20, 3, "Percent 100 per 15 s", id="percent of none"),
    pytest.param(behavior(*HPA_UP), (), 1, 50, 5, "Pods 4 per 15 s", id="Max: 4 pods are more than 100 % of 1"),
    pytest.param(behavior(*HPA_UP), (), 4, 50, 8, "Percent 100 per 15 s", id="Max: equal, the first is named"),
    pytest.param(behavior(*HPA_UP), (), 10, 50, 20, "Percent 100 per 15 s", id="Max: 100 % of 10 are more than 4 pods"),
    pytest.param(behavior(*HPA_UP, select="Min"), (), 1, 50, 2, "Percent 100 per 15 s", id="Min: 100 % of 1"),
    pytest.param(behavior(*HPA_UP, select="Min"), (), 10, 50, 14, "Pods 4 per 15 s", id="Min: 4 pods"),
    pytest.param(behavior(*TWO_PERIODS), [(30, 4)], 8, 50, 16, "Percent 100 per 15 s", id="Max: each its own period"),
    pytest.param(
        behavior(*TWO_PERIODS, select="Min"), [(30, 4)], 8, 50, 8, "Pods 4 per 60 s", id="Min: each its own period"
    ),
    pytest.param(behavior(pods(4, 60), select="Disabled"), (), 5, 10, 5, "Disabled", id="disabled"),
    pytest.param(behavior(select="Disabled"), (), 5, 10, 5, "Disabled", id="disabled, which needs no policy"),
    pytest.param(behavior(pods(4, 60), select="Disabled"), (), 5, 5, 5, None, id="disabled, and nothing to do"),
    pytest.param(behavior(pods(4, 60)), (), 0, 20, 20, None, id="from zero in one step"),
    pytest.param(behavior(percent(10, 60)), (), 0, 20, 20, None, id="from zero, where percent would give nothing"),
    pytest.param(behavior(select="Disabled"), (), 0, 20, 0, "Disabled", id="disabled holds at zero, too"),
]

DOWN = [
    pytest.param(behavior(), (), 50, 1, 1, None, id="without policies any step is allowed"),
    pytest.param(behavior(select="Min"), (), 50, 1, 1, None, id="Min of nothing limits nothing"),
    pytest.param(behavior(pods(4, 60)), (), 80, 10, 76, "Pods 4 per 60 s", id="pods"),
    pytest.param(behavior(pods(4, 60)), (), 14, 10, 10, None, id="pods, just as many as allowed"),
    pytest.param(behavior(pods(4, 60)), (), 14, 9, 10, "Pods 4 per 60 s", id="pods, one too many"),
    pytest.param(behavior(pods(1, 60)), [(30, -1)], 9, 3, 9, "Pods 1 per 60 s", id="the one is used"),
    pytest.param(behavior(pods(1, 60)), [(60, -1)], 9, 3, 8, "Pods 1 per 60 s", id="used when the period began"),
    pytest.param(behavior(pods(5, 60)), [(30, -2)], 8, 1, 5, "Pods 5 per 60 s", id="2 of 5 are used"),
    pytest.param(behavior(pods(5, 60)), [(20, 3)], 13, 1, 5, "Pods 5 per 60 s", id="what was added may go as well"),
    pytest.param(behavior(pods(2, 60)), [(20, -5)], 5, 3, 5, "Pods 2 per 60 s", id="more used than is allowed now"),
    pytest.param(behavior(pods(100, 60)), (), 10, 3, 3, None, id="more than there are"),
    pytest.param(behavior(percent(10, 60)), (), 80, 10, 72, "Percent 10 per 60 s", id="10 % of 80 are 8"),
    pytest.param(behavior(percent(10, 60)), (), 72, 10, 64, "Percent 10 per 60 s", id="7.2 are rounded up to 8"),
    pytest.param(behavior(percent(1, 60)), (), 10, 5, 9, "Percent 1 per 60 s", id="a percentage takes one at least"),
    pytest.param(behavior(percent(50, 60)), (), 5, 1, 2, "Percent 50 per 60 s", id="2.5 stay, which is 2"),
    pytest.param(behavior(percent(50, 60)), (), 3, 1, 1, None, id="1.5 stay, which is 1"),
    pytest.param(behavior(percent(30, 60)), (), 10, 1, 7, "Percent 30 per 60 s", id="7 need no rounding"),
    # One minus nine tenths is a little less than a tenth in binary: 1.9999999999999996, which the HPA cuts off.
    pytest.param(behavior(percent(90, 60)), (), 20, 1, 1, None, id="as the HPA's floats have it"),
    pytest.param(behavior(percent(100, 15)), (), 50, 1, 1, None, id="all may go"),
    pytest.param(behavior(percent(200, 15)), (), 50, 1, 1, None, id="more than all"),
    pytest.param(behavior(percent(50, 60)), [(10, -3)], 7, 1, 5, "Percent 50 per 60 s", id="half of 10, 3 are gone"),
    pytest.param(behavior(percent(50, 60)), [(10, -5)], 5, 1, 5, "Percent 50 per 60 s", id="half of 10 is gone"),
    pytest.param(behavior(percent(50, 60)), [(10, 4)], 14, 1, 5, "Percent 50 per 60 s", id="half of 10, 4 came since"),
    pytest.param(behavior(*DOCS_DOWN), (), 80, 10, 72, "Percent 10 per 60 s", id="Max: 10 % of 80 are more than 4"),
    pytest.param(behavior(*DOCS_DOWN), (), 40, 10, 36, "Pods 4 per 60 s", id="Max: equal, the first is named"),
    pytest.param(behavior(*DOCS_DOWN), (), 30, 10, 26, "Pods 4 per 60 s", id="Max: 4 are more than 10 % of 30"),
    pytest.param(behavior(*DOCS_DOWN, select="Min"), (), 80, 10, 76, "Pods 4 per 60 s", id="Min: 4 pods"),
    pytest.param(behavior(*DOCS_DOWN, select="Min"), (), 30, 10, 27, "Percent 10 per 60 s", id="Min: 10 % of 30"),
    pytest.param(behavior(*SLOW), [(900, -5)], 45, 10, 44, "Pods 1 per 60 s", id="Max: each its own period"),
    pytest.param(
        behavior(*SLOW, select="Min"), [(900, -5)], 45, 10, 45, "Percent 10 per 1800 s", id="Min: each its own period"
    ),
    pytest.param(behavior(pods(1, 60), select="Disabled"), (), 10, 2, 10, "Disabled", id="disabled"),
    pytest.param(behavior(select="Disabled"), (), 10, 2, 10, "Disabled", id="disabled, which needs no policy"),
    pytest.param(behavior(select="Disabled"), (), 10, 0, 10, "Disabled", id="disabled keeps them when idle, too"),
    pytest.param(behavior(pods(1, 60)), (), 10, 0, 0, None, id="to zero in one step"),
    pytest.param(behavior(percent(10, 60)), [(10, -5)], 10, 0, 0, None, id="to zero, whatever was used"),
]


@pytest.mark.parametrize(("rules", "made", "current", "wanted", "expected", "policy"), UP)
def test_up(
    *, rules: Behavior, made: list[tuple[float, int]], current: int, wanted: int, expected: int, policy: str | None
) -> None:
    after = limited(current=current, wanted=wanted, changes=changes(*made), behavior=rules, now=NOW)

    assert (expected, "upPolicy" if policy else None) == (after.replicas, after.limit)
    assert (policy is None) == (after.words is None)
    assert policy is None or policy in str(after.words)


@pytest.mark.parametrize(("rules", "made", "current", "wanted", "expected", "policy"), DOWN)
def test_down(
    *, rules: Behavior, made: list[tuple[float, int]], current: int, wanted: int, expected: int, policy: str | None
) -> None:
    after = limited(current=current, wanted=wanted, changes=changes(*made), behavior=rules, now=NOW)

    assert (expected, "downPolicy" if policy else None) == (after.replicas, after.limit)
    assert (policy is None) == (after.words is None)
    assert policy is None or policy in str(after.words)


@pytest.mark.parametrize(
    ("rules", "current", "wanted", "words"),
    [
        pytest.param(behavior(pods(4, 60)), 10, 20, "limited to 14 by scaleUp policy Pods 4 per 60 s", id="up"),
        pytest.param(
            behavior(percent(10, 60)), 80, 9, "limited to 72 by scaleDown policy Percent 10 per 60 s", id="down"
        ),
        pytest.param(
            behavior(select="Disabled"), 5, 9, "held at 5, selectPolicy of scaleUp is Disabled", id="up disabled"
        ),
        pytest.param(
            behavior(select="Disabled"), 5, 1, "held at 5, selectPolicy of scaleDown is Disabled", id="down disabled"
        ),
    ],
)
def test_a_limit_is_told_in_words(rules: Behavior, current: int, wanted: int, words: str) -> None:
    assert words == limited(current=current, wanted=wanted, changes=(), behavior=rules, now=NOW).words


def test_a_step_that_is_not_allowed_at_all_is_told_as_held() -> None:
    after = limited(current=14, wanted=20, changes=changes((30, 4)), behavior=behavior(pods(4, 60)), now=NOW)

    assert "held at 14 by scaleUp policy Pods 4 per 60 s" == after.words
