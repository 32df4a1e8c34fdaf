"""Stabilization windows against a table reasoned from the documented algorithm, not from the code.

Sources: kubernetes.io, "Horizontal Pod Autoscaling", section "Stabilization window", and the API reference of
autoscaling/v2: down to the largest recommendation of the window, up to the smallest one. One that is
as old as the window is no longer in it.
"""

from __future__ import annotations

import msgspec
import pytest

from qc_operator.scaling.stabilization import ANSWERS_MOST, Answers, PastAnswer, Stabilized, recorded, seen, stabilized
from qc_operator.spec_behavior import Behavior

NOW = 10_000.0
LONG_AGO = NOW - 7200


def windows(*, up: int = 0, down: int = 60) -> Behavior:
    return msgspec.convert(
        {"scaleUp": {"stabilizationWindowSeconds": up}, "scaleDown": {"stabilizationWindowSeconds": down}},
        type=Behavior,
    )


def answers(*given: tuple[float, int]) -> Answers:
    """All answers as (seconds ago, replicas), in both windows: what may be forgotten is not forgotten."""
    every = tuple(PastAnswer(at=NOW - ago, replicas=replicas) for ago, replicas in given)
    return Answers(down=every, up=every)


def known_for_long(given: list[tuple[float, int]], *, current: int, wanted: int, behavior: Behavior) -> Stabilized:
    """What comes of an answer after these, when readings have been known for longer than any window."""
    return stabilized(
        current=current, wanted=wanted, answers=answers(*given), behavior=behavior, since=LONG_AGO, now=NOW
    )


@pytest.mark.parametrize(
    ("window", "given", "current", "wanted", "expected"),
    [
        pytest.param(0, [], 2, 9, 9, id="no window, no answer"),
        pytest.param(0, [(1, 2)], 2, 9, 9, id="no window: the last second does not count"),
        pytest.param(30, [], 2, 9, 9, id="no answer in the window"),
        pytest.param(30, [(10, 4)], 2, 9, 4, id="as far as all agree"),
        pytest.param(30, [(10, 2)], 2, 9, 2, id="one wanted to stay"),
        pytest.param(30, [(10, 1)], 2, 9, 2, id="one wanted less: it does not go down for that"),
        pytest.param(30, [(10, 0)], 2, 9, 2, id="one wanted none"),
        pytest.param(30, [(29.9, 4)], 2, 9, 4, id="just within the window"),
        pytest.param(30, [(30, 4)], 2, 9, 9, id="as old as the window"),
        pytest.param(30, [(31, 4), (29, 6)], 2, 9, 6, id="an older one is over"),
        pytest.param(30, [(10, 20)], 2, 9, 9, id="a larger one lifts nothing"),
        pytest.param(30, [(20, 7), (10, 5), (5, 8)], 2, 9, 5, id="the smallest of three"),
        pytest.param(3600, [(3599, 3)], 2, 9, 3, id="an hour"),
    ],
)
def test_up_takes_the_smallest_answer_of_its_window(
    window: int, given: list[tuple[float, int]], current: int, wanted: int, expected: int
) -> None:
    after = known_for_long(given, current=current, wanted=wanted, behavior=windows(up=window, down=3600))

    words = f"held at {expected} by the smallest answer of the last {window} s"
    assert (expected, words if expected < wanted else None) == after


@pytest.mark.parametrize(
    ("window", "given", "current", "wanted", "expected"),
    [
        pytest.param(0, [], 9, 2, 2, id="no window, no answer"),
        pytest.param(0, [(1, 9)], 9, 2, 2, id="no window: the last second does not count"),
        pytest.param(60, [], 9, 2, 2, id="no answer in the window"),
        pytest.param(60, [(10, 6)], 9, 2, 6, id="as far as all agree"),
        pytest.param(60, [(10, 9)], 9, 2, 9, id="one wanted to stay"),
        pytest.param(60, [(10, 12)], 9, 2, 9, id="one wanted more: it does not go up for that"),
        pytest.param(60, [(59.9, 6)], 9, 2, 6, id="just within the window"),
        pytest.param(60, [(60, 6)], 9, 2, 2, id="as old as the window"),
        pytest.param(60, [(61, 8), (59, 5)], 9, 2, 5, id="an older one is over"),
        pytest.param(60, [(10, 1)], 9, 2, 2, id="a smaller one lowers nothing"),
        pytest.param(60, [(50, 4), (30, 7), (10, 3)], 9, 2, 7, id="the largest of three"),
        pytest.param(300, [(299, 8)], 9, 2, 8, id="the HPA's own window"),
        pytest.param(3600, [(3599, 3)], 9, 2, 3, id="an hour"),
    ],
)
def test_down_takes_the_largest_answer_of_its_window(
    window: int, given: list[tuple[float, int]], current: int, wanted: int, expected: int
) -> None:
    after = known_for_long(given, current=current, wanted=wanted, behavior=windows(up=3600, down=window))

    words = f"held at {expected} by the largest answer of the last {window} s"
    assert (expected, words if expected > wanted else None) == after


