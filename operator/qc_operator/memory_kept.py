"""What an operator before this one has done and learned, as the status tells: a restart does not begin from nothing.

Pure. The status has the wall's times and the memory those of the process's own clock, so they are converted here. A
status may have been written by an older version or by hand: what makes no sense in it is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from qc_operator.registry import Known
from qc_operator.reporting import HISTORY_LENGTH, target_name
from qc_operator.scaling import capacity_kept, guards_kept
from qc_operator.scaling.behavior import recorded
from qc_operator.scaling.memory import Memory, remember_nothing
from qc_operator.scaling.reasons import Reason
from qc_operator.scaling.running import DEFAULT_BEHAVIOR

REPLICAS_MOST: Final = 2**31 - 1
"""The replicas of a scale are an int32."""


class _Past(NamedTuple):
    """A change of replicas, as `status.history` has it."""

    at: float
    """Seconds of the process's clock."""
    before: int
    after: int
    by_hand: bool
    """Whether an annotation asked for it."""


def restored(*, known: Known, now: float, at: datetime) -> Memory:
    """The memory to begin with. Never raises, whatever the status says.

    `now` is the process's clock in seconds and `at` the same moment on the wall's, aware of its zone.
    """
    if known.spec is None:
        return remember_nothing(now=now)
    status = known.status  # which is decoded each time
    learned = _mapping(status.get("learned")) if status.get("observedGeneration") == known.generation else {}
    memory = replace(
        remember_nothing(now=now, capacity=capacity_kept.restored(learned)),
        guards=guards_kept.restored(_mapping(learned.get("guards")), entries=len(known.spec.queues), now=now),
    )
    behavior = known.spec.behavior or DEFAULT_BEHAVIOR
    for change in _past(status, target=target_name(known.spec.scale_target_ref), now=now, at=at):
        changes = recorded(
            changes=memory.changes, before=change.before, after=change.after, behavior=behavior, now=change.at
        )
        # After a pause the policies begin anew.
        memory = replace(memory, changes=() if change.by_hand else changes, changed_at=change.at)
    kept = tuple(change for change in memory.changes if change.at > now - behavior.longest_period)
    return replace(memory, changes=kept)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _past(status: Mapping[str, Any], *, target: str, now: float, at: datetime) -> list[_Past]:
    """The changes of the target that the status tells of, the first one first."""
    history, columns = status.get("history"), status.get("columns")
    if not isinstance(history, list) or not isinstance(columns, Mapping) or columns.get("target") != target:
        return []  # What was done to another target counts for no policy of this one.
    # The status has the latest first, and of two in one second the order says which came first.
    entries = [_entry(entry, now=now, at=at) for entry in reversed(history[:HISTORY_LENGTH])]
    return sorted((entry for entry in entries if entry is not None), key=lambda entry: entry.at)


def _entry(entry: Any, *, now: float, at: datetime) -> _Past | None:
    if not isinstance(entry, Mapping):
        return None
    before, after = _replicas(entry.get("from")), _replicas(entry.get("to"))
    if before is None or after is None:
        return None
    try:
        moment = datetime.fromisoformat(str(entry.get("time")))
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    # The status cuts times to the second. The end of it is taken, so that no period ends early; and a time that is
    # still to come, by a clock that was ahead, is now.
    age = max((at - moment).total_seconds() - 1.0, 0.0)
    return _Past(at=now - age, before=before, after=after, by_hand=entry.get("reason") == Reason.OVERRIDE)


def _replicas(value: Any) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= REPLICAS_MOST else None
