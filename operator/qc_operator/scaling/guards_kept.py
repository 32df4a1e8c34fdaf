"""What the guards have seen, kept over a restart: a new process must not ask for the pods that the last one held back.

In the status there is no clock: what is kept are figures and words that stay the same while a guard holds, so that
nothing is written for them again and again. A block that had not ended begins anew with the process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Final

from qc_operator.scaling.counted import COUNT_MOST
from qc_operator.scaling.downstream_limit import DownstreamLimit, allowed, block
from qc_operator.scaling.guard_memory import NOTHING_GUARDED, GuardMemory, Seen, packed
from qc_operator.scaling.patience import MOST_PATIENCE
from qc_operator.scaling.redelivery import WINDOWS
from qc_operator.scaling.stuck_consumers import Progress
from qc_operator.scaling.tally import LOST_FOR
from qc_operator.scaling.undecided import DECIDED, limited_to
from qc_operator.scaling.unschedulable import GRACE

REPLICAS_MOST: Final = 2**31 - 1
RATE_MOST: Final = 1e9
TIMES_MOST: Final = 64


def remembered(memory: GuardMemory, *, now: float) -> dict[str, object]:
    """What holds now, as JSON; empty where nothing does."""
    kept: dict[str, object] = {}
    if memory.unschedulable_since is not None:
        kept["unschedulable"] = True
    if not memory.stuck and not memory.limited:
        return kept
    seen = memory.seen
    if memory.stuck:
        # Seconds of silence; 0 where messages are delivered over and over.
        kept["stuckSeconds"] = [
            None if each is None or not each.stuck or now - each.read_at > LOST_FOR else round(each.silence, 1)
            for each in seen.progress
        ]
    limit = seen.limit
    if limit is not None and allowed(limit=limit, now=now) is not None:
        kept["downstream"] = {
            "entries": limit.entries,
            "low": limit.low,
            "high": limit.high,
            "enough": limit.enough,
            "before": _digits(limit.before),
            "after": _digits(limit.after),
            "variance": _digits(limit.variance),
            "times": min(limit.times, TIMES_MOST),
            "blocked": now < limit.until,
        }
    return kept


def restored(kept: Mapping[str, object], *, entries: int, now: float) -> GuardMemory:
    """The memory that `remembered` gave, for a spec of so many entries, without what makes no sense. Never raises."""
    progress = _progress(kept.get("stuckSeconds"), entries=entries, now=now)
    limit = _limit(kept.get("downstream"), entries=entries, now=now)
    known = Seen(progress or (None,) * entries, None, limit)
    return GuardMemory(
        unschedulable_since=now - GRACE if kept.get("unschedulable") is True else None,
        stuck=sum([1 << index for index, each in enumerate(progress) if each is not None]),
        limited=0 if limit is None else limit.entries,
        undecided=limited_to(limit) if limit is not None and limit.times else DECIDED,
        packed=packed(known) if progress or limit else NOTHING_GUARDED.packed,
    )


def _progress(value: object, *, entries: int, now: float) -> tuple[Progress | None, ...]:
    """Consumers that were stuck still are until they acknowledge; counters begin at 0 with the process."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != entries:
        return ()
    silences = [_number(each, most=MOST_PATIENCE) for each in value]
    if all(silence is None for silence in silences):
        return ()
    return tuple(
        [
            None
            if silence is None
            else Progress(
                read_at=now,
                at=now,
                acknowledged=0,
                delivered=0,
                # How many they held is not known; so many that holding more explains no delivery.
                unacknowledged=COUNT_MOST,
                since=now,
                last_acknowledged=0,
                messages=0,
                silence=silence,
                loops=0 if silence else WINDOWS,
            )
            for silence in silences
        ]
    )


def _limit(value: object, *, entries: int, now: float) -> DownstreamLimit | None:
    if not isinstance(value, Mapping):
        return None
    held = _whole(value.get("entries"), most=2**entries - 1)
    low, high, enough = [_whole(value.get(name), most=REPLICAS_MOST) for name in ("low", "high", "enough")]
    before, after = [_number(value.get(name), most=RATE_MOST) for name in ("before", "after")]
    variance = _number(value.get("variance"), most=RATE_MOST)
    times = _whole(value.get("times"), most=TIMES_MOST)
    if not (held and low and high and enough and before) or after is None or variance is None or times is None:
        return None
    return DownstreamLimit(
        entries=held,
        low=low,
        high=high,
        enough=enough,
        before=before,
        after=after,
        variance=variance,
        times=times,
        until=now + block(times) if times and value.get("blocked") is True else now,
        busy_at=now,
        known_at=now,
    )


def _whole(value: object, *, most: int) -> int | None:
    number = _number(value, most=most)
    return int(number) if number is not None else None


def _number(value: object, *, most: float) -> float | None:
    """A number from 0 to `most`, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < inf and value <= most else None


def _digits(value: float) -> float:
    """Four of them: the noise is larger."""
    return float(f"{value:.4g}")
