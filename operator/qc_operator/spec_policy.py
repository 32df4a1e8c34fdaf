"""The parts of the spec that say what holds at which time, and what holds when the queues cannot be read.

The structs have the CRD's bounds and defaults. The checks repeat its rules, because an object may have been stored by
an older CRD, and add those that a schema cannot make: that the time zone exists, and that the cron expressions ever
come true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError

Problem: TypeAlias = tuple[str, str, object]
"""Where (a path below the thing that is checked, such as `.start`), what it must be, what it is."""

Replicas = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
PositiveReplicas = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Cron = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
# RFC 1123's label, which is what the CRD's format.dns1123Label() takes.
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=63, pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
ZoneName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]

MAX_SCHEDULES: Final = 16


class Schedule(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Other bounds, from every time that `start` names to the next one that `end` names.

    Both are cron expressions of five fields, read by the clock of `time_zone`.
    """

    name: Label
    start: Cron
    end: Cron
    time_zone: ZoneName = "UTC"
    min_replicas: Replicas | None = None
    """The fewest replicas meanwhile, instead of the spec's."""
    max_replicas: PositiveReplicas | None = None
    """The most replicas meanwhile, instead of the spec's."""


class Fallback(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What to do when the queues could not be read for `after_seconds`."""

    after_seconds: Annotated[int, msgspec.Meta(ge=1, le=604_800)]
    replicas: Replicas | None = None
    """None exactly when the policy is KeepCurrent."""
    policy: Literal["AtLeast", "AtMost", "Exactly", "KeepCurrent"] = "AtLeast"


# One line per field of a cron expression: what it is called, its pattern as in the CRD, and what it may be in words.
_MONTH: Final = "(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_WEEKDAY: Final = "([0-7]|sun|mon|tue|wed|thu|fri|sat)"
_FIELDS: Final = (
    ("minute", "[0-5]?[0-9]", "0 to 59"),
    ("hour", "([01]?[0-9]|2[0-3])", "0 to 23"),
    ("day of the month", "(0?[1-9]|[12][0-9]|3[01])", "1 to 31"),
    ("month", _MONTH, "1 to 12 or jan to dec"),
    ("day of the week", _WEEKDAY, "0 to 7 or sun to sat"),
)
_ITEMS: Final = tuple(
    re.compile(f"([*]|{one}(-{one})?)(/[1-9][0-9]?)?", re.IGNORECASE | re.ASCII) for _, one, _ in _FIELDS
)
_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}", re.ASCII)
# Files beside the database in many systems. What these names mean depends on the machine, and `right` counts leap
# seconds, which no clock of ours shows.
_NO_ZONES: Final = ("Local", "localtime", "posixrules", "Factory", "posix/", "right/")
# CronSim looks for 50 years. Whatever comes at all comes within the 40 years that 2100, no leap year, may take for a
# weekday on 29 February, so the answer does not depend on today.
_SOME_DAY: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - a day of the calendar, in no zone


def check_fallback(fallback: Fallback, *, max_replicas: int) -> Iterator[Problem]:
    """What is wrong with `spec.fallback`; paths are below it."""
    if fallback.policy == "KeepCurrent":
        if fallback.replicas is not None:
            rule = "must not be set: policy KeepCurrent keeps the replicas that are there"
            yield ".replicas", rule, fallback.replicas
    elif fallback.replicas is None:
        yield ".replicas", f"must be set: policy {fallback.policy} needs replicas", None
    elif fallback.replicas > max_replicas:
        yield ".replicas", f"must not be larger than maxReplicas {max_replicas}", fallback.replicas


def check_schedules(schedules: Sequence[Schedule], *, min_replicas: int, max_replicas: int) -> Iterator[Problem]:
    """What is wrong with `spec.schedules`; paths are below it (`[0].timeZone`). The bounds are the spec's own."""
    if len(schedules) > MAX_SCHEDULES:
        yield "", f"must have at most {MAX_SCHEDULES} entries", len(schedules)
    names = [schedule.name for schedule in schedules]
    for index, schedule in enumerate(schedules):
        path = f"[{index}]"
        if schedule.name in names[:index]:
            yield f"{path}.name", "must be unique among the schedules", schedule.name
        yield from _check_bounds(schedule, path=path, min_replicas=min_replicas, max_replicas=max_replicas)
        yield from _check_times(schedule, path=path)


def _check_bounds(schedule: Schedule, *, path: str, min_replicas: int, max_replicas: int) -> Iterator[Problem]:
    least, most = schedule.min_replicas, schedule.max_replicas
    if least is None and most is None:
        yield path, "must have at least one bound, minReplicas or maxReplicas", schedule.name
    elif least is None:
        if most is not None and most < min_replicas:
            rule = f"must not be smaller than spec.minReplicas {min_replicas}, unless the schedule has a minReplicas"
            yield f"{path}.maxReplicas", rule, most
    elif most is None:
        if least > max_replicas:
            rule = f"must not be larger than spec.maxReplicas {max_replicas}, unless the schedule has a maxReplicas"
            yield f"{path}.minReplicas", rule, least
    elif least > most:
        yield f"{path}.minReplicas", f"must not be larger than maxReplicas {most} of the schedule", least


def _check_times(schedule: Schedule, *, path: str) -> Iterator[Problem]:
    for field, expression in (("start", schedule.start), ("end", schedule.end)):
        rule = _cron_problem(expression)
        if rule is not None:
            yield f"{path}.{field}", rule, expression
    if schedule.start.lower().split() == schedule.end.lower().split():
        yield f"{path}.end", "must differ from start", schedule.end
    if not _zone_exists(schedule.time_zone):
        rule = "must be the name of a time zone in the IANA database, such as Europe/Berlin or UTC"
        yield f"{path}.timeZone", rule, schedule.time_zone


def _cron_problem(expression: str) -> str | None:
    """Why an expression is none, or never comes true."""
    fields = expression.split(" ")
    fields = [field for field in fields if field]
    if len(fields) != len(_FIELDS):
        return "must be a cron expression of five fields, minute hour day-of-month month day-of-week, as 0 6 27 11 *"
    for number, (field, item, (name, _, values)) in enumerate(zip(fields, _ITEMS, _FIELDS, strict=True)):
        if not all(item.fullmatch(part) for part in field.split(",")):
            return f"the {name} (field {number + 1}) must be *, {values}, a range, a list, or one of these with /step"
        if not _comes(" ".join(field if other == number else "*" for other in range(len(_FIELDS)))):
            # 22-2 and fri-mon look right, so the way to write them is part of the rule.
            return (
                f"the {name} (field {number + 1}) must have ranges that rise; write 22-23,0-2 for 22-2, 6-7 for sat-sun"
            )
    if not _comes(expression):
        return "must come at some time, and never does: no month that it names has such a day"
    return None


def _comes(expression: str) -> bool:
    try:
        return next(CronSim(expression, _SOME_DAY), None) is not None
    except CronSimError:
        return False


def _zone_exists(name: str) -> bool:
    if _ZONE.fullmatch(name) is None or name.startswith(_NO_ZONES):
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found; no zone file; a folder, such as Europe
        return False
    return True
