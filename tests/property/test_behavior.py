"""What holds for windows and policies, whatever is wanted and whenever.

Two references stand here on purpose, written from the documentation in the plainest form: one that keeps every
answer, one that looks replicas up in the whole of their past.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qc_operator.scaling import behavior as policies
from qc_operator.scaling import stabilization
from qc_operator.scaling.behavior import PastChange, limited, within_tolerance
from qc_operator.scaling.stabilization import Answers, PastAnswer, stabilized
from qc_operator.spec_behavior import Behavior, Policy, ScaleDownRules, ScalingRules

NOW = 100_000.0
counts = st.integers(0, 400)
times = st.floats(NOW - 4000, NOW)
windows = st.one_of(st.just(0), st.integers(1, 60), st.integers(0, 3600))
a_policy = st.builds(
    Policy,
    type=st.sampled_from(["Pods", "Percent"]),
    value=st.one_of(st.integers(1, 10), st.integers(1, 250), st.integers(1, 100_000)),
    period_seconds=st.one_of(st.integers(1, 60), st.integers(1, 1800)),
)
some_policies = st.one_of(st.none(), st.lists(a_policy, min_size=1, max_size=4).map(tuple))
selections = st.sampled_from(["Max", "Min", "Disabled"])
behaviors = st.builds(
    Behavior,
    scale_up=st.builds(
        ScalingRules, stabilization_window_seconds=windows, select_policy=selections, policies=some_policies
    ),
    scale_down=st.builds(
        ScaleDownRules, stabilization_window_seconds=windows, select_policy=selections, policies=some_policies
    ),
)
kept_answers = st.lists(st.builds(PastAnswer, at=times, replicas=counts), max_size=8).map(tuple)
all_answers = st.builds(Answers, down=kept_answers, up=kept_answers)
all_changes = st.lists(
    st.builds(
        lambda at, lasted, by: PastChange(since=at - lasted, at=at, by=by),
        at=times,
        lasted=st.floats(0, 60),
        by=st.integers(-100, 100).filter(bool),
    ),
    max_size=8,
).map(tuple)
turns = st.lists(
    st.tuples(st.one_of(st.floats(0.2, 5), st.floats(0.2, 400)), st.integers(1, 400)), min_size=1, max_size=120
)


def _long_run(seed: int, pause: float) -> list[tuple[float, int]]:
    """More turns than hypothesis likes to draw: half climb or fall for a while, half jump about."""
    dice = random.Random(seed)  # noqa: S311 - for a test's load, not for a secret
    run: list[tuple[float, int]] = []
    while len(run) < 250:
        goal, jumps = dice.randint(1, 400), dice.random() < 0.5
        run += [
            (0.2 + dice.expovariate(1 / pause), dice.randint(1, 400) if jumps else goal)
            for _ in range(dice.randint(1, 40))
        ]
    return run


long_runs = st.builds(_long_run, seed=st.integers(0, 2**32), pause=st.sampled_from([0.3, 2, 15, 90]))


@dataclass
class Trace:
    """All that ever happened to a target that never sleeps: the reference for policies."""

    steps: list[tuple[float, int]]

    def replicas(self, at: float) -> int:
        """How many there were at that moment."""
        after = bisect_right(self.steps, at, key=lambda step: step[0])
        return self.steps[max(0, after - 1)][1]

    def limit(self, rules: ScalingRules, *, now: float, upwards: bool) -> float:
        """The number that may not be passed, by the words of the documentation."""
        if rules.select_policy == "Disabled":
            return self.replicas(now)
        if not rules.policies:
            return math.inf if upwards else -math.inf
        allowed: list[float] = []
        for policy in rules.policies:
            began = self.replicas(now - policy.period_seconds)
            if policy.type == "Pods":
                allowed.append(began + policy.value if upwards else began - policy.value)
            elif upwards:
                allowed.append(math.ceil(began * (1 + policy.value / 100)))
            else:
                allowed.append(int(began * (1 - policy.value / 100)))
        return max(allowed) if upwards == (rules.select_policy == "Max") else min(allowed)


@given(behavior=behaviors, first=st.integers(1, 400), turns=st.one_of(turns, long_runs))
@settings(max_examples=300)
def test_no_period_ever_sees_more_change_than_its_policies_allow(
    behavior: Behavior, first: int, turns: list[tuple[float, int]]
) -> None:
    now, trace = NOW, Trace([(NOW, first)])
    changes: tuple[PastChange, ...] = ()
    for after, wanted in turns:
        now += after
        current = trace.steps[-1][1]
        step = limited(current=current, wanted=wanted, changes=changes, behavior=behavior, now=now)
        changes = policies.recorded(changes=changes, before=current, after=step.replicas, behavior=behavior, now=now)

        assert len(changes) <= policies.CHANGES_MOST
        if step.replicas > current:
            assert step.replicas <= trace.limit(behavior.scale_up, now=now, upwards=True)
        if step.replicas < current:
            assert step.replicas >= trace.limit(behavior.scale_down, now=now, upwards=False)
        if step.limit is None:
            assert wanted == step.replicas
        trace.steps.append((now, step.replicas))


@given(behavior=behaviors, first=st.integers(1, 400), turns=turns.map(lambda turns: turns[: policies.CHANGES_MOST]))
@settings(max_examples=300)
def test_policies_allow_just_what_the_whole_past_allows(
    behavior: Behavior, first: int, turns: list[tuple[float, int]]
) -> None:
    """As long as no changes had to be put together, nothing is lost: equal, not just within."""
    now, trace = NOW, Trace([(NOW, first)])
    changes: tuple[PastChange, ...] = ()
    for after, wanted in turns:
        now += after
        current = trace.steps[-1][1]
        up = max(current, trace.limit(behavior.scale_up, now=now, upwards=True))
        down = min(current, trace.limit(behavior.scale_down, now=now, upwards=False))

        step = limited(current=current, wanted=wanted, changes=changes, behavior=behavior, now=now)

        assert min(max(wanted, down), up) == step.replicas
        changes = policies.recorded(changes=changes, before=current, after=step.replicas, behavior=behavior, now=now)
        trace.steps.append((now, step.replicas))


@given(
    value=st.integers(1, 20),
    period=st.integers(1, 300),
    gaps=st.lists(st.floats(0.2, 60), min_size=1, max_size=150),
)
def test_a_climb_never_gains_more_than_its_pods_within_any_sliding_period(
    value: int, period: int, gaps: list[float]
) -> None:
    """Measured from outside: every window of that length, wherever it begins, not only where a decision was made."""
    rules = ScalingRules(policies=(Policy(type="Pods", value=value, period_seconds=period),))
    behavior, now, steps = Behavior(scale_up=rules), NOW, [(NOW, 1)]
    changes: tuple[PastChange, ...] = ()
    for gap in gaps:
        now += gap
        current = steps[-1][1]
        replicas = limited(current=current, wanted=10**6, changes=changes, behavior=behavior, now=now).replicas
        changes = policies.recorded(changes=changes, before=current, after=replicas, behavior=behavior, now=now)
        steps.append((now, replicas))

    made = [(at, after - before) for (_, before), (at, after) in pairwise(steps)]
    for begin, _ in made:
        assert sum(by for at, by in made if begin - period < at <= begin) <= value


@given(current=counts, wanted=counts, changes=all_changes, behavior=behaviors)
def test_policies_move_towards_what_is_wanted_or_not_at_all(
    current: int, wanted: int, changes: tuple[PastChange, ...], behavior: Behavior
) -> None:
    step = limited(current=current, wanted=wanted, changes=changes, behavior=behavior, now=NOW)

    assert min(current, wanted) <= step.replicas <= max(current, wanted)
    assert (step.limit is None) == (step.words is None) == (step.replicas == wanted)
    assert step == limited(current=current, wanted=wanted, changes=changes, behavior=behavior, now=NOW)


@given(current=st.integers(1, 400), wanted=counts, more=counts, changes=all_changes, behavior=behaviors)
def test_policies_never_give_less_to_who_wants_more(
    current: int, wanted: int, more: int, changes: tuple[PastChange, ...], behavior: Behavior
) -> None:
    less, greater = (
        limited(current=current, wanted=number, changes=changes, behavior=behavior, now=NOW).replicas
        for number in (wanted, wanted + more)
    )

    assert less <= greater


@given(
    current=st.integers(1, 400),
    wanted=st.integers(1, 400),
    changes=all_changes,
    policies=st.lists(a_policy, min_size=1, max_size=4).map(tuple),
)
def test_max_allows_at_least_the_change_that_min_allows_and_disabled_none(
    current: int, wanted: int, changes: tuple[PastChange, ...], policies: tuple[Policy, ...]
) -> None:
    most, least, none = (
        abs(
            limited(
                current=current,
                wanted=wanted,
                changes=changes,
                behavior=Behavior(
                    scale_up=ScalingRules(select_policy=select, policies=policies),
                    scale_down=ScaleDownRules(select_policy=select, policies=policies),
                ),
                now=NOW,
            ).replicas
            - current
        )
        for select in ("Max", "Min", "Disabled")
    )

    assert most >= least >= none == 0


@given(current=st.sampled_from([0, 7]), wanted=counts, changes=all_changes, behavior=behaviors)
def test_no_policy_limits_a_step_from_or_to_zero(
    current: int, wanted: int, changes: tuple[PastChange, ...], behavior: Behavior
) -> None:
    wanted = 0 if current else wanted
    disabled = (behavior.scale_down if current else behavior.scale_up).select_policy == "Disabled"

    step = limited(current=current, wanted=wanted, changes=changes, behavior=behavior, now=NOW)

    assert (current if disabled else wanted) == step.replicas


@given(current=counts, wanted=counts, answers=all_answers, behavior=behaviors, since=times)
def test_windows_leave_replicas_between_what_is_and_what_is_wanted(
    *, current: int, wanted: int, answers: Answers, behavior: Behavior, since: float
) -> None:
    after = stabilized(current=current, wanted=wanted, answers=answers, behavior=behavior, since=since, now=NOW)

    assert min(current, wanted) <= after.replicas <= max(current, wanted)
    assert (after.words is None) == (after.replicas == wanted)
    again = stabilized(current=after.replicas, wanted=wanted, answers=answers, behavior=behavior, since=since, now=NOW)
    assert after.replicas == again.replicas


@given(current=counts, wanted=counts, more=counts, answers=all_answers, behavior=behaviors, since=times)
def test_windows_never_give_less_to_who_wants_more(
    *, current: int, wanted: int, more: int, answers: Answers, behavior: Behavior, since: float
) -> None:
    less, greater = (
        stabilized(current=current, wanted=number, answers=answers, behavior=behavior, since=since, now=NOW).replicas
        for number in (wanted, wanted + more)
    )

    assert less <= greater


@given(current=st.integers(1, 400), wanted=counts, behavior=behaviors, known_for=st.floats(0, 3600))
def test_an_empty_memory_takes_nothing_away_before_a_window_has_been_seen(
    current: int, wanted: int, behavior: Behavior, known_for: float
) -> None:
    after = stabilized(
        current=current, wanted=wanted, answers=Answers(), behavior=behavior, since=NOW - known_for, now=NOW
    )

    if known_for < behavior.scale_down.window:
        assert after.replicas >= current


@pytest.mark.parametrize("few", [True, False], ids=["few answers", "many answers"])
@given(behavior=behaviors, turns=st.one_of(turns, long_runs), current=counts)
@settings(max_examples=200)
def test_the_kept_answers_decide_as_all_answers_would(
    *, few: bool, behavior: Behavior, turns: list[tuple[float, int]], current: int
) -> None:
    """Few are kept exactly. Of many, each counts for at most a twelfth of the window longer."""
    turns = turns[: stabilization.ANSWERS_MOST - 1] if few else turns
    now, every, kept = NOW, [(NOW, current)], Answers()
    up, down = behavior.scale_up.window, behavior.scale_down.window
    for number, (after, wanted) in enumerate(turns):
        now += after if number else 0
        kept = stabilization.recorded(answers=kept, current=current, wanted=wanted, behavior=behavior, now=now)
        every.append((now, wanted))

        assert max(len(kept.down), len(kept.up)) <= stabilization.ANSWERS_MOST
        for target in (0, 10**6):
            seen = stabilized(
                current=target, wanted=wanted, answers=kept, behavior=behavior, since=NOW - 3600, now=now
            ).replicas
            longer = 1.0 if few else 13 / 12
            exact, late = (
                [replicas for at, replicas in every if at > now - window * factor] + [wanted]
                for window, factor in ((up if target == 0 else down, 1.0), (up if target == 0 else down, longer))
            )
            if target:
                assert max(exact) <= seen <= max(late)
            else:
                assert min(late) <= seen <= min(exact)


@given(
    current=st.integers(-(2**31), 2**31),
    wanted=st.integers(-(2**31), 2**31),
    answers=all_answers,
    changes=all_changes,
    behavior=behaviors,
    now=st.floats(-1e12, 1e12),
    ratio=st.floats(),
)
def test_nothing_raises(
    *,
    current: int,
    wanted: int,
    answers: Answers,
    changes: tuple[PastChange, ...],
    behavior: Behavior,
    now: float,
    ratio: float,
) -> None:
    stabilization.recorded(answers=answers, current=current, wanted=wanted, behavior=behavior, now=now)
    after = stabilized(current=current, wanted=wanted, answers=answers, behavior=behavior, since=now, now=now)
    step = limited(current=current, wanted=after.replicas, changes=changes, behavior=behavior, now=now)
    policies.recorded(changes=changes, before=current, after=step.replicas, behavior=behavior, now=now)
    within_tolerance(ratio=ratio, behavior=behavior)
