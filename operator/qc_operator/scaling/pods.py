"""The pods of a target, as far as a decision needs them. All times are seconds of the operator's monotonic clock."""

from __future__ import annotations

import msgspec


class StartedPod(msgspec.Struct, frozen=True, kw_only=True):
    """A pod that became ready, and how long that took."""

    created: float
    ready: float


class Pods(msgspec.Struct, frozen=True, kw_only=True):
    """The target's pods at one moment. Pods that are being deleted are in none of the numbers."""

    ready: int
    """Pods with the condition Ready."""
    starting: tuple[float, ...] = ()
    """When the pods were created that have a node and are not ready yet, oldest first."""
    unschedulable: int = 0
    """Pods that the scheduler found no node for (condition PodScheduled is False with the reason Unschedulable)."""
    why_unschedulable: str = ""
    """The scheduler's words for one of them."""
    started: tuple[StartedPod, ...] = ()
    """The pods that became ready last, youngest first, at most 16."""
    last_ready_at: float | None = None
    """When the last of those that are ready became ready, for the first time or again; None where there is none."""
    at: float
    """When they were read, or when the scale last said that as many pods exist as were asked for."""
