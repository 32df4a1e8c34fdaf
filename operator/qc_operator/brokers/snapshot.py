"""One answer of the slow lane: the totals of a vhost's queues at one time, and who wants them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from qc_operator.scaling.observation import LEFT_OUT, Totals, TotalsReading, Unknown


class Interest(Protocol):
    """What the reader needs at the moment."""

    def watched(self) -> Collection[str]:
        """Queues whose totals and facts are needed."""

    def rated(self) -> Collection[str]:
        """Those of them whose counters are needed."""

    def listing(self) -> bool:
        """Whether a pattern needs the names of all queues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One answer."""

    source: str
    """For sentences."""
    counts: Mapping[str, tuple[int, int]]
    """Messages ready and unacknowledged."""
    at: float
    answered_at: float
    empty: bool
    """Whether it knows of no queue in the vhost at all."""
    left_out: str
    """Why a queue may have no counts."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Queues that could not be asked for by themselves, and why."""

    def of(self, queue: str) -> TotalsReading:
        """What it says of one queue."""
        if queue in self.failed:
            return Unknown(cause="ManagementUnreachable", message=self.failed[queue], at=self.at)
        if queue not in self.counts:
            return Unknown(cause=LEFT_OUT, message=f"{self.source} {self.left_out}", at=self.at)
        ready, unacknowledged = self.counts[queue]
        return Totals(ready=ready, unacknowledged=unacknowledged, at=self.at, answered_at=self.answered_at)
