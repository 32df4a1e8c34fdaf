"""`decide()`: from a spec, an observation and a memory to replicas, with the reason in words.

Order: targets -> the largest -> stabilization -> bounds -> the idle rule. Each step can only narrow the answer and
leaves its name if it did, so that the explanation writes itself: `412 messages / 20 per replica = 21, limited to
maxReplicas 20`. No clock, no I/O: the same function serves the operator, tests and, later, the simulator.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling import demand, idleness, stabilization
from qc_operator.scaling.demand import Demand
from qc_operator.scaling.observation import Depth, Missing, Observation
from qc_operator.scaling.stabilization import Answer
from qc_operator.scaling.trust import TOTALS_MAX_AGE


class Reason(StrEnum):
    """Why replicas are what they are: one closed list for status, events, metrics and logs."""

    BACKLOG_ABOVE_TARGET = "BacklogAboveTarget"
    BACKLOG_BELOW_TARGET = "BacklogBelowTarget"
    WOKE_UP = "WokeUp"
    IDLE = "Idle"
    SPEC_CHANGED = "SpecChanged"
    READING_MISSING = "ReadingMissing"
    STEADY = "Steady"


class Limit(StrEnum):
    """What held the answer back."""

    NONE = "none"
    MIN = "min"
    MAX = "max"
    STABILIZATION = "stabilization"
    GUARD = "guard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a decision needs of the past. A fresh one, as after a restart, holds replicas for a full window."""

    since: float
    """When readings were last not known; nothing scales down until a full window has been seen from here."""
    busy_at: float
    """When the queues were last not known to be empty."""
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Replicas wanted, why, in what words, limited by what, and the memory for the next decision."""

    current: int
    replicas: int
    reason: Reason
    message: str
    limited_by: Limit
    memory: Memory
    steps: tuple[str, ...] = field(default=())


def remember_nothing(*, now: float) -> Memory:
    """The memory of an operator that has just started."""
    return Memory(since=now, busy_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """An answer on its way through the steps, before the bounds."""

    replicas: int
    reason: Reason
    steps: tuple[str, ...]
    memory: Memory
    limited_by: Limit = Limit.NONE


def decide(*, spec: QueueConsumerSpec, observation: Observation, memory: Memory, now: float) -> Decision:
    """Decide how many replicas there should be.

    `now` and all times in `observation` and `memory` are seconds of the same monotonic clock. Never raises for
    missing data: what is not known holds replicas where they are, and the bounds of the spec apply all the same.
    """
    unread = not all(entry.known for entry in observation.entries)
    memory = replace(
        memory,
        busy_at=idleness.last_busy(spec=spec, observation=observation, before=memory.busy_at, now=now),
        since=now if unread else memory.since,
    )
    wanted = _largest(spec=spec, observation=observation, now=now)
    if wanted is None or (unread and wanted.replicas <= observation.current):
        draft = _hold(observation=observation, memory=memory)
    elif observation.current == 0:
        draft = _from_zero(spec=spec, observation=observation, memory=memory, wanted=wanted, now=now)
    elif _may_sleep(spec=spec, observation=observation, memory=memory, now=now):
        draft = _to_zero(spec=spec, memory=memory, now=now)
    else:
        draft = _running(observation=observation, memory=memory, wanted=wanted, now=now)
    return _bounded(spec=spec, observation=observation, draft=draft)


def _largest(*, spec: QueueConsumerSpec, observation: Observation, now: float) -> Demand | None:
    """The largest answer of all targets; complete only if every one is. None when no queue could be read."""
    demands = [
        answer
        for source, entry in zip(spec.queues, observation.entries, strict=True)
        if source.lag
        and (
            answer := demand.lag(
                target=source.lag,
                source=source,
                entry=entry,
                current=observation.current,
                running=observation.running,
                now=now,
            )
        )
        is not None
    ]
    if not demands:
        return None
    winner = max(demands, key=lambda answer: answer.replicas)
    return replace(winner, complete=all(answer.complete for answer in demands))


def _hold(*, observation: Observation, memory: Memory) -> _Draft:
    """Stay: what cannot be read moves nothing."""
    parts = [
        f"the queues that match {entry.name} are not known: {entry.unmatched.message}"
        for entry in observation.entries
        if entry.unmatched is not None
    ]
    unread = [queue for queue in observation.queues if not isinstance(queue.depth, Depth)]
    for queue in unread[:1]:
        if isinstance(queue.depth, Missing):
            parts.append(f"queue {queue.name} does not exist in vhost {queue.vhost}")
        elif not isinstance(queue.depth, Depth):
            parts.append(f"queue {queue.name} cannot be read: {queue.depth.message}")
    if len(unread) > 1:
        parts.append(f"nor can {len(unread) - 1} more")
    return _Draft(
        replicas=observation.current,
        reason=Reason.READING_MISSING,
        steps=("; ".join(parts) + f": replicas stay at {observation.current}",),
        memory=memory,
        limited_by=Limit.GUARD,
    )


def _from_zero(
    *, spec: QueueConsumerSpec, observation: Observation, memory: Memory, wanted: Demand, now: float
) -> _Draft:
    """Wake up to the wanted number in one step, once there are more messages than `activateAbove`."""
    ready = sum(queue.depth.ready for queue in observation.queues if isinstance(queue.depth, Depth))
    if ready <= spec.activate_above:
        words = f"{ready} messages are no more than activateAbove {spec.activate_above}" if ready else "no messages"
        return _Draft(replicas=0, reason=Reason.STEADY, steps=(words,), memory=memory)
    replicas = max(1, wanted.replicas)
    # The window starts here: what was wanted before the sleep says nothing about now.
    answers = (Answer(at=now, replicas=replicas),)
    return _Draft(
        replicas=replicas,
        reason=Reason.WOKE_UP,
        steps=(wanted.explanation,),
        memory=replace(memory, answers=answers),
    )


def _may_sleep(*, spec: QueueConsumerSpec, observation: Observation, memory: Memory, now: float) -> bool:
    """Idle, and not by the word of a process that has just started or of a broker that has just come back."""
    return (
        spec.min_replicas == 0
        and now - memory.since >= stabilization.DOWN_WINDOW
        and idleness.idle(spec=spec, observation=observation, busy_at=memory.busy_at, now=now)
    )


def _to_zero(*, spec: QueueConsumerSpec, memory: Memory, now: float) -> _Draft:
    """Go to zero from any number in one step: there is nothing to do for any of them."""
    words = f"no messages for {now - memory.busy_at:.0f} s, idleAfterSeconds is {spec.idle_after_seconds}"
    return _Draft(replicas=0, reason=Reason.IDLE, steps=(words,), memory=replace(memory, answers=()))


def _running(*, observation: Observation, memory: Memory, wanted: Demand, now: float) -> _Draft:
    """Up at once; down when no answer of the last window asked for more."""
    current, window = observation.current, stabilization.DOWN_WINDOW
    # While it is not known to be idle, one replica stays: only the idle rule goes to zero.
    replicas = max(1, wanted.replicas)
    steps: tuple[str, ...] = (wanted.explanation,)
    if replicas > wanted.replicas:
        steps = (*steps, "one stays until the queues are idle")
    limited_by = Limit.NONE
    if wanted.complete or replicas > current:
        # A hold for want of data says nothing about the need, so it does not enter the window; and after a gap, as
        # while the management API was away, the window begins anew.
        if not memory.answers or now - memory.answers[-1].at > TOTALS_MAX_AGE:
            memory = replace(memory, since=now)
        answers = stabilization.record(answers=memory.answers, replicas=replicas, now=now, window=window)
        memory = replace(memory, answers=answers)
    if replicas < current:
        seen = now - memory.since >= window
        held = min(current, stabilization.largest(answers=memory.answers)) if seen else current
        if held > replicas:
            cause = "by the largest answer of the last" if seen else "until readings have been known for"
            steps = (*steps, f"held at {held} {cause} {window:.0f} s")
            replicas, limited_by = held, Limit.STABILIZATION
    reason = Reason.BACKLOG_ABOVE_TARGET if replicas > current else Reason.BACKLOG_BELOW_TARGET
    return _Draft(replicas=replicas, reason=reason, steps=steps, memory=memory, limited_by=limited_by)


def _bounded(*, spec: QueueConsumerSpec, observation: Observation, draft: _Draft) -> Decision:
    """Clamp to the bounds of the spec, and name the bound that narrowed the answer."""
    current, replicas = observation.current, min(max(draft.replicas, spec.min_replicas), spec.max_replicas)
    reason, limited_by, steps = draft.reason, draft.limited_by, draft.steps
    if replicas < draft.replicas:
        limited_by, steps = Limit.MAX, (*steps, f"limited to maxReplicas {spec.max_replicas}")
    elif replicas > draft.replicas:
        limited_by, steps = Limit.MIN, (*steps, f"raised to minReplicas {spec.min_replicas}")
    if replicas != current and draft.replicas == current:
        # Only the bound moves replicas, so the user's word is the reason, not the queue.
        reason = Reason.SPEC_CHANGED
    elif replicas == current and reason is not Reason.READING_MISSING:
        reason = Reason.STEADY
    return Decision(
        current=current,
        replicas=replicas,
        reason=reason,
        message=", ".join(steps),
        limited_by=limited_by,
        memory=draft.memory,
        steps=steps,
    )