@pytest.mark.parametrize(
    ("known_for", "window", "expected"),
    [
        pytest.param(0, 60, 9, id="just started"),
        pytest.param(59.9, 60, 9, id="not quite a window"),
        pytest.param(60, 60, 2, id="a window"),
        pytest.param(299, 300, 9, id="not quite a long window"),
        pytest.param(0, 0, 2, id="no window"),
    ],
)
def test_down_waits_until_readings_have_been_known_for_a_window(known_for: float, window: int, expected: int) -> None:
    rules = windows(down=window)

    after = stabilized(current=9, wanted=2, answers=Answers(), behavior=rules, since=NOW - known_for, now=NOW)

    assert expected == after.replicas
    assert (f"held at 9 until readings have been known for {window} s" if expected == 9 else None) == after.words
    assert (expected == 2) == seen(behavior=rules, since=NOW - known_for, now=NOW)


def test_nothing_is_held_where_nothing_is_to_change() -> None:
    given = answers((10, 1), (5, 9))

    assert (4, None) == stabilized(current=4, wanted=4, answers=given, behavior=windows(up=60), since=LONG_AGO, now=NOW)


def test_up_waits_for_nothing_and_down_for_a_minute_where_the_spec_says_nothing() -> None:
    kept = recorded(answers=Answers(), current=5, wanted=5, behavior=Behavior(), now=NOW)

    def at(seconds: float, wanted: int) -> int:
        return stabilized(
            current=5, wanted=wanted, answers=kept, behavior=Behavior(), since=LONG_AGO, now=NOW + seconds
        ).replicas

    assert 90 == at(0.25, 90)
    assert 5 == at(59.9, 1)
    assert 1 == at(60, 1)


def test_the_first_answer_finds_the_replicas_that_are_there() -> None:
    rules = windows(up=30)
    kept = recorded(answers=Answers(), current=2, wanted=9, behavior=rules, now=NOW)

    def at(seconds: float) -> int:
        return stabilized(current=2, wanted=9, answers=kept, behavior=rules, since=LONG_AGO, now=NOW + seconds).replicas

    assert 2 == at(29)
    assert 9 == at(30)


def test_without_a_window_nothing_is_kept() -> None:
    rules = windows(up=0, down=0)

    assert Answers() == recorded(answers=answers((5, 3)), current=3, wanted=4, behavior=rules, now=NOW)


def test_only_what_may_still_decide_is_kept() -> None:
    kept, rules = Answers(), windows(up=60, down=60)
    for second, wanted in enumerate([3, 8, 5, 5, 2, 4]):
        kept = recorded(answers=kept, current=3, wanted=wanted, behavior=rules, now=NOW + second)

    assert ((1, 8), (3, 5), (5, 4)) == tuple((answer.at - NOW, answer.replicas) for answer in kept.down)
    assert ((4, 2), (5, 4)) == tuple((answer.at - NOW, answer.replicas) for answer in kept.up)


def test_as_many_answers_as_are_kept_are_kept_exactly() -> None:
    kept, rules = Answers(), windows(down=300)
    for n in range(ANSWERS_MOST):
        kept = recorded(answers=kept, current=0, wanted=100 - n, behavior=rules, now=NOW + n)

    assert tuple(PastAnswer(at=NOW + n, replicas=100 - n) for n in range(24)) == kept.down


@pytest.mark.parametrize(("falling", "window"), [(True, 60), (False, 60), (True, 3600), (False, 3600)])
def test_many_answers_are_kept_as_few_and_count_at_most_a_twelfth_of_the_window_longer(
    falling: bool,  # noqa: FBT001 - a case of the table
    window: int,
) -> None:
    kept, rules = Answers(), windows(up=window, down=window)
    wanted = [100 - n if falling else 100 + n for n in range(50)]
    for n, replicas in enumerate(wanted):
        kept = recorded(answers=kept, current=100, wanted=replicas, behavior=rules, now=NOW + n * window / 50)
        assert len(kept.down) + len(kept.up) <= 25

    # The fourth answer is the first that is in the window now.
    now = NOW + 3.5 * window / 50 + window
    after = stabilized(
        current=100,
        wanted=1 if falling else 999,
        answers=kept,
        behavior=rules,
        since=LONG_AGO,
        now=now,
    ).replicas
    later = stabilized(
        current=100,
        wanted=1 if falling else 999,
        answers=kept,
        behavior=rules,
        since=LONG_AGO,
        now=now + window / 12,
    ).replicas

    assert abs(after - 100) <= 4
    assert abs(later - 100) >= 4
