"""What holds for every decision of a story, whatever the spec is and whatever is seen.

A story is a number of turns: each carries out what the one before has decided, with its memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qc_operator.limitation import LASTING, scaling_limited
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling import schedules
from qc_operator.scaling.decision import Decision, decide
from qc_operator.scaling.memory import Memory, remember_nothing
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.pause import NO_PAUSE, Pause, parse
from qc_operator.scaling.reasons import Limit, Reason
from qc_operator.spec_behavior import ScalingRules
from tests.property.whole_specs import START, TODAY, observations, specs

TURNS = 4
# Whole specs and observations are large, and other tests may be running on the machine: slow is no fault here.
settings.register_profile("stories", suppress_health_check=[HealthCheck.too_slow], deadline=None)
stories = settings(settings.get_profile("stories"), max_examples=60)
pauses = st.sampled_from(
    [
        NO_PAUSE,
        parse({"queueconsumer.dev/paused": "true"}),
        parse({"queueconsumer.dev/paused-replicas": "7"}),
        parse({"queueconsumer.dev/paused-until": "2026-11-27T06:00:00Z"}),
    ]
)


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    spec: QueueConsumerSpec
    observation: Observation
    memory: Memory
    now: float
    at: datetime
    pause: Pause
    decision: Decision

    def again(self) -> Decision:
        """The same inputs once more."""
        return decide(
            spec=self.spec,
            observation=self.observation,
            memory=self.memory,
            now=self.now,
            at=self.at,
            pause=self.pause,
        )


def story(
    data: st.DataObject, *, spec: QueueConsumerSpec, pause: Pause = NO_PAUSE, readable: bool = False
) -> Iterator[Turn]:
    now, at, current = START, TODAY, data.draw(st.integers(0, 200), label="replicas")
    memory = remember_nothing(now=now)
    for _ in range(TURNS):
        passed = data.draw(st.sampled_from([0.0, 0.2, 1.0, 5.0, 61.0, 600.0]), label="seconds")
        now, at = now + passed, at + timedelta(seconds=passed)
        seen = data.draw(observations(spec=spec, at=now, current=current, readable=readable))
        decision = decide(spec=spec, observation=seen, memory=memory, now=now, at=at, pause=pause)
        yield Turn(spec=spec, observation=seen, memory=memory, now=now, at=at, pause=pause, decision=decision)
        memory, current = decision.memory, decision.replicas


def bounds(turn: Turn) -> schedules.Bounds:
    spec = turn.spec
    return schedules.bounds(spec.schedules, min_replicas=spec.min_replicas, max_replicas=spec.max_replicas, at=turn.at)


@stories
@given(data=st.data(), spec=specs(), pause=pauses)
def test_replicas_are_within_the_bounds_unless_a_person_says_otherwise(
    data: st.DataObject, spec: QueueConsumerSpec, pause: Pause
) -> None:
    for turn in story(data, spec=spec, pause=pause):
        if turn.decision.paused is None:
            assert bounds(turn).min <= turn.decision.replicas <= bounds(turn).max
        else:
            assert turn.decision.replicas in {turn.decision.current, pause.replicas}


@stories
@given(data=st.data(), spec=specs())
def test_what_is_not_known_lowers_nothing(data: st.DataObject, spec: QueueConsumerSpec) -> None:
    for turn in story(data, spec=spec):
        doubtful = not turn.observation.known or any(entry.alarmed for entry in turn.observation.entries)
        told = spec.fallback is not None and spec.fallback.policy in {"AtMost", "Exactly"}
        if doubtful and not (turn.decision.fallen_back and told):
            assert turn.decision.replicas >= min(turn.decision.current, bounds(turn).max)


@stories
@given(data=st.data(), spec=specs())
def test_a_fresh_memory_lowers_nothing_before_a_window_has_been_seen(
    data: st.DataObject, spec: QueueConsumerSpec
) -> None:
    window = spec.behavior.scale_down.window if spec.behavior else 60
    for turn in story(data, spec=spec):
        if turn.now - START < window and not turn.decision.fallen_back:
            assert turn.decision.replicas >= min(turn.decision.current, bounds(turn).max)


@stories
@given(data=st.data(), spec=specs(), pause=pauses)
def test_the_same_inputs_give_the_same_bytes(data: st.DataObject, spec: QueueConsumerSpec, pause: Pause) -> None:
    for turn in story(data, spec=spec, pause=pause):
        assert msgspec.json.encode(turn.decision) == msgspec.json.encode(turn.again())


@stories
@given(data=st.data(), spec=specs())
def test_when_nothing_has_changed_nothing_changes(data: st.DataObject, spec: QueueConsumerSpec) -> None:
    for turn in story(data, spec=spec):
        decision = turn.decision
        if decision.current == 0 and decision.reason is Reason.SPEC_CHANGED:
            # At zero only `activateAbove` is asked, and not the targets: they are, as soon as the minimum is there.
            continue
        entries, running, pods = turn.observation.entries, turn.observation.running, turn.observation.pods
        seen = Observation(entries=entries, current=decision.replicas, running=running, pods=pods)
        after = decide(spec=spec, observation=seen, memory=decision.memory, now=turn.now, at=turn.at)

        assert after.replicas == decision.replicas


@stories
@given(data=st.data(), spec=specs(fields=frozenset({"behavior"})))
def test_policies_are_kept_in_every_period(data: st.DataObject, spec: QueueConsumerSpec) -> None:
    made: list[tuple[float, int, int]] = []
    for turn in story(data, spec=spec, readable=True):
        before, after = turn.decision.current, turn.decision.replicas
        if turn.decision.reason is Reason.SPEC_CHANGED or turn.decision.limited_by is Limit.MIN or 0 in (before, after):
            made.clear()  # Bounds, and steps from and to zero, are none of the policies' business.
        elif after != before and spec.behavior is not None:
            rules = spec.behavior.scale_up if after > before else spec.behavior.scale_down
            made.append((turn.now, before, after))
            assert _allowed(rules, made, now=turn.now, up=after > before)
            assert rules.select_policy != "Disabled"


def _allowed(rules: ScalingRules, made: list[tuple[float, int, int]], *, now: float, up: bool) -> bool:
    """Whether replicas are where a policy lets them be, as counted from the start of its period (HPA's rule)."""
    if rules.policies is None:
        return True
    _, current, reached = made[-1]
    within = []
    for policy in rules.policies:
        began = current - sum(after - before for at, before, after in made[:-1] if at > now - policy.period_seconds)
        step = policy.value if policy.type == "Pods" else began * policy.value / 100
        # A percentage is rounded in floating point, so one replica more than the exact number may be allowed.
        limit = math.ceil(began + step + 1e-6) if up else math.floor(began - step)
        within.append(reached <= limit if up else reached >= limit)
    return any(within) if rules.select_policy == "Max" else all(within)


@stories
@given(data=st.data(), spec=specs(), pause=pauses)
def test_the_condition_and_the_decision_agree_on_whether_something_limits(
    data: st.DataObject, spec: QueueConsumerSpec, pause: Pause
) -> None:
    for turn in story(data, spec=spec, pause=pause):
        decision, entries = turn.decision, turn.observation.entries
        (told,) = scaling_limited(decision=decision, entries=entries, spec=spec, told=None)
        if decision.limited_by is not Limit.NONE:
            assert told.status == "True"
        elif told.reason not in LASTING:
            assert (told.status, told.reason) == ("False", "NotLimited")


@stories
@given(data=st.data(), spec=specs())
def test_every_decision_explains_itself(data: st.DataObject, spec: QueueConsumerSpec) -> None:
    for turn in story(data, spec=spec):
        decision = turn.decision
        assert decision.message
        assert len(decision.steps) <= 64
        assert not any(step.outbid for step in decision.steps[:1])
        assert (decision.reason is Reason.STEADY) <= (decision.replicas == decision.current)
        told = [step for step in decision.steps if not step.outbid]
        assert told[-1].replicas == decision.replicas
