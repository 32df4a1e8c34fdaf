"""QueueConsumers for the live page to show: a shop on its busiest day, and fleets of any size.

What is handed over are statuses as the operator makes them, at the times at which it would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from math import sin
from typing import Any, NamedTuple

from bench.page_course import Course, known
from qc_operator.page.board import Board
from qc_operator.registry import Known
from qc_operator.reporting import Change, rfc3339
from qc_operator.scaling.pause import PAUSED, UNTIL

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
EVERY = 15
"""Seconds between two tellings of the past: as many as are kept."""
POLL = 5
"""Seconds between two looks at the counters, where a target needs them."""
ABOVE = 200
"""Messages per replica, with a lag target."""


def waiting(name: str, *, objective: int, **spec: Any) -> dict[str, Any]:
    """A spec with a wait objective."""
    queue = {"name": name, "wait": {"objectiveSeconds": objective}, "secondsPerMessage": "0.1"}
    return {"queues": [queue], **spec}


def lagging(name: str, **spec: Any) -> dict[str, Any]:
    """A spec with a lag target."""
    return {"queues": [{"name": name, "lag": {"scaleUpAbove": ABOVE, "scaleDownBelow": ABOVE // 2}}], **spec}


SPECS = {
    "orders": waiting("orders", objective=60, maxReplicas=8),
    "receipts": waiting("receipts", objective=60, maxReplicas=20),
    "thumbnails": lagging("thumbnails", minReplicas=2, maxReplicas=6),
    "invoices": {"queues": [{"name": "invoices", "publishRate": {"perReplica": "10"}}]},
    "ledger": lagging("ledger", minReplicas=2),
    "statements": lagging("statements"),
    "newsletters": lagging("newsletters", maxReplicas=40),
    "bounces": lagging("bounces"),
}


def shop() -> list[Course]:
    """A day in which orders outgrow their limit."""

    def rush(second: float) -> float:
        return 12 + 8 * sin(second / 900) + (67 if second > 5400 else 0)  # noqa: PLR2004 - the rush begins

    def receipts(second: float) -> float:
        return 30 + 25 * sin(second / 700)

    def thumbnails(second: float) -> float:
        return 65 if second > 6000 else 16  # noqa: PLR2004 - 20 minutes before the end

    def batch(*, begin: float, end: float, rate: float) -> Callable[[float], float]:
        return lambda second: rate if begin < second < end else 0.0

    def course(namespace: str, name: str, arrivals: Callable[[float], float], *, replicas: int = 0) -> Course:
        about = known(namespace, name, **SPECS[name])
        return Course(about, arrivals, desired=replicas, current=replicas)

    return [
        course("shop", "orders", rush, replicas=2),
        course("shop", "receipts", receipts, replicas=4),
        course("shop", "thumbnails", thumbnails, replicas=2),
        course("shop", "invoices", lambda second: 25 + 10 * sin(second / 300), replicas=3),
        course("bank", "ledger", lambda second: 12 + 5 * sin(second / 1100), replicas=2),
        course("bank", "statements", batch(begin=2000, end=2061, rate=100)),
        course("mail", "newsletters", batch(begin=4900, end=4961, rate=400)),
        course("mail", "bounces", lambda _: 0.0),
    ]


class Telling(NamedTuple):
    """What the page is told at one moment."""

    second: float
    about: Known
    status: dict[str, Any]
    change: Change | None


@cache
def two_hours(seconds: int) -> tuple[list[Course], list[Telling]]:
    """So long a part of the shop's day, up to `NOON`: the courses as they are then, and all that was told.

    It takes most of a second, so it is made once.
    """
    courses, told = shop(), []
    for second in range(0, seconds, POLL):
        at, tell = NOON - timedelta(seconds=seconds - second), second % EVERY == 0
        for course in courses:
            if not (tell or course.rated):
                continue
            if course.about.key.name == "ledger" and second == seconds // 2:
                course.annotate({PAUSED: "true", UNTIL: rfc3339(NOON + timedelta(hours=4))})
            status, change = course.step(at, second=second, length=POLL if course.rated else EVERY, tell=tell)
            if tell or change is not None:
                told.append(Telling(second, course.about, status, change))
    mails = Course(known("mail", "mails", **lagging("mails")), lambda _: 0.0, lag=420, desired=4, current=4)
    for ago, refused in ((74, False), (69, True), (1, True)):
        mails.refused = refused
        status, _ = mails.step(NOON - timedelta(seconds=ago), second=seconds - ago, length=0)
    told.append(Telling(seconds - 1, mails.about, status, None))
    return courses, told


def moved(status: Mapping[str, Any], *, by: timedelta) -> dict[str, Any]:
    """The same status, told so much later."""

    def later(time: re.Match[str]) -> str:
        return rfc3339(datetime.fromisoformat(time[0]) + by)

    told: dict[str, Any] = json.loads(re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", later, json.dumps(status)))
    return told


def tell_shop(board: Board, *, now: datetime, seconds: int = 7200) -> list[Course]:
    """Tell the board of two hours of the shop, up to now. Returns the courses, to go on with."""
    made, tellings = two_hours(seconds)
    by = now - NOON
    last = {each.about.key: each for each in tellings}
    for each in tellings:
        # Of what is told before the last, only figures are kept.
        kept = each.change is not None or each is last[each.about.key]
        status = moved(each.status, by=by) if kept else each.status
        at = now - timedelta(seconds=seconds - each.second)
        board.told(each.about, status=status, change=each.change, now=at)
    return [replace(course, status=moved(course.status, by=by)) for course in made]


def fleet(members: int) -> list[Course]:
    """So many QueueConsumers, each with a load of its own that never stands still."""
    return [
        Course(
            known(f"team-{index % 20:02}", f"worker-{index:05}", **waiting(f"worker-{index:05}", objective=30)),
            lambda second, index=index: 30 + 25 * sin(second / 40 + index),  # type: ignore[misc]
        )
        for index in range(members)
    ]


def utcnow() -> datetime:
    """Now, by the machine's clock."""
    return datetime.now(UTC)
