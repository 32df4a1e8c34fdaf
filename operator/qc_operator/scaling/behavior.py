"""Policies: how much may change within a period, and the tolerance within which nothing does.

The rules are the HorizontalPodAutoscaler's, to the letter (kubernetes.io, "Scaling policies", and its controller's
convertDesiredReplicasWithBehaviorRate): a policy allows so many pods or so many percent more or fewer than there
were when its period began, and `selectPolicy` takes the one that allows the most change or the least. Three
differences, each told in the API's descriptions:

* A step from or to zero is none of a policy's business. The HPA is off at zero; and what percentage is there of
  nothing? Such a step is not remembered either, and what was before it is forgotten. `Disabled` holds all the same.
* Where there are no policies there is no limit.
* A change counts for every period that it lies in. The HPA forgets a step up after the longest period of its own
  direction, even where a policy of the other direction looks back further.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from qc_operator.scaling.reasons import Limit
from qc_operator.spec_behavior import Behavior, Policy, ScalingRules

CHANGES_MOST: Final = 12
"""Changes that are kept, in some 1 KiB. A policy of 1 pod in 60 s makes them in 12 minutes."""


class PastChange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Replicas that were added, or taken away when negative; several in one direction may be kept as one."""

    since: float
    """When the first of them was made."""
    at: float
    """When the last of them was made."""
    by: int


class Limited(NamedTuple):
    """Replicas after the policies, the policy that held them back in words, and which limit that is."""

    replicas: int
    words: str | None
    limit: Limit | None


def recorded(
    *, changes: tuple[PastChange, ...], before: int, after: int, behavior: Behavior, now: float
) -> tuple[PastChange, ...]:
    """Add a change of replicas that has been made, and forget what lies before the longest period."""
    if 0 in (before, after) or (before == after and not changes):
        return ()
    longest = behavior.longest_period
    kept = tuple(change for change in changes if change.at > now - longest)
    if before == after or not longest:
        return kept
    kept = (*kept, PastChange(since=now, at=now, by=after - before))
    while len(kept) > CHANGES_MOST:
        kept = _with_two_as_one(changes=kept, now=now)
    return kept


def limited(*, current: int, wanted: int, changes: tuple[PastChange, ...], behavior: Behavior, now: float) -> Limited:
    """Move from `current` towards `wanted` as far as the policies allow. Never raises."""
    if wanted == current:
        return Limited(wanted, None, None)
    upwards = wanted > current
    rules: ScalingRules = behavior.scale_up if upwards else behavior.scale_down
    name, limit = _names(upwards=upwards)
    if rules.select_policy == "Disabled":
        return Limited(current, f"held at {current}, selectPolicy of {name} is Disabled", limit)
    if not rules.policies or 0 in (current, wanted):
        return Limited(wanted, None, None)
    allowances = [
        (_allowed(policy=policy, current=current, changes=changes, now=now, upwards=upwards), policy)
        for policy in rules.policies
    ]
    # Up, the largest number is the largest change; down, the smallest. Of equal ones the first is named.
    pick = max if upwards == (rules.select_policy == "Max") else min
    allowed, policy = pick(allowances, key=lambda allowance: allowance[0])
    # A limit that lies behind `current` stops this direction; it never sends replicas in the other.
    allowed = max(current, allowed) if upwards else min(current, allowed)
    if allowed >= wanted if upwards else allowed <= wanted:
        return Limited(wanted, None, None)
    verb = "held at" if allowed == current else "limited to"
    return Limited(allowed, f"{verb} {allowed} by {name} policy {policy}", limit)


def _names(*, upwards: bool) -> tuple[str, Limit]:
    return ("scaleUp", Limit.UP_POLICY) if upwards else ("scaleDown", Limit.DOWN_POLICY)


def _allowed(*, policy: Policy, current: int, changes: tuple[PastChange, ...], now: float, upwards: bool) -> int:
    """Up to which number, or down to which one, this policy lets replicas go now; it may lie behind `current`."""
    began = current - _changed(changes=changes, after=now - policy.period_seconds, upwards=upwards)
    value = policy.value if upwards else -policy.value
    if policy.type == "Pods":
        return began + value
    # The very steps of the HPA, in floating point: 10 % more than 100 are 110.00000000000001, so 111. Up is rounded
    # up, or one replica would never become two; down is cut off, so that a percentage takes one away at least.
    exact = began * (1 + value / 100)
    return math.ceil(exact) if upwards else int(exact)


def _changed(*, changes: tuple[PastChange, ...], after: float, upwards: bool) -> int:
    """By how many replicas the number changed after that moment.

    Of changes that are kept as one it is not known how many were made after a moment that lies between the first and
    the last: all of those that bring the limit closer count then, and none of those that would move it away.
    """
    return sum(change.by for change in changes if (change.at if (change.by > 0) == upwards else change.since) > after)


def _with_two_as_one(*, changes: tuple[PastChange, ...], now: float) -> tuple[PastChange, ...]:
    """Two neighbours in one direction as one change, those whose distance is the smallest for their age.

    A period forgets a change when it is as old as the period, so an uncertainty counts in proportion to the age.
    """
    pairs = [
        pair for added in (True, False) for pair in pairwise([change for change in changes if (change.by > 0) == added])
    ]
    first, last = min(pairs, key=lambda pair: (pair[1].at - pair[0].since) / (max(0.0, now - pair[0].since) + 1))
    one = PastChange(since=first.since, at=last.at, by=first.by + last.by)
    return tuple(one if change is last else change for change in changes if change is not first)


def within_tolerance(*, ratio: float, behavior: Behavior) -> bool:
    """Whether a target is met closely enough for replicas to stay.

    `ratio` is what one replica carries over what it should carry (the HPA's usage ratio): above 1 asks for more
    replicas and is measured by the tolerance of `scaleUp`, below 1 by that of `scaleDown`.
    """
    return 1 - behavior.scale_down.tolerated <= ratio <= 1 + behavior.scale_up.tolerated
