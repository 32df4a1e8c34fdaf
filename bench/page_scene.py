"""QueueConsumers for the live page to show: a shop on its busiest day, and fleets of any size.

What is handed over are statuses as the operator makes them, at the times at which it would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil, sin
from typing import Any

from qc_operator.page.board import Board
from qc_operator.registry import Known, read
from qc_operator.reporting import Change, rfc3339

EVERY = 15
"""Seconds between two tellings of the past: as many as are kept."""


def known(namespace: str, name: str, **spec: Any) -> Known:
    """A QueueConsumer as the watch shows it."""
    return read(
        {
            "metadata": {"namespace": namespace, "name": name, "uid": f"{namespace}/{name}", "generation": 1},
            "spec": {
                "scaleTargetRef": {"name": name},
                "broker": {"secretName": f"{namespace}-rabbitmq"},
                "queues": [{"name": name, "lag": {"scaleUpAbove": 20}}],
                "maxReplicas": 10,
            }
            | spec,
        }
    )


def condition(kind: str, status: str, reason: str, message: str, *, since: str) -> dict[str, Any]:
    """One condition of a status."""
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since}


@dataclass
class Course:
    """One QueueConsumer whose queue fills and empties: messages per second by the seconds of the scene."""

    about: Known
    arrivals: Callable[[float], float]
    each: float = 10.0
    """Messages per second that a replica does."""
    objective: int | None = None
    lag: float = 0.0
    current: int = 0
    desired: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    since: dict[tuple[str, str], str] = field(default_factory=dict)
    """When each condition became what it is, by its type and its status."""

    def step(self, now: datetime, *, second: float, length: float) -> tuple[dict[str, Any], Change | None]:
        """Let time pass, and decide; the status, and the change of replicas if there is one."""
        rate = max(self.arrivals(second), 0.0)
        self.lag = max(self.lag + (rate - self.current * self.each) * length, 0.0)
        self.current = self.desired
        spec = self.about.spec
        assert spec is not None
        asked = ceil(rate / self.each + self.lag / (self.each * 60))
        wanted = min(max(asked, spec.min_replicas), spec.max_replicas)
        if wanted < self.desired and self.history and second - self.history[0]["second"] < 300:  # noqa: PLR2004
            wanted = self.desired
        change = None if wanted == self.desired else Change(before=self.desired, after=wanted)
        status = self._status(now, rate=rate, asked=asked, wanted=wanted, second=second)
        self.desired = wanted
        return status, change

    def _status(self, now: datetime, *, rate: float, asked: int, wanted: int, second: float) -> dict[str, Any]:
        time, ready = rfc3339(now), int(self.lag)
        spec, queue = self.about.spec, self.about.key.name
        assert spec is not None
        limit = "max" if asked > spec.max_replicas else "none"
        reason = self._reason(wanted)
        words = f"{rate:.0f}/s in {queue} / {self.each:.0f}/s per replica and {ready} messages in 60 s = {asked}"
        steps = [
            {
                "step": "wait" if self.objective else "drain",
                "replicas": asked,
                "source": queue,
                "observed": True,
                "message": words,
            }
        ]
        if limit == "max":
            bound = f"limited to maxReplicas {spec.max_replicas}"
            steps.append(
                {
                    "step": "bounds",
                    "replicas": wanted,
                    "source": "spec.maxReplicas",
                    "observed": True,
                    "message": bound,
                }
            )
            words = f"{words}, {bound}"
        record = {"from": self.desired, "to": wanted, "reason": reason, "limitedBy": limit, "message": words}
        if wanted != self.desired:
            self.history = [{"time": time, "second": second, **record}, *self.history][:20]
        wait = self.lag / max(self.current * self.each, 1.0)
        return {
            "observedGeneration": 1,
            "conditions": self._lasting(self._conditions(limit=limit, wait=wait, words=words, since=time)),
            "queues": [
                {
                    "name": queue,
                    "state": "Read",
                    "ready": ready,
                    "unacknowledged": self.current * 4 if ready else 0,
                    "readAt": time,
                    "arrivalsPerSecond": f"{rate:.1f}",
                    "acknowledgementsPerSecond": f"{min(rate, self.current * self.each):.1f}",
                    "throughputPerReplica": f"{self.each:.1f}",
                    "throughputFrom": "learned",
                }
                | ({"waitSeconds": f"{wait:.1f}"} if self.objective else {})
            ],
            "currentReplicas": self.current,
            "desiredReplicas": wanted,
            "lastDecision": {"time": time, **record, "steps": steps},
            "history": [{name: value for name, value in entry.items() if name != "second"} for entry in self.history],
            "startSeconds": "11.2",
            "columns": {
                "target": f"Deployment/{queue}",
                "broker": spec.broker.secret_name,
                "queues": queue,
            },
        }

    def _lasting(self, conditions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        held = {(each["type"], each["status"]): each["lastTransitionTime"] for each in conditions}
        self.since = {each: self.since.get(each, time) for each, time in held.items()}
        return [each | {"lastTransitionTime": self.since[each["type"], each["status"]]} for each in conditions]

    def _reason(self, wanted: int) -> str:
        if wanted == self.desired:
            return "Steady"
        if wanted > self.desired:
            return "ObjectiveAtRisk" if self.objective else "BacklogAboveTarget"
        return "ArrivalBelowCapacity" if wanted else "Idle"

    def _conditions(self, *, limit: str, wait: float, words: str, since: str) -> Sequence[dict[str, Any]]:
        told = [condition("Ready", "True", "Reconciled", "the queues are read and the target is found", since=since)]
        work = "True" if self.current else "False"
        told.append(condition("Active", work, "Working" if self.current else "Idle", "by its queues", since=since))
        if limit == "max":
            told.append(condition("ScalingLimited", "True", "TooManyReplicas", words, since=since))
        if self.objective:
            late = wait > self.objective
            message = f"messages in {self.about.key.name} wait about {wait:.0f} s, objectiveSeconds is {self.objective}"
            told.append(
                condition("ObjectiveMet", "False", "WaitTooLong", message, since=since)
                if late
                else condition("ObjectiveMet", "True", "WaitWithinObjective", "in time", since=since)
            )
        return told


def waiting(name: str, *, objective: int, **spec: Any) -> dict[str, Any]:
    """A spec with a wait objective."""
    return {"queues": [{"name": name, "wait": {"objectiveSeconds": objective}}], **spec}


def shop() -> list[Course]:
    """A day in which orders outgrow their limit."""

    def rush(second: float) -> float:
        return 12 + 8 * sin(second / 900) + (75 if second > 5400 else 0)  # noqa: PLR2004 - the rush begins

    def receipts(second: float) -> float:
        return 30 + 25 * sin(second / 700)

    def thumbnails(second: float) -> float:
        return 65 if second > 6000 else 20  # noqa: PLR2004 - half an hour before the end

    def batch(*, begin: float, end: float, rate: float) -> Callable[[float], float]:
        return lambda second: rate if begin < second < end else 0.0

    return [
        Course(known("shop", "orders", **waiting("orders", objective=10, maxReplicas=8)), rush, objective=10),
        Course(known("shop", "receipts", **waiting("receipts", objective=30, maxReplicas=20)), receipts, objective=30),
        Course(known("shop", "thumbnails", maxReplicas=6), thumbnails),
        Course(known("shop", "invoices"), lambda second: 25 + 10 * sin(second / 300)),
        Course(known("bank", "ledger", minReplicas=2), lambda second: 12 + 5 * sin(second / 1100)),
        Course(known("bank", "statements"), batch(begin=2000, end=3000, rate=40)),
        Course(known("mail", "newsletters", maxReplicas=40), batch(begin=4000, end=5200, rate=200)),
    ]


def unread(since: str) -> dict[str, Any]:
    """The status of an object whose queue cannot be read."""
    why = "queue mails in vhost / cannot be read: permission denied; grant the operator's user read access to it"
    return {
        "conditions": [condition("Ready", "False", "PermissionDenied", why, since=since)],
        "queues": [{"name": "mails", "state": "Unknown", "message": why, "readAt": since}],
        "currentReplicas": 4,
        "desiredReplicas": 4,
        "lastDecision": {
            "time": since, "from": 4, "to": 4, "reason": "ReadingMissing", "limitedBy": "guard",
            "message": "mails cannot be read, so replicas stay at 4",
            "steps": [{"step": "reading", "replicas": 4, "source": "mails", "observed": True,
                       "message": "mails cannot be read, so replicas stay at 4"}],
        },
        "columns": {"target": "Deployment/mails", "broker": "mail-rabbitmq", "queues": "mails"},
    }  # fmt: skip


def paused(status: Mapping[str, Any], *, since: str) -> dict[str, Any]:
    """The same object, paused by somebody."""
    told = condition("Paused", "True", "PausedByAnnotation", "paused at 2 replicas until 18:00 UTC", since=since)
    return {**status, "conditions": [*status["conditions"], told]}


def tell_shop(board: Board, *, now: datetime, seconds: int = 7200) -> list[Course]:
    """Tell the board of two hours of the shop, up to now. Returns the courses, to go on with."""
    courses = shop()
    for second in range(0, seconds, EVERY):
        at = now - timedelta(seconds=seconds - second)
        for course in courses:
            status, change = course.step(at, second=second, length=EVERY)
            if course.about.key.name == "statements":
                status = paused(status, since=rfc3339(now - timedelta(hours=1)))
            board.told(course.about, status=status, change=change, now=at)
    board.told(known("mail", "mails"), status=unread(rfc3339(now - timedelta(seconds=74))), change=None, now=now)
    idle = Course(known("mail", "bounces"), lambda _: 0.0)
    status, _ = idle.step(now, second=0, length=EVERY)
    board.told(idle.about, status=status, change=None, now=now)
    return courses


def fleet(members: int) -> list[Course]:
    """So many QueueConsumers, each with a load of its own that never stands still."""
    return [
        Course(
            known(f"team-{index % 20:02}", f"worker-{index:05}", **waiting(f"worker-{index:05}", objective=30)),
            lambda second, index=index: 30 + 25 * sin(second / 40 + index),  # type: ignore[misc]
            objective=30,
        )
        for index in range(members)
    ]


def utcnow() -> datetime:
    """Now, by the machine's clock."""
    return datetime.now(UTC)
