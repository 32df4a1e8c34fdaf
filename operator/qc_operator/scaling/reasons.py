"""Why replicas are what they are, and what held the answer back: two closed lists.

Status, events, metrics, logs and the plugin use these words and no others.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why replicas are what they are."""

    BACKLOG_ABOVE_TARGET = "BacklogAboveTarget"
    BACKLOG_BELOW_TARGET = "BacklogBelowTarget"
    OBJECTIVE_AT_RISK = "ObjectiveAtRisk"
    ARRIVAL_ABOVE_CAPACITY = "ArrivalAboveCapacity"
    ARRIVAL_BELOW_CAPACITY = "ArrivalBelowCapacity"
    WOKE_UP = "WokeUp"
    IDLE = "Idle"
    SCHEDULED = "Scheduled"
    SPEC_CHANGED = "SpecChanged"
    FALLBACK = "Fallback"
    READING_MISSING = "ReadingMissing"
    OVERRIDE = "Override"
    RESTORED = "Restored"
    STEADY = "Steady"


class Limit(StrEnum):
    """What held the answer back."""

    NONE = "none"
    MIN = "min"
    MAX = "max"
    UP_POLICY = "upPolicy"
    DOWN_POLICY = "downPolicy"
    STABILIZATION = "stabilization"
    BUSY_FLOOR = "busyFloor"
    PAUSED = "paused"
    GUARD = "guard"


UP = {
    "lag": Reason.BACKLOG_ABOVE_TARGET,
    "drain": Reason.BACKLOG_ABOVE_TARGET,
    "publishRate": Reason.ARRIVAL_ABOVE_CAPACITY,
    "deliverRate": Reason.ARRIVAL_ABOVE_CAPACITY,
    "wait": Reason.OBJECTIVE_AT_RISK,
}
"""Why replicas are added, by the kind of target that asked for the most."""

DOWN = {
    "lag": Reason.BACKLOG_BELOW_TARGET,
    "drain": Reason.BACKLOG_BELOW_TARGET,
    "publishRate": Reason.ARRIVAL_BELOW_CAPACITY,
    "deliverRate": Reason.ARRIVAL_BELOW_CAPACITY,
    "wait": Reason.ARRIVAL_BELOW_CAPACITY,
}
"""Why replicas are taken away, by the kind of target that still asked for the most."""
