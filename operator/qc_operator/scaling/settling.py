"""Which replicas work: whether their number has been the same for long enough to measure what each of them manages."""

from __future__ import annotations

from math import inf
from typing import Final

import msgspec

from qc_operator.scaling.observation import Observation
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.startup import StartUp, start

DRAINING: Final = 30.0
"""Seconds in which a pod that was asked to go may still acknowledge: terminationGracePeriodSeconds of Kubernetes by
default. It is in no count of pods by then."""
STATISTICS_AGE: Final = 5.0
"""Seconds by which the broker's counters are older than their reading at most: collect_statistics_interval of RabbitMQ
by default."""
PATIENCE: Final = 3.0
"""Start-up times after which a pod that is not ready yet counts for nothing."""


class Fleet(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The replicas, as far as their number matters. Times are seconds of the operator's monotonic clock."""

    current: int = -1
    """Replicas asked for; -1 before the first observation."""
    working: int = -1
    """Those that are ready, or those that exist where nothing is known of pods."""
    moving: bool = True
    """Whether others are starting, going, or yet to come."""
    asked_at: float = -inf
    """When more were asked for."""
    settled_at: float = -inf
    """From when on those that work are all that do, unless they are moving."""


def tracked(*, before: Fleet, observation: Observation, start_up: StartUp, now: float) -> Fleet:
    """Take in an observation; the very same fleet where nothing has changed."""
    pods, current = observation.pods, observation.current
    if pods is None:
        working, moving = observation.running, observation.running != current
    else:
        working, moving = pods.ready, _moving(pods, current=current, start_up=start_up, now=now)
    if current == before.current and working == before.working and moving == before.moving:
        return before
    settled_at = before.settled_at
    if working < before.working:
        settled_at = max(settled_at, now + DRAINING)
    elif working > before.working:
        # A pod that merely exists has to start first; one that is ready may take a while to begin.
        lead = start(start_up)[0] if pods is None else start_up.to_acknowledgement or 0.0
        settled_at = max(settled_at, now + lead)
    elif before.moving:
        settled_at = max(settled_at, now)
    return Fleet(
        current=current,
        working=working,
        moving=moving,
        asked_at=now if current > before.current else before.asked_at,
        settled_at=settled_at,
    )


def _moving(pods: Pods, *, current: int, start_up: StartUp, now: float) -> bool:
    """Whether pods are starting, going, or yet to be created. Those that nothing will come of are none of these."""
    if pods.starting and now - pods.starting[-1] <= PATIENCE * start(start_up)[0]:
        return True
    return not current - len(pods.starting) - pods.unschedulable <= pods.ready <= current


def settled(fleet: Fleet, *, since: float) -> bool:
    """Whether counters that were read at that time, and since, tell only of the replicas that work now."""
    return not fleet.moving and since >= fleet.settled_at + STATISTICS_AGE


def effective(*, fleet: Fleet, observation: Observation, start_seconds: float, now: float) -> float:
    """Replicas that work: the ready ones and half of those that are starting (n_eff).

    One that takes longer than three start-up times counts for nothing. Those that were asked for and are not there yet
    are starting, too, from when they were asked for. Those above `current` are about to go.
    """
    pods, current, patience = observation.pods, observation.current, PATIENCE * start_seconds
    if pods is None:
        ready, starting, missing = observation.running, 0, current - observation.running
    else:
        ready = pods.ready
        starting = sum([now - created <= patience for created in pods.starting])
        missing = current - ready - len(pods.starting) - pods.unschedulable
    if missing > 0 and now - fleet.asked_at <= patience:
        starting += missing
    return min(float(current), ready + 0.5 * starting)
