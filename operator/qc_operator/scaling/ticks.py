"""When the times of a cron expression come, by the clock on the wall of a time zone.

That clock jumps twice a year. What falls into an hour that is skipped comes when the clock jumps, in the order of the
times it should have had; what falls into an hour that comes twice comes twice.

CronSim finds the times, on naive datetimes. Its own rules for the two hours are not used: in the second of the two it
forgets which one it is in, and gives a time that has passed (2.8).
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim

_SECOND: Final = timedelta(seconds=1)


class Tick(NamedTuple):
    """One time that a cron expression names. Ticks compare as they come."""

    at: datetime
    """In UTC."""
    wall: datetime
    """What the clock shows, or should have shown when it skips that time: it tells ticks of one jump apart."""


def last_tick(cron: str, *, zone: ZoneInfo, at: datetime) -> Tick | None:
    """The last tick at or before a moment, or None when there is none in 50 years."""
    local = at.astimezone(zone)
    # In the second of two hours, later times of the first have been, too.
    wall = local.replace(tzinfo=None, fold=0) + _repeated(local)
    best: Tick | None = None
    # Both the first and the second coming of times rise with the times, so the first hit of each is its last tick.
    for named in _named(cron, after=wall + _SECOND, reverse=True):
        first, second = _comings(named, zone)
        if second.at <= at:
            return second if best is None else max(best, second)
        if best is None and first.at <= at:
            best = first
    return best


def next_tick(cron: str, *, zone: ZoneInfo, at: datetime) -> Tick | None:
    """The first tick after a moment, or None when there is none in 50 years."""
    local = at.astimezone(zone)
    # In the first of two hours, earlier times are still to come, the second time.
    wall = local.replace(tzinfo=None, fold=0) - _repeated(local)
    best: Tick | None = None
    for named in _named(cron, after=wall - _SECOND, reverse=False):
        first, second = _comings(named, zone)
        if first.at > at:
            return first if best is None else min(best, first)
        if best is None and second.at > at:
            best = second
    return best


def _named(cron: str, *, after: datetime, reverse: bool) -> islice[datetime]:
    """Times that an expression names, in no zone; at most those of two days, which is more than any clock repeats."""
    return islice(CronSim(cron, after, reverse=reverse), 2 * 24 * 60)


def _comings(named: datetime, zone: ZoneInfo) -> tuple[Tick, Tick]:
    """When the clock shows a time: the first and the last coming, which are the same but for an hour that repeats."""
    early, late = (named.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if late < early:  # The clock skips it: fold 0 and 1 are the offsets before and after the jump (PEP 495).
        early = late = _jump(late, early, zone)
    return Tick(early, named), Tick(late, named)


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment between two at which the zone's offset changes."""
    offset = after.astimezone(zone).utcoffset()

    def jumped(passed: int) -> bool:
        return (before + passed * _SECOND).astimezone(zone).utcoffset() == offset

    seconds = range(int((after - before).total_seconds()) + 1)
    return before + bisect_left(seconds, 1, key=jumped) * _SECOND


def _repeated(local: datetime) -> timedelta:
    """By how much the clock goes back, an hour as a rule, when it shows this time twice; otherwise 0."""
    first, second = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
    return first - second if first is not None and second is not None else timedelta(0)
