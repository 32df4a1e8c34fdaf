"""Windows: replicas change only as far as every answer of the last seconds agrees with.

The rule is the HorizontalPodAutoscaler's (kubernetes.io, "Stabilization window", and its controller's
stabilizeRecommendationWithBehaviors): down to the largest answer of the down window, up to the smallest one of the
up window. By default a step up waits for nothing and a step down for 60 s.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from operator import gt, lt
from typing import Final, NamedTuple

import msgspec

from qc_operator.spec_behavior import Behavior

ANSWERS_MOST: Final = 24
"""Answers that are kept of one window. The HPA asks every 15 s, so it makes 20 in its own window of 300 s."""

_SLOTS: Final = 12
"""Into as many parts of the window answers are put together when there are more: it lasts up to 1/12 longer then."""


class PastAnswer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was wanted at one moment, before limits."""

    at: float
    replicas: int


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What each window needs of the past: one that falls, with its largest first, and one that rises."""

    down: tuple[PastAnswer, ...] = ()
    up: tuple[PastAnswer, ...] = ()


class Stabilized(NamedTuple):
    """Replicas after the windows, and in words what held them back, if anything did."""

    replicas: int
    words: str | None


def recorded(*, answers: Answers, current: int, wanted: int, behavior: Behavior, now: float) -> Answers:
    """Add an answer to both windows.

    The first one of a window, as after a restart, finds `current` there: so does the HPA's, whose first
    recommendation is the number of replicas that it finds. After a step from zero, hand over no answers and the
    step itself as `current` and `wanted`: what was wanted before the sleep says nothing about now.
    """
    down, up = behavior.scale_down.window, behavior.scale_up.window
    found = (PastAnswer(at=now, replicas=current),)
    return Answers(
        down=_recorded(answers=answers.down or found, replicas=wanted, now=now, window=down, outlasts=gt),
        up=_recorded(answers=answers.up or found, replicas=wanted, now=now, window=up, outlasts=lt),
    )


def floored(*, answers: Answers, least: int, behavior: Behavior, now: float) -> Answers:
    """Add a number that is known to be needed, though perhaps more is, to the window of steps down."""
    if not answers.down:
        return answers
    window = behavior.scale_down.window
    return Answers(
        down=_recorded(answers=answers.down, replicas=least, now=now, window=window, outlasts=gt), up=answers.up
    )


def stabilized(
    *, current: int, wanted: int, answers: Answers, behavior: Behavior, since: float, now: float
) -> Stabilized:
    """Move from `current` towards `wanted` as far as the answers of the window allow.

    `since` is when readings were last not known: before a whole down window has been seen from there nothing goes
    down. `wanted` itself counts, whether it has been recorded or not.
    """
    if wanted > current:
        return _up(current=current, wanted=wanted, answers=answers, behavior=behavior, now=now)
    if wanted < current:
        return _down(current=current, wanted=wanted, answers=answers, behavior=behavior, since=since, now=now)
    return Stabilized(wanted, None)


def _up(*, current: int, wanted: int, answers: Answers, behavior: Behavior, now: float) -> Stabilized:
    window = behavior.scale_up.window
    smallest = min([answer.replicas for answer in answers.up if answer.at > now - window], default=wanted)
    if smallest >= wanted:
        return Stabilized(wanted, None)
    held = max(current, smallest)
    return Stabilized(held, f"held at {held} by the smallest answer of the last {window} s")


def _down(*, current: int, wanted: int, answers: Answers, behavior: Behavior, since: float, now: float) -> Stabilized:
    window = behavior.scale_down.window
    if not seen(behavior=behavior, since=since, now=now):
        return Stabilized(current, f"held at {current} until readings have been known for {window} s")
    most = max([answer.replicas for answer in answers.down if answer.at > now - window], default=wanted)
    if most <= wanted:
        return Stabilized(wanted, None)
    held = min(current, most)
    return Stabilized(held, f"held at {held} by the largest answer of the last {window} s")


def latest(answers: Answers) -> float:
    """When an answer was last entered into either window, minus infinity if none is there."""
    down, up = answers.down[-1].at if answers.down else -inf, answers.up[-1].at if answers.up else -inf
    return max(down, up)


def seen(*, behavior: Behavior, since: float, now: float) -> bool:
    """Whether readings have been known for a whole down window, so that replicas may go."""
    return now - since >= behavior.scale_down.window


def _recorded(
    *,
    answers: tuple[PastAnswer, ...],
    replicas: int,
    now: float,
    window: float,
    outlasts: Callable[[int, int], bool],
) -> tuple[PastAnswer, ...]:
    """Add an answer and forget what can no longer decide the window.

    For the largest of the window, an answer is superseded by a later one that is at least as large, so a sequence
    that falls is all that has to be kept: at most one answer per number of replicas, not one per reading.
    """
    if not window:
        return ()
    begin = now - window
    kept = [answer for answer in answers if answer.at > begin and outlasts(answer.replicas, replicas)]
    kept.append(PastAnswer(at=now, replicas=replicas))
    return tuple(kept) if len(kept) <= ANSWERS_MOST else _together(answers=kept, slot=window / _SLOTS)


def _together(*, answers: list[PastAnswer], slot: float) -> tuple[PastAnswer, ...]:
    """The answers of each slot as one: the first's replicas, which outlast the others', until the last's time.

    Slots do not move with time, so however often this is done an answer counts at most one slot longer than it should.
    """
    together: dict[float, PastAnswer] = {}
    for answer in answers:
        first = together.get(answer.at // slot, answer)
        together[answer.at // slot] = PastAnswer(at=answer.at, replicas=first.replicas)
    return tuple(together.values())
