"""A list of pods as the API gives it, and what a decision needs of it. All other fields are skipped, not decoded."""

from __future__ import annotations

import heapq
from datetime import datetime

import msgspec

from qc_operator.cluster.server_clock import ServerClock
from qc_operator.scaling.pods import Pods, StartedPod

STARTED_MOST = 16
PLACED_AT_ONCE = 10.0
"""Seconds within which a pod that need not wait for a node has one."""
LONGEST_START = 900.0
"""Seconds. A pod that took longer to become ready has more likely become ready again, as all consumers do after an
outage of their broker; when it did so for the first time, the API does not tell."""
LONGEST_WORDS = 512
"""Characters of the scheduler's words that are kept: it counts its nodes in them, by what each lacks."""


class _Metadata(msgspec.Struct, rename="camel"):
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None


class _Spec(msgspec.Struct, rename="camel"):
    node_name: str | None = None


class _Condition(msgspec.Struct, rename="camel"):
    type: str
    status: str
    reason: str | None = None
    message: str | None = None
    last_transition_time: datetime | None = None


class _Container(msgspec.Struct, rename="camel"):
    restart_count: int = 0


class _Status(msgspec.Struct, rename="camel"):
    phase: str | None = None
    conditions: list[_Condition] | None = None
    container_statuses: list[_Container] | None = None


class Pod(msgspec.Struct):
    """One pod."""

    metadata: _Metadata
    spec: _Spec
    status: _Status


class _ListMetadata(msgspec.Struct):
    more: str | None = msgspec.field(name="continue", default=None)


class PodList(msgspec.Struct):
    """One page of a list, decoded by msgspec."""

    metadata: _ListMetadata
    items: list[Pod] | None = None


class Tally:
    """What the pages of one list come to."""

    def __init__(self) -> None:
        self._ready = 0
        self._starting: list[datetime] = []
        self._unschedulable = 0
        self._why = ""
        self._last_ready: datetime | None = None
        self._started: list[tuple[datetime, datetime]] = []
        """When pods became ready and were created, the latest first."""

    def add(self, items: list[Pod]) -> None:
        """Count the pods of a page; those that are going or have ended are in none of the numbers."""
        for pod in items:
            if pod.metadata.deletion_timestamp is None and pod.status.phase not in {"Succeeded", "Failed"}:
                self._count(pod)
        self._started = heapq.nlargest(STARTED_MOST, self._started)

    def _count(self, pod: Pod) -> None:
        created = pod.metadata.creation_timestamp
        for condition in pod.status.conditions or ():
            if condition.type == "Ready" and condition.status == "True":
                self._count_ready(pod, since=condition.last_transition_time)
                return
            if condition.type == "PodScheduled" and condition.status == "False" and condition.reason == "Unschedulable":
                self._unschedulable += 1
                self._why = self._why or (condition.message or "")[:LONGEST_WORDS]
                return
        if pod.spec.node_name and created:
            self._starting.append(created)

    def _count_ready(self, pod: Pod, *, since: datetime | None) -> None:
        self._ready += 1
        if since is None:
            return
        if self._last_ready is None or since > self._last_ready:
            self._last_ready = since
        if (created := _begun(pod)) and _first_start(pod, created, since):
            self._started.append((since, created))

    def pods(self, *, clock: ServerClock, at: float) -> Pods:
        """All of them. What was created later than `at`, or ready before it was created, is cut.

        When a pod became ready is told by its node. A time in the future of a clock that is ahead is left as it is: the
        same pod has the same time in each answer.
        """
        started = []
        for ready, created in self._started:
            became, took = clock.monotonic(ready), max(0.0, (ready - created).total_seconds())
            started.append(StartedPod(created=became - took, ready=became))
        return Pods(
            ready=self._ready,
            starting=tuple(min(clock.monotonic(created), at) for created in sorted(self._starting)),
            unschedulable=self._unschedulable,
            why_unschedulable=self._why,
            started=tuple(started),
            last_ready_at=None if self._last_ready is None else clock.monotonic(self._last_ready),
            at=at,
        )


def _first_start(pod: Pod, created: datetime, ready: datetime) -> bool:
    """Whether a pod is ready for the first time, as far as that can be told."""
    if any(container.restart_count for container in pod.status.container_statuses or ()):
        return False
    return (ready - created).total_seconds() <= LONGEST_START


def _begun(pod: Pod) -> datetime | None:
    """When its start began: at its creation, or when it had a node, if it had to wait for one.

    A minute without a node is no minute of starting: it would be expected of the next pods, too.
    """
    created = pod.metadata.creation_timestamp
    if created is None:
        return None
    for condition in pod.status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "True" and condition.last_transition_time:
            placed = condition.last_transition_time
            return placed if (placed - created).total_seconds() > PLACED_AT_ONCE else created
    return created
