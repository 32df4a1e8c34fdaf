"""`decide()`: from a spec, an observation and a memory to replicas, with the reason in words.

The steps in their order, each with the module that has its rule:

1. what the observation adds to the memory: `learning.py`
2. a pause by a person: `pause.py`
3. the bounds of this moment: `schedules.py`
4. the targets: `targets.py`, which asks `lag.py`, `rate_targets.py`, `drain.py`, `wait.py`; the largest: `wanted.py`
5. the fallback: `fallback.py`; without it, and without readings, replicas stay: `hold.py`
6. from zero and to zero: `zero.py`, `idleness.py`; in between: `running.py`, with guards (`guarding.py`),
   windows (`stabilization.py`) and policies (`behavior.py`)
7. the bounds applied: `limits.py`

Each step after the targets can only narrow the answer and leaves its name if it did, so that the explanation writes
itself: `412 messages / 20 per replica = 21, limited to maxReplicas 20`. No clock, no I/O: the same function serves the
operator, `mode: Observe`, tests and, later, the simulator.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling import behavior as policies
from qc_operator.scaling import explanation, fallback, schedules, targets
from qc_operator.scaling.draft import Draft
from qc_operator.scaling.explanation import Step
from qc_operator.scaling.forbidden import Forbidden
from qc_operator.scaling.guarding import in_force
from qc_operator.scaling.hold import held
from qc_operator.scaling.learning import learned
from qc_operator.scaling.limits import bounded
from qc_operator.scaling.memory import Memory
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.pause import NO_PAUSE, Pause, PauseNow
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.reasons import Limit, Reason
from qc_operator.scaling.running import DEFAULT_BEHAVIOR, behavior_with, running
from qc_operator.scaling.situation import Waiting
from qc_operator.scaling.stabilization import Answers, PastAnswer
from qc_operator.scaling.wanted import Wanted
from qc_operator.scaling.zero import at_rest, from_zero, is_idle, to_zero
from qc_operator.spec_behavior import Behavior


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Replicas wanted, why, limited by what, and the memory for the next decision."""

    current: int
    replicas: int
    reason: Reason
    limited_by: Limit
    steps: tuple[Step, ...]
    memory: Memory
    paused: PauseNow | None = None
    """The pause in force, or None."""
    fallen_back: bool = False
    """Whether the fallback decided."""
    guard: Forbidden | None = None
    """What forbids a step up at this moment, whether or not one was asked for."""
    rates: tuple[Rates, ...] = ()
    """What is known of the flow through each entry."""
    between: bool = False
    """Whether replicas stay only because the next complete reading is still to come: what was told last still holds."""
    infeasible: str | None = None
    """Why an objective cannot be met by reacting, and which minReplicas would meet it."""
    waiting: tuple[Waiting | None, ...] = ()
    """How long messages wait, an entry each; None where there is no objective."""

    @property
    def message(self) -> str:
        """The steps as one sentence."""
        return explanation.message(self.steps)


