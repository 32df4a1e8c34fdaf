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
    active: bool
    steps: tuple[str, ...] = field(default=())


def remember_nothing(*, now: float) -> Memory:
    """The memory of an operator that has just started."""
    return Memory(since=now, busy_at=now)


def decide(*, spec: QueueConsumerSpec, observation: Observation, memory: Memory, now: float) -> Decision:
    """Decide how many replicas there should be.

    `now` and all times in `observation` and `memory` are seconds of the same monotonic clock. Never raises for
    missing data: what is not known holds replicas where they are, and the bounds of the spec apply all the same.
    """
    unread = [queue for queue in observation.queues if not isinstance(queue.depth, Depth)]
    wanted = _largest(spec=spec, observation=observation, now=now)
    busy_at = idleness.last_busy(spec=spec, observation=observation, before=memory.busy_at, now=now)
    memory = replace(memory, busy_at=busy_at, since=now if unread else memory.since)
    if wanted is None or (unread and wanted.replicas <= observation.current):
        return _bounded(
            spec=spec,
            observation=observation,
            memory=memory,
            replicas=observation.current,
            reason=Reason.READING_MISSING,
            limited_by=Limit.GUARD,
            steps=(_unread_message(observation),),
        )
    if observation.current == 0:
        return _from_zero(spec=spec, observation=observation, memory=memory, wanted=wanted, now=now)
    return _running(spec=spec, observation=observation, memory=memory, wanted=wanted, now=now)


def _largest(*, spec: QueueConsumerSpec, observation: Observation, now: float) -> Demand | None:
    """The largest answer of all targets; complete only if every one is. None when no queue could be read."""
    demands = [
        answer
        for entry, queue in zip(spec.queues, observation.queues, strict=True)
        if entry.lag
        and (answer := demand.lag(target=entry.lag, queue=queue, current=observation.current, now=now)) is not None
    ]
    if not demands:
        return None
    winner = max(demands, key=lambda answer: answer.replicas)
    return replace(winner, complete=all(answer.complete for answer in demands))


def _from_zero(
    *, spec: QueueConsumerSpec, observation: Observation, memory: Memory, wanted: Demand, now: float
) -> Decision:
    """Wake up to the wanted number in one step, once there are more messages than `activateAbove`."""
    ready = sum(queue.depth.ready for queue in observation.queues if isinstance(queue.depth, Depth))
    if ready <= spec.activate_above:
        words = f"{ready} messages are no more than activateAbove {spec.activate_above}" if ready else "no messages"
        return _bounded(
            spec=spec,
            observation=observation,
            memory=memory,
            replicas=0,
            reason=Reason.STEADY,
            limited_by=Limit.NONE,
            steps=(words,),
        )
    answers = stabilization.record(answers=(), replicas=wanted.replicas, now=now, window=stabilization.DOWN_WINDOW)
    return _bounded(
        spec=spec,
        observation=observation,
        memory=replace(memory, answers=answers),
        replicas=max(1, wanted.replicas),
        reason=Reason.WOKE_UP,
        limited_by=Limit.NONE,
        steps=(wanted.explanation,),
    )


def _running(
    *, spec: QueueConsumerSpec, observation: Observation, memory: Memory, wanted: Demand, now: float
) -> Decision:
    current = observation.current
    if spec.min_replicas == 0 and idleness.idle(spec=spec, observation=observation, busy_at=memory.busy_at, now=now):
        idle_for = now - memory.busy_at
        return _bounded(
            spec=spec,
            observation=observation,
            memory=replace(memory, answers=()),
            replicas=0,
            reason=Reason.IDLE,
            limited_by=Limit.NONE,
            steps=(f"no messages for {idle_for:.0f} s, idleAfterSeconds is {spec.idle_after_seconds}",),
        )
    # While it is not known to be idle, one replica stays: only the idle rule goes to zero.
    replicas = max(1, wanted.replicas)
    steps = [wanted.explanation]
    if not wanted.complete:
        # A hold for want of data says nothing about the need, so it must not pin the window.
        return _bounded(
            spec=spec,
            observation=observation,
            memory=memory,
            replicas=replicas,
            reason=Reason.STEADY if replicas == current else Reason.BACKLOG_ABOVE_TARGET,
            limited_by=Limit.NONE,
            steps=tuple(steps),
        )
    window = stabilization.DOWN_WINDOW
    answers = stabilization.record(answers=memory.answers, replicas=replicas, now=now, window=window)
    memory = replace(memory, answers=answers)
    limited_by = Limit.NONE
    if replicas < current:
        held = current if now - memory.since < window else min(current, stabilization.largest(answers=answers))
        if held > replicas:
            limited_by = Limit.STABILIZATION
            steps.append(f"held at {held} by the largest answer of the last {window:.0f} s")
            replicas = held
    reason = Reason.STEADY
    if replicas != current:
        reason = Reason.BACKLOG_ABOVE_TARGET if replicas > current else Reason.BACKLOG_BELOW_TARGET
    return _bounded(
        spec=spec,
        observation=observation,
        memory=memory,
        replicas=replicas,
        reason=reason,
        limited_by=limited_by,
        steps=tuple(steps),
    )


def _bounded(
    *,
    spec: QueueConsumerSpec,
    observation: Observation,
    memory: Memory,
    replicas: int,
    reason: Reason,
    limited_by: Limit,
    steps: tuple[str, ...],
) -> Decision:
    """Clamp to the bounds of the spec, and name the bound that narrowed the answer."""
    bounded = min(max(replicas, spec.min_replicas), spec.max_replicas)
    if bounded < replicas:
        limited_by, steps = Limit.MAX, (*steps, f"limited to maxReplicas {spec.max_replicas}")
    elif bounded > replicas:
        limited_by, steps = Limit.MIN, (*steps, f"raised to minReplicas {spec.min_replicas}")
    if bounded != observation.current and replicas == observation.current:
        # Only the bound moves replicas, so the user's word is the reason, not the queue.
        reason = Reason.SPEC_CHANGED
    elif bounded == observation.current and reason is not Reason.READING_MISSING:
        reason = Reason.STEADY
    messages = any(isinstance(queue.depth, Depth) and queue.depth.ready > 0 for queue in observation.queues)
    return Decision(
        current=observation.current,
        replicas=bounded,
        reason=reason,
        message=", ".join(steps),
        limited_by=limited_by,
        memory=memory,
        active=bounded > 0 or messages,
        steps=steps,
    )


def _unread_message(observation: Observation) -> str:
    parts = []
    for queue in observation.queues:
        if isinstance(queue.depth, Missing):
            parts.append(f"queue {queue.name} does not exist in vhost {queue.vhost}")
        elif not isinstance(queue.depth, Depth):
            parts.append(f"queue {queue.name} cannot be read: {queue.depth.message}")
    return "; ".join(parts) + f": replicas stay at {observation.current}"
