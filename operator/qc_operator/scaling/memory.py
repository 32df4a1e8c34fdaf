"""What a decision needs of the past. A fresh memory, as after a restart, holds replicas for a full window."""

from __future__ import annotations

import msgspec

from qc_operator.scaling.behavior import PastChange
from qc_operator.scaling.capacity import Capacity
from qc_operator.scaling.guard_memory import GuardMemory
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.stabilization import Answers
from qc_operator.scaling.standing import Standing


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The memory of one QueueConsumer, some 4 KiB at most. Times are seconds of the operator's monotonic clock."""

    since: float
    """When readings were last not known; nothing scales down until a full window has been seen from here."""
    busy_at: float
    """When the queues were last not known to be empty."""
    seen_at: float | None = None
    """When it was used last."""
    unread_since: float | None = None
    """Since when not every queue can be read; None while they can."""
    answers: Answers = Answers()
    changes: tuple[PastChange, ...] = ()
    """Changes of replicas that were made, for the policies' periods."""
    changed_at: float | None = None
    """When replicas were last changed."""
    passed: tuple[int | None, ...] = ()
    """Messages that have passed, an entry each, to tell whether anything moves; None where they are not counted."""
    capacity: Capacity = Capacity()
    rates: tuple[Rates, ...] = ()
    """What follows from `capacity` for each entry, kept because most decisions bring no new counters."""
    guards: GuardMemory = GuardMemory()
    standing: tuple[Standing, ...] = ()
    """Answers that hold until the next complete reading."""


def remember_nothing(*, now: float, capacity: Capacity | None = None) -> Memory:
    """The memory of an operator that has just started; `capacity` is what the status has kept of the last one."""
    return Memory(since=now, busy_at=now, changed_at=now, capacity=capacity or Capacity())
