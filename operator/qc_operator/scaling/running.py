"""While replicas run: up at once, down when no answer of the last window asked for more, as the policies allow."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from qc_operator.scaling import behavior as policies
from qc_operator.scaling import stabilization
from qc_operator.scaling.draft import Draft
from qc_operator.scaling.guarding import guarded
from qc_operator.scaling.memory import Memory
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.reasons import DOWN, UP, Limit, Reason
from qc_operator.scaling.stabilization import Answers
from qc_operator.scaling.trust import TOTALS_MAX_AGE
from qc_operator.scaling.wanted import Wanted
from qc_operator.spec_behavior import Behavior

DEFAULT_BEHAVIOR: Final = Behavior()
"""How fast replicas come and go where the spec does not say."""


@lru_cache(maxsize=64)
def behavior_with(behavior: Behavior, *, window_seconds: float) -> Behavior:
    """A behavior that names no window for steps down, with one that is as long as the target needs."""
    window = max(behavior.scale_down.window, int(window_seconds))
    return replace(behavior, scale_down=replace(behavior.scale_down, stabilization_window_seconds=window))


def running(*, observation: Observation, memory: Memory, wanted: Wanted, behavior: Behavior, now: float) -> Draft:
    """Up at once; down when no answer of the last window asked for more; both as fast as the policies allow."""
    current, replicas = observation.current, wanted.replicas
    draft = Draft(
        replicas=replicas,
        reason=Reason.STEADY,
        steps=wanted.steps,
        memory=memory,
        limited_by=Limit.GUARD if wanted.alone else Limit.NONE,
    )
    if replicas < 1:
        # While it is not known to be idle, one replica stays: only the idle rule goes to zero.
        words = "one stays until the queues are idle"
        draft = draft.narrowed(to=1, by="idle", limit=Limit.NONE, words=words, source="spec.idleAfterSeconds")
    if wanted.complete or replicas > current:
        draft = _recorded(draft, current=current, behavior=behavior, now=now)
    elif wanted.between and wanted.least:
        # What is known to be there is known to be needed, so that a burst between two counts counts in the window.
        answers = stabilization.floored(answers=memory.answers, least=max(1, wanted.least), behavior=behavior, now=now)
        draft = replace(draft, memory=replace(memory, answers=answers))
    draft = guarded(draft, wanted=wanted, observation=observation, now=now)
    if draft.replicas < current and draft.replicas < wanted.busy_floor:
        floor = min(current, wanted.busy_floor)
        words = f"{floor} stay, which have messages in hand"
        draft = draft.narrowed(to=floor, by="busyFloor", limit=Limit.BUSY_FLOOR, words=words, source="queues")
    draft = _steadied(draft, current=current, behavior=behavior, now=now)
    if draft.replicas == current:
        return draft
    target = wanted.answers[0].demand.target
    return replace(draft, reason=UP[target] if draft.replicas > current else DOWN[target])


def _recorded(draft: Draft, *, current: int, behavior: Behavior, now: float) -> Draft:
    """Enter the answer into the windows.

    A hold for want of data says nothing about the need, so it does not come here; and after a gap, as while the
    management API was away or a throughput was being learned, the window begins anew, with the replicas there are.
    """
    memory = draft.memory
    answers = stabilization.recorded(
        # A window of 0 s keeps no answers, so either of the two tells when the last one was entered.
        answers=Answers() if now - stabilization.latest(memory.answers) > TOTALS_MAX_AGE else memory.answers,
        current=current,
        wanted=draft.replicas,
        behavior=behavior,
        now=now,
    )
    return replace(draft, memory=replace(memory, answers=answers))


def _steadied(draft: Draft, *, current: int, behavior: Behavior, now: float) -> Draft:
    """As far as the windows agree, and as fast as the policies allow."""
    if draft.replicas == current:
        return draft
    memory = draft.memory
    direction = "scaleUp" if draft.replicas > current else "scaleDown"
    held = stabilization.stabilized(
        current=current,
        wanted=draft.replicas,
        answers=memory.answers,
        behavior=behavior,
        since=memory.since,
        now=now,
    )
    if held.words:
        source = f"spec.behavior.{direction}.stabilizationWindowSeconds"
        draft = draft.narrowed(
            to=held.replicas, by="stabilization", limit=Limit.STABILIZATION, words=held.words, source=source
        )
    allowed = policies.limited(
        current=current, wanted=draft.replicas, changes=memory.changes, behavior=behavior, now=now
    )
    if allowed.words and allowed.limit:
        draft = draft.narrowed(
            to=allowed.replicas,
            by="policy",
            limit=allowed.limit,
            words=allowed.words,
            source=f"spec.behavior.{direction}.policies",
        )
    return draft
