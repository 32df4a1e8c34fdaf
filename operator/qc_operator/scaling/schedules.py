"""Which bounds hold at a moment: the spec's, or those of the schedules whose window is open.

A window is open from each start up to, and not including, the next end after it. Both go by the clock on the wall of
the schedule's time zone, and so do the two hours a year in which that clock jumps:

* What falls into an hour that is skipped comes when the clock jumps, in the order of the times it should have had. A
  window that lies within that hour as a whole does not open.
* What falls into an hour that comes twice comes twice: a window from 2:00 to 2:30 is open in both hours; one that
  opens at 2:30 and ends at 6:00 opens the first time, and one that ends at 2:30 ends the first time.

When a start and an end fall on the same minute the start wins, for its window lasts to the next end *after* it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from qc_operator.scaling.ticks import Tick, last_tick, next_tick
from qc_operator.spec_policy import Schedule

_EVER: Final = datetime.min.replace(tzinfo=UTC)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_MOST_CHANGES_LOOKED_AT: Final = 10
"""Ends that end nothing, because a start falls on the same minute, before the search for the next change stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Whether a schedule's window is open, and from when to when that is so."""

    open: bool
    since: datetime
    """No later than the moment asked about. The answer holds from here; it may have begun earlier."""
    until: datetime
    """The answer holds up to here, exclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The bounds that hold, from whom, and until when."""

    min: int
    max: int
    active: tuple[str, ...]
    """Names of the schedules whose windows are open, as the spec orders them."""
    min_words: str
    """The minimum as the explanation names it: `minReplicas 20 of schedule black-friday`."""
    max_words: str
    conflict: str | None
    """Why the minimum is not what was asked for, in words: a maximum below it wins."""
    since: datetime
    until: datetime | None
    """When to ask again: no window opens or closes before. None: never."""


def bounds(schedules: tuple[Schedule, ...], *, min_replicas: int, max_replicas: int, at: datetime) -> Bounds:
    """Tell the bounds at a moment.

    `min_replicas` and `max_replicas` are the spec's; they hold where no open window sets that bound. Of several open
    windows the largest minimum and the smallest maximum win, and a maximum wins over a minimum: whoever limits knows
    what the rest of the system can bear. `at` is aware of its zone, from the year 100 to 9000. The schedules must have
    passed `check_schedules`.

    The answer is a function of its arguments. It is remembered until a window opens or closes, so that asking for each
    reading costs under 1 us; a new answer takes about 0.2 ms.
    """
    plan = _plan(schedules, min_replicas, max_replicas)
    held = plan.held
    if held is None or at < held.since or (held.until is not None and at >= held.until):
        held = plan.held = _bounds(schedules, min_replicas=min_replicas, max_replicas=max_replicas, at=at)
    return held


class _Plan:
    """Place for the last answer to one set of schedules. Any answer in it is right for the time it covers."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held: Bounds | None = None


# About 1 KiB each. Objects with equal schedules and bounds share one; more than these would only be slower.
@lru_cache(maxsize=16_384)
def _plan(schedules: tuple[Schedule, ...], min_replicas: int, max_replicas: int) -> _Plan:  # noqa: ARG001 - the key
    return _Plan()


def _bounds(schedules: tuple[Schedule, ...], *, min_replicas: int, max_replicas: int, at: datetime) -> Bounds:
    seen = [(schedule, window(schedule, at=at)) for schedule in schedules]
    active = [schedule for schedule, now in seen if now.open]
    least, least_words = _strictest(active, "minReplicas", lambda one: one.min_replicas, max, otherwise=min_replicas)
    most, most_words = _strictest(active, "maxReplicas", lambda one: one.max_replicas, min, otherwise=max_replicas)
    conflict = None
    if least > most:
        conflict = f"{least_words} cannot be had: {most_words} wins"
        least, least_words = most, most_words
    until = min((now.until for _, now in seen), default=_NEVER)
    return Bounds(
        min=least,
        max=most,
        active=tuple(schedule.name for schedule in active),
        min_words=least_words,
        max_words=most_words,
        conflict=conflict,
        since=max((now.since for _, now in seen), default=_EVER),
        until=None if until == _NEVER else until,
    )


def _strictest(
    active: list[Schedule],
    field: str,
    bound: Callable[[Schedule], int | None],
    strictest: Callable[[list[int]], int],
    *,
    otherwise: int,
) -> tuple[int, str]:
    """The bound that wins among the open windows, and its words; the first schedule that sets it is named."""
    given = [(value, schedule.name) for schedule in active if (value := bound(schedule)) is not None]
    if not given:
        return otherwise, f"{field} {otherwise}"
    winner = strictest([value for value, _ in given])
    name = next(name for value, name in given if value == winner)
    return winner, f"{field} {winner} of schedule {name}"


def window(schedule: Schedule, *, at: datetime) -> Window:
    """Whether the schedule's window is open at a moment, and from when to when the answer holds."""
    zone = ZoneInfo(schedule.time_zone)
    # A cron expression names whole minutes, and CronSim does not know fractions of seconds.
    second = at.astimezone(UTC).replace(microsecond=0)
    started, ended = last_tick(schedule.start, zone=zone, at=second), last_tick(schedule.end, zone=zone, at=second)
    is_open = _is_open(started=started, ended=ended)
    changing = schedule.end if is_open else schedule.start
    until, looked = second, 0
    while (tick := next_tick(changing, zone=zone, at=until)) is not None:
        until, looked = tick.at, looked + 1
        changed = is_open != _is_open(
            started=last_tick(schedule.start, zone=zone, at=until), ended=last_tick(schedule.end, zone=zone, at=until)
        )
        if changed or looked == _MOST_CHANGES_LOOKED_AT:
            break
    since = max((tick.at for tick in (started, ended) if tick is not None), default=_EVER)
    return Window(open=is_open, since=since, until=_NEVER if tick is None else until)


def _is_open(*, started: Tick | None, ended: Tick | None) -> bool:
    return started is not None and (ended is None or started >= ended)