def decide(
    *,
    spec: QueueConsumerSpec,
    observation: Observation,
    memory: Memory,
    now: float,
    at: datetime,
    pause: Pause = NO_PAUSE,
) -> Decision:
    """Decide how many replicas there should be.

    `now` and all times in `observation` and `memory` are seconds of the same monotonic clock; `at` is the same moment
    on the wall's, aware of its zone. Never raises for missing data: what is not known holds replicas where they are,
    and the bounds of the spec apply all the same.
    """
    unread = not observation.known
    memory = learned(spec=spec, observation=observation, memory=memory, unread=unread, now=now)
    paused = pause.at(at)
    if paused is not None:
        return _paused(spec=spec, observation=observation, memory=memory, paused=paused, now=now)
    current, behavior = observation.current, spec.behavior or DEFAULT_BEHAVIOR
    bounds = schedules.bounds(spec.schedules, min_replicas=spec.min_replicas, max_replicas=spec.max_replicas, at=at)
    wanted = targets.asked(
        spec=spec,
        observation=observation,
        memory=memory,
        behavior=behavior,
        min_replicas=bounds.min,
        max_replicas=bounds.max,
        now=now,
    )
    if wanted is not None:
        if wanted.standings or memory.standing:
            memory = replace(memory, standing=wanted.standings)
        if wanted.window_seconds is not None and behavior.scale_down.stabilization_window_seconds is None:
            behavior = behavior_with(behavior, window_seconds=wanted.window_seconds)
    idle = current > 0 and is_idle(spec=spec, observation=observation, memory=memory, behavior=behavior, now=now)
    if wanted is not None and idle and bounds.min > 0 and not (wanted.complete or wanted.between):
        wanted = at_rest(wanted, spec=spec, bounds=bounds)
        # That it is idle has been seen for a whole window, in which nothing else was answered.
        memory = replace(memory, answers=Answers(down=(PastAnswer(at=now, replicas=bounds.min),)))
    fell = fallback.answer(spec.fallback, unread_since=memory.unread_since, current=current, now=now)
    if fell is not None and not _asks_for_more(wanted, than=fell.replicas, spec=spec, current=current):
        step = Step(name="fallback", replicas=fell.replicas, words=fell.words, source="spec.fallback")
        draft = Draft(replicas=fell.replicas, reason=Reason.FALLBACK, steps=(step,), memory=memory)
    elif wanted is None or (unread and wanted.replicas <= current):
        draft = held(observation=observation, memory=memory)
    elif current == 0:
        draft = from_zero(spec=spec, observation=observation, memory=memory, wanted=wanted, behavior=behavior, now=now)
    elif idle and bounds.min == 0:
        draft = to_zero(spec=spec, current=current, memory=memory, behavior=behavior, now=now)
    else:
        draft = running(observation=observation, memory=memory, wanted=wanted, behavior=behavior, now=now)
    draft = bounded(draft, spec=spec, current=current, bounds=bounds)
    return Decision(
        current=current,
        replicas=draft.replicas,
        reason=draft.reason,
        limited_by=draft.limited_by,
        steps=draft.steps,
        memory=_changed(draft, current=current, behavior=behavior, now=now),
        fallen_back=fell is not None,
        guard=draft.guard or in_force(memory=memory, observation=observation, now=now),
        rates=memory.rates,
        between=wanted is not None and wanted.between and draft.replicas == current and draft.reason is Reason.STEADY,
        infeasible=wanted.infeasible if wanted is not None else None,
        waiting=wanted.waiting if wanted is not None else (),
    )


def _asks_for_more(wanted: Wanted | None, *, than: int, spec: QueueConsumerSpec, current: int) -> bool:
    """Whether the queues that can be read ask for more than a fallback that is a floor."""
    floor = spec.fallback is not None and spec.fallback.policy in {"AtLeast", "KeepCurrent"}
    return floor and wanted is not None and wanted.replicas > max(current, than)


def _paused(
    *, spec: QueueConsumerSpec, observation: Observation, memory: Memory, paused: PauseNow, now: float
) -> Decision:
    """A person's word, over everything else. When it ends, a whole window is seen before anything goes down."""
    current = observation.current
    replicas = current if paused.replicas is None else paused.replicas
    words = paused.words(current=current, min_replicas=spec.min_replicas, max_replicas=spec.max_replicas)
    return Decision(
        current=current,
        replicas=replicas,
        reason=Reason.STEADY if replicas == current else Reason.OVERRIDE,
        limited_by=Limit.PAUSED,
        steps=(Step(name="pause", replicas=replicas, words=words, source="metadata.annotations"),),
        memory=replace(
            memory,
            since=now,
            answers=Answers(),
            changes=(),
            changed_at=memory.changed_at if replicas == current else now,
        ),
        paused=paused,
    )


def _changed(draft: Draft, *, current: int, behavior: Behavior, now: float) -> Memory:
    """The memory once the replicas have been written."""
    memory = draft.memory
    changes = policies.recorded(
        changes=memory.changes, before=current, after=draft.replicas, behavior=behavior, now=now
    )
    if draft.replicas != current:
        return replace(memory, changes=changes, changed_at=now)
    return memory if changes == memory.changes else replace(memory, changes=changes)
