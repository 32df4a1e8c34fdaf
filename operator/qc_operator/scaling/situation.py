"""What a target is asked about: one entry of `spec.queues` and all that is known around it."""

from __future__ import annotations

from typing import Literal

import msgspec

from qc_operator.resource import Queue
from qc_operator.scaling.observation import EntryObservation
from qc_operator.scaling.rates import Rates
from qc_operator.spec_behavior import Behavior

TargetName = Literal["lag", "publishRate", "deliverRate", "drain", "wait"]


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """One entry at one moment. Times are seconds of the operator's monotonic clock."""

    source: Queue
    """The entry as the spec gives it."""
    entry: EntryObservation
    rates: Rates
    current: int
    """Replicas asked for now."""
    running: int
    """Pods of the target that exist."""
    effective: float
    """Replicas that work: the ready ones and half of those that start (n_eff)."""
    start_seconds: float
    """p90 of the time from the creation of a pod to its first acknowledgement; a default until observed."""
    start_observed: bool
    poll_seconds: float
    """Time between two looks at the counters, with the age that they have by then."""
    changed_at: float | None
    """When replicas were last changed, None while no change is remembered."""
    max_replicas: int
    now: float
    min_replicas: int = 0
    """As many are there in any case."""
    behavior: Behavior = Behavior()
    """The spec's, for its tolerances."""


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """One target's answer: replicas wanted, and the arithmetic in words."""

    replicas: int
    complete: bool
    """False where it is only a hold for want of data: such an answer neither lowers nor enters the window."""
    between: bool = False
    """Whether it is incomplete only until the next complete reading, which comes within seconds."""
    least: int = 0
    """Where it is: as many replicas as the messages that are known to be there ask for."""
    explanation: str
    target: TargetName = "lag"
    """The kind of target: `lag`, `publishRate`, `deliverRate`, `drain` or `wait`."""
    observed: bool = True
    """False where a figure in it is estimated or the spec's word, not observed."""
    busy_floor: int = 0
    """On the way down: as many replicas as have work in their hands; 0 where that limits nothing."""
    window_seconds: float | None = None
    """Window of a step down that this answer needs, where the spec's `behavior` names none."""
    infeasible: str | None = None
    """Why no number of replicas can meet the objective, and which minReplicas would, in words; else None."""
    waiting_seconds: float | None = None
    """Estimated waiting time of a message that arrives now, where the target has an objective."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """How long messages of one entry wait, against its objective; both in seconds."""

    seconds: float | None
    """Until the last one that is there now is taken, as estimated; None while it cannot be told."""
    objective: int
