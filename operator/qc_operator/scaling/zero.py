"""To zero replicas and from there: both in one step, and only upon what is known."""

from __future__ import annotations

from msgspec.structs import replace

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling import behavior as policies
from qc_operator.scaling import idleness, stabilization
from qc_operator.scaling.draft import Draft
from qc_operator.scaling.explanation import Step
from qc_operator.scaling.guarding import guarded
from qc_operator.scaling.memory import Memory
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.reasons import Limit, Reason
from qc_operator.scaling.rounding import number_of
from qc_operator.scaling.schedules import Bounds
from qc_operator.scaling.stabilization import Answers
from qc_operator.scaling.wanted import Wanted
from qc_operator.spec_behavior import Behavior


def from_zero(
    *,
    spec: QueueConsumerSpec,
    observation: Observation,
    memory: Memory,
    wanted: Wanted,
    behavior: Behavior,
    now: float,
) -> Draft:
    """Wake up to the wanted number in one step, once there are more messages than `activateAbove`.

    A target that feeds a queue (`deliverRate`) also wakes up when messages are delivered from it: there need not be
    any at the moment of a look.
    """
    ready = sum([entry.sums.ready for entry in observation.entries])
    fed = wanted.answers[0].demand.target == "deliverRate" and wanted.replicas > 0 and memory.busy_at >= now
    if ready <= spec.activate_above and not fed:
        waiting = f"{number_of(ready, 'message')} {'is' if ready == 1 else 'are'}"
        words = f"{waiting} no more than activateAbove {spec.activate_above}" if ready else "no messages"
        step = Step(name="wakeUp", replicas=0, words=words, source="spec.activateAbove" if ready else "queues")
        return Draft(replicas=0, reason=Reason.STEADY, steps=(step,), memory=memory)
    replicas, steps = wanted.replicas, wanted.steps
    if replicas < 1:
        wait = "waits" if ready == 1 else "wait"
        replicas, words = 1, f"{number_of(ready, 'message')} {wait}: one to begin with"
        steps = (*steps, Step(name="wakeUp", replicas=1, words=words, source="queues"))
    # The window starts here: what was wanted before the sleep says nothing about now.
    answers = stabilization.recorded(answers=Answers(), current=replicas, wanted=replicas, behavior=behavior, now=now)
    draft = Draft(
        replicas=replicas,
        reason=Reason.WOKE_UP,
        steps=steps,
        memory=replace(memory, answers=answers),
        limited_by=Limit.GUARD if wanted.alone else Limit.NONE,
    )
    draft = guarded(draft, wanted=wanted, observation=observation, now=now)
    return _unless_disabled(draft, current=0, behavior=behavior, now=now)


def is_idle(
    *, spec: QueueConsumerSpec, observation: Observation, memory: Memory, behavior: Behavior, now: float
) -> bool:
    """Idle, and not by the word of a process that has just started or of a broker that has just come back."""
    return stabilization.seen(behavior=behavior, since=memory.since, now=now) and idleness.idle(
        spec=spec, observation=observation, busy_at=memory.busy_at, now=now
    )


def at_rest(wanted: Wanted, *, spec: QueueConsumerSpec, bounds: Bounds) -> Wanted:
    """The minimum, for queues that are known to be idle, where the answers lack what would let them say so.

    A throughput that is not known keeps replicas that were added to learn it; with nothing to do there is nothing to
    learn.
    """
    steps = (_idle_step(spec, replicas=bounds.min),)
    return replace(wanted, replicas=bounds.min, complete=True, between=False, steps=steps)


def to_zero(*, spec: QueueConsumerSpec, current: int, memory: Memory, behavior: Behavior, now: float) -> Draft:
    """Go to zero from any number in one step: there is nothing to do for any of them."""
    steps = (_idle_step(spec, replicas=0),)
    draft = Draft(replicas=0, reason=Reason.IDLE, steps=steps, memory=replace(memory, answers=Answers()))
    return _unless_disabled(draft, current=current, behavior=behavior, now=now)


def _idle_step(spec: QueueConsumerSpec, *, replicas: int) -> Step:
    # Not for how long by now: words that change each second would be written each time.
    words = f"no messages for {spec.idle_after_seconds} s or longer (idleAfterSeconds)"
    return Step(name="idle", replicas=replicas, words=words, source="spec.idleAfterSeconds")


def _unless_disabled(draft: Draft, *, current: int, behavior: Behavior, now: float) -> Draft:
    """No policy limits a step from or to zero; a direction that is switched off stays off."""
    allowed = policies.limited(
        current=current, wanted=draft.replicas, changes=draft.memory.changes, behavior=behavior, now=now
    )
    if allowed.words is None or allowed.limit is None:
        return draft
    source = f"spec.behavior.{'scaleUp' if draft.replicas > current else 'scaleDown'}"
    return draft.narrowed(to=allowed.replicas, by="policy", limit=allowed.limit, words=allowed.words, source=source)
