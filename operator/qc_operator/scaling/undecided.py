"""What a replica is taken to manage while it is not decided whether more of them brought anything.

A step up that brings nothing looks like replicas that have become slower: half the throughput each where there are
twice as many. Who believes it asks for twice as many again, within a minute. So while a step is on trial no throughput
is learned below what those before it were measured to manage, and once it has brought nothing, none is learned at all.
What those before it manage is learned as ever, so that heavier messages are no reason to learn nothing.
"""

from __future__ import annotations

from typing import Final

import msgspec

from qc_operator.scaling.downstream_limit import DownstreamLimit
from qc_operator.scaling.full_work import FullWork
from qc_operator.scaling.step_effect import GROWN, LEAST_ACKNOWLEDGED
from qc_operator.scaling.throughput import ENOUGH, Work, believed, throughput
from qc_operator.scaling.trial import Trial


class Undecided(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Entries whose throughput does not say what a replica manages, and what is known of it all the same."""

    entries: int = 0
    """As bits."""
    each: float = 0.0
    """Messages per second that a replica was measured to manage of all of them together; 0 where that is not known."""
    limited: bool = False
    """Whether more replicas brought nothing: what they do together is then not theirs to say at all."""


DECIDED: Final = Undecided()


def limited_to(limit: DownstreamLimit) -> Undecided:
    """What is known of a replica's throughput from before the step that brought nothing."""
    return Undecided(entries=limit.entries, each=limit.before / limit.low, limited=True)


def on_trial(*, trial: Trial | None, seen: FullWork | None) -> Undecided:
    """What the pods at work are on trial for; `DECIDED` where there are no more of them than before."""
    if trial is None or seen is None or trial.span.acknowledged < LEAST_ACKNOWLEDGED or trial.span.pod_seconds <= 0.0:
        return DECIDED
    if trial.added is None and seen.pods <= GROWN * trial.span.pods:
        return DECIDED
    return Undecided(entries=trial.entries, each=trial.span.acknowledged / trial.span.pod_seconds)


def kept_up(*, before: list[Work], after: list[Work], undecided: Undecided) -> list[Work]:
    """What was learned of the entries, but for what falls below what a replica was measured to manage of them together.

    On trial no more is put back than was believed before; after a step that brought nothing all of it is. Nothing is
    put back while there are entries among them of which nothing is known: their part in it is not known then either.
    """
    theirs = [index for index in range(len(after)) if undecided.entries >> index & 1]
    old, new = ([throughput(works[index])[0] for index in theirs] for works in (before, after))
    if None in new or not new:
        return after
    together = sum([each for each in new if each is not None])
    least = undecided.each
    if not undecided.limited:
        least = min(least, sum([each for each in old if each is not None]))
    if together >= least:
        return after
    kept = list(after)
    for index, each in zip(theirs, new, strict=True):
        kept[index] = believed(after[index], each=(each or 0.0) * least / together, weight=float(ENOUGH))
    return kept
