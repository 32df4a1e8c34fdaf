"""What is known of the queues and the target at one moment, and what is not.

The readings of single queues, which it is made of, are in `readings.py`; what those of an entry come to, in `sums.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from qc_operator.scaling.pods import Pods
from qc_operator.scaling.readings import (
    EMPTY_LIST,
    LEFT_OUT,
    STREAM,
    Counters,
    Depth,
    DepthReading,
    Missing,
    QueueFacts,
    QueueObservation,
    Totals,
    TotalsReading,
    Unavailable,
    Unknown,
    left_out,
)
from qc_operator.scaling.sums import EntrySums, summed

__all__ = [
    "EMPTY_LIST",
    "LEFT_OUT",
    "STREAM",
    "Counters",
    "Depth",
    "DepthReading",
    "EntryObservation",
    "Missing",
    "Observation",
    "QueueFacts",
    "QueueObservation",
    "Totals",
    "TotalsReading",
    "Unavailable",
    "Unknown",
    "left_out",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryObservation:
    """One entry of `spec.queues`: its queue, or all queues that its pattern matches."""

    name: str
    """The queue's name or the pattern, as the spec gives it."""
    vhost: str
    queues: tuple[QueueObservation, ...]
    pattern: bool = False
    """Whether it is a pattern, which any number of queues may match."""
    unmatched: Unknown | None = None
    """Why it is not known which queues the pattern matches now; `queues` are then those that it matched last."""
    alarmed: bool = False
    """Whether a resource alarm of the broker blocks the publishers, so that few messages do not mean little work."""
    awaited: int = 0
    """How many more queues match the pattern, and were not read once yet. They are not among `queues`."""

    sums: EntrySums = field(init=False, repr=False, compare=False)
    """What its queues come to together."""
    known: bool = field(init=False, repr=False, compare=False)
    """Whether every queue of the entry could be read."""
    plain: bool = field(init=False, repr=False, compare=False)
    """Whether all of them are, as `sums` has it, nothing is awaited and no publisher blocked."""

    def __post_init__(self) -> None:
        sums, matched = summed(self.queues), self.unmatched is None
        object.__setattr__(self, "sums", sums)
        object.__setattr__(self, "known", matched and sums.read == len(self.queues))
        object.__setattr__(self, "plain", matched and sums.plain and not self.alarmed and not self.awaited)

    @property
    def matched(self) -> int | None:
        """How many queues match the pattern; None for a name, and until each of them was read, or failed, once."""
        return len(self.queues) if self.pattern and not self.awaited else None

    @property
    def ready(self) -> int | None:
        """Messages ready in all its queues, or None when not every one could be read."""
        return self.sums.ready if self.known else None

    @property
    def unacknowledged(self) -> int | None:
        """Messages that consumers of all its queues hold, or None when that is not known of every one."""
        return self.sums.unacknowledged if self.unmatched is None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All entries of a QueueConsumer, in the order of `spec.queues`, and the target's replicas."""

    entries: tuple[EntryObservation, ...]
    current: int
    """Replicas asked for now."""
    running: int
    """Pods of the target that exist."""
    pods: Pods | None = None
    """More about them, where it was asked for."""
    known: bool = field(init=False, repr=False, compare=False)
    """Whether every queue of every entry could be read."""
    counters_at: float = field(init=False, repr=False, compare=False)
    """The times of all counters, added up: another sum than before means that there are newer ones."""

    def __post_init__(self) -> None:
        known, counters_at = True, 0.0
        for entry in self.entries:
            known = known and entry.known
            counters_at += entry.sums.counters_at
        object.__setattr__(self, "known", known)
        object.__setattr__(self, "counters_at", counters_at)

    @property
    def queues(self) -> tuple[QueueObservation, ...]:
        """The queues of all entries."""
        return tuple(queue for entry in self.entries for queue in entry.queues)
