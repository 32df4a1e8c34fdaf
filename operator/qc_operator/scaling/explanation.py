"""The chain of steps from the queues to the replicas: each with its number, where it comes from, and in words.

It is put into words once, here; status, history, events, logs and the plugin show the same sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

StepName = Literal[
    "lag",
    "publishRate",
    "deliverRate",
    "drain",
    "wait",
    "reading",
    "wakeUp",
    "idle",
    "fallback",
    "guard",
    "busyFloor",
    "stabilization",
    "policy",
    "bounds",
    "pause",
]

MOST_OTHERS: Final = 8
"""Answers of other targets that are kept beside the winner's, the largest first; 32 entries may have 5 each."""
OTHERS_NAMED: Final = 3
"""How many of them the sentence names."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a decision: a target's answer, or something that changed the answer so far."""

    name: StepName
    replicas: int
    """The answer after this step; of a target that was outbid, its own answer."""
    words: str
    source: str
    """Where the figures come from: the queue or pattern, or the field or annotation that a person wrote."""
    observed: bool = True
    """False where a figure is estimated: learned from the past, or the spec's word."""
    outbid: bool = False
    """Whether another target asked for at least as many."""


def message(steps: Sequence[Step]) -> str:
    """The steps as one sentence: `412 messages in receipts / 20 per replica = 21, limited to maxReplicas 20`."""
    if len(steps) == 1:
        return steps[0].words
    others = [step for step in steps if step.outbid]
    if not others:
        return ", ".join([step.words for step in steps])
    named = ", ".join([f"{step.source} {step.name} {step.replicas}" for step in others[:OTHERS_NAMED]])
    more = f" and {len(others) - OTHERS_NAMED} more" if len(others) > OTHERS_NAMED else ""
    told = [step.words for step in steps if not step.outbid]
    told.insert(1, f"the largest of {len(others) + 1} answers ({named}{more})")
    return ", ".join(told)
