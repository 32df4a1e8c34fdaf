"""Windows: a step down waits until no recent answer asked for more.

The rule is the HorizontalPodAutoscaler's (kubernetes.io, "Stabilization window"): of all answers within the
window the largest one holds. The default window is 60 s down and none up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DOWN_WINDOW: Final = 60.0
"""Seconds. The HPA's own default is 300; a queue's lag is known 20 times as often as its metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was wanted at one moment, before limits."""

    at: float
    replicas: int


def record(*, answers: tuple[Answer, ...], replicas: int, now: float, window: float) -> tuple[Answer, ...]:
    """Add an answer and forget what can no longer be the largest of the window.

    An answer is superseded by a later one that is at least as large, so a sequence that falls is all that
    has to be kept: at most one answer per number of replicas, not one per reading.
    """
    kept = tuple(answer for answer in answers if answer.at > now - window and answer.replicas > replicas)
    return (*kept, Answer(at=now, replicas=replicas))


def largest(*, answers: tuple[Answer, ...]) -> int:
    """The answer that the window holds replicas up to."""
    return max(answer.replicas for answer in answers)
