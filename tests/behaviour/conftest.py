"""An autoscaler whose queues, target and clock the test holds in its hands.

The real ones are in tests/adapters and tests/e2e. Here it is what they do at the worst moment that matters, which
neither a broker nor an API server does on demand.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qc_operator.brokers import Problem, QueueSource
from qc_operator.cluster import OUR_WRITER, Followed, Scale
from qc_operator.cluster.client import ApiError
from qc_operator.conflict import Rival
from qc_operator.metrics import Metrics
from qc_operator.ownership import TargetId
from qc_operator.reconciler import Reconciler
from qc_operator.registry import FINALIZER, Key, Known
from qc_operator.resource import ScaleTargetRef
from qc_operator.scaling.deletion_costs import Candidate, Changes
from qc_operator.scaling.holdings import Holding
from qc_operator.scaling.observation import EntryObservation, QueueObservation
from qc_operator.scaling.pods import Pods
from qc_operator.settings import StatusSettings
from qc_operator.surroundings import Nobody, Onlooker, Surroundings
from tests.unit.operator.conftest import body, entries, known

KEY = Key("shop", "receipts")
TARGET = TargetId("shop", "apps", "Deployment", "receipts")


def conflict() -> ApiError:
    return ApiError(status=409, reason="Conflict", message="the object has been modified")


def unavailable() -> ApiError:
    return ApiError(status=503, reason="ServiceUnavailable", message="etcdserver: leader changed")


@dataclass
class FakeClock:
    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now

    def utcnow(self) -> datetime:
        return datetime(2026, 11, 27, tzinfo=UTC) + timedelta(seconds=self.now)


class Unwatched:
    """A target that cannot be watched."""

    version = scale = problem = None
    current = missing = False
    writer = ""

    async def settled(self) -> None:
        """Nothing to wait for."""

    def close(self) -> None:
        """Nothing to end."""


@dataclass
class FakeTarget:
    """A Deployment's scale. `troubles` are raised by the next writes, one each, with what they do to it first."""

    replicas: int = 0
    version: int = 1
    uid: str = "target"
    writer: str = OUR_WRITER
    writes: list[int] = field(default_factory=list)
    troubles: list[tuple[ApiError, Callable[[], None]]] = field(default_factory=list)
    unreadable: ApiError | None = None
    stuck: asyncio.Event | None = None
    """Set while writes are answered only once it is set."""

    async def read(self, *, namespace: str, target: ScaleTargetRef) -> Scale:
        assert namespace == KEY.namespace
        assert target.name in {"receipts", "other"}
        if self.unreadable:
            raise self.unreadable
        return Scale(
            replicas=self.replicas,
            running=self.replicas,
            resource_version=str(self.version),
            selector="app=receipts",
            uid=self.uid,
            writer=self.writer,
        )

    def follow(self, *, namespace: str, target: ScaleTargetRef, notify: Callable[[], None]) -> Followed:  # noqa: ARG002
        """The fakes are read: what watches make of it is tested with a real API server."""
        return Unwatched()

    async def write(self, *, namespace: str, target: ScaleTargetRef, replicas: int, resource_version: str) -> Scale:
        if self.stuck:
            await self.stuck.wait()
        if self.troubles:
            error, change = self.troubles.pop(0)
            change()
            raise error
        if resource_version != str(self.version):
            raise conflict()
        self.set(replicas, by=OUR_WRITER)
        self.writes.append(replicas)
        return await self.read(namespace=namespace, target=target)

    def set(self, replicas: int, *, by: str = "kubectl") -> None:
        """Write as anybody may."""
        self.replicas, self.writer = replicas, by
        self.version += 1


@dataclass
class FakePods:
    """The target's pods, once the test lets them be read: most tests are not about them."""

    pods: Pods | ApiError = field(default_factory=lambda: Pods(ready=0, at=0.0))
    open: asyncio.Event = field(default_factory=asyncio.Event)
    lists: int = 0

    async def read(self, *, namespace: str, selector: str) -> Pods:
        assert (namespace, selector) == (KEY.namespace, "app=receipts")
        self.lists += 1
        await self.open.wait()
        if isinstance(self.pods, ApiError):
            raise self.pods
        return self.pods


@dataclass
class FakeFeed:
    notify: Callable[[], None]
    problem: Problem | None = None
    entries: tuple[EntryObservation, ...] = ()
    at_zero: bool | None = None
    at_rest: bool = False
    closed: bool = False
    holders: tuple[Holding, ...] = ()
    broker: str = "rabbitmq:5672"

    @property
    def work_waits(self) -> bool:
        return any(entry.ready for entry in self.entries)

    def observe(self) -> tuple[EntryObservation, ...]:
        return self.entries

    def expect_change(self, *, at_zero: bool, at_rest: bool = False) -> None:
        self.at_zero, self.at_rest = at_zero, at_rest

    async def holdings(self, told_by_hosts: Callable[[Sequence[str]], bool]) -> tuple[Holding, ...]:
        told_by_hosts([holding.host for holding in self.holders])
        return self.holders

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeCosts:
    """The deletion costs of the target's pods, which are read once the test lets them be."""

    pods: tuple[Candidate, ...] = ()
    open: asyncio.Event = field(default_factory=asyncio.Event)
    reads: int = 0
    written: Changes = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.open.set()

    async def read(self, *, namespace: str, selector: str) -> tuple[Candidate, ...]:
        assert (namespace, selector) == (KEY.namespace, "app=receipts")
        self.reads += 1
        await self.open.wait()
        return self.pods

    async def write(self, *, namespace: str, pods: Sequence[Candidate], changes: Changes) -> None:
        assert (namespace, pods) == (KEY.namespace, self.pods)
        self.written |= changes


@dataclass
class FakeFinalizers:
    """The object as it is at the API server, and what may befall a read of it."""

    body: dict[str, Any] = field(default_factory=dict)
    trouble: ApiError | None = None

    async def read(self, *, key: Key) -> Mapping[str, Any]:
        assert key == KEY
        if self.trouble:
            raise self.trouble
        return self.body

    async def add(self, *, body: Mapping[str, Any]) -> None:
        assert body is self.body
        self.body["metadata"]["finalizers"] = [*self.body["metadata"]["finalizers"], FINALIZER]

    async def remove(self, *, body: Mapping[str, Any]) -> None:
        assert body is self.body
        self.body["metadata"]["finalizers"].remove(FINALIZER)


@dataclass
class World:
    """Everything around the reconciler."""

    clock: FakeClock = field(default_factory=FakeClock)
    target: FakeTarget = field(default_factory=FakeTarget)
    pods: FakePods = field(default_factory=FakePods)
    costs: FakeCosts = field(default_factory=FakeCosts)
    finalizers: FakeFinalizers = field(default_factory=FakeFinalizers)
    feeds: list[FakeFeed] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)
    status_trouble: ApiError | None = None
    problem: str | None = None
    """Why other autoscalers are not known."""
    ours: frozenset[Key] = frozenset({KEY})
    """Which objects are served."""
    rival: Rival | None = None
    """Who else scales the target."""
    patience: asyncio.Event | None = None
    """Set while statuses are written only once it is set."""
    metrics: Metrics = field(default_factory=Metrics)
    onlooker: Onlooker = field(default_factory=Nobody)

    def __post_init__(self) -> None:
        self.reconciler = Reconciler(
            surroundings=Surroundings(
                feeds=self,
                rivals=self,
                scales=self.target,
                targets=self.target,
                pods=self.pods,
                costs=self.costs,
                statuses=self,
                finalizers=self.finalizers,
                events=self,
                metrics=self.metrics,
                clock=self.clock,
                settings=StatusSettings(),
                onlooker=self.onlooker,
            ),
            serves=lambda key: key in self.ours,
        )
        self.reconciler.lead()

    # What the autoscaler acts through

    def open(
        self,
        *,
        namespace: str,
        secret: str,
        vhost: str | None,
        queues: Sequence[QueueSource],
        notify: Callable[[], None],
    ) -> FakeFeed:
        assert (KEY.namespace, "rabbitmq", None) == (namespace, secret, vhost)
        (queue,) = queues
        empty = known(ready=0, unacknowledged=0, at=self.clock.now, name=queue.name or "")
        feed = FakeFeed(notify=notify, entries=entries(empty))
        self.feeds.append(feed)
        return feed

    def on(self, target: TargetId) -> Rival | None:
        return self.rival if target == TARGET else None

    def problem_in(self, namespace: str) -> str | None:
        assert KEY.namespace == namespace
        return self.problem

    async def settled(self) -> None:
        """They are known."""

    async def write(
        self,
        *,
        key: Key,
        uid: str,
        status: Callable[[], Mapping[str, Any]],
        urgent: bool = False,  # noqa: ARG002
    ) -> None:
        assert (KEY, str) == (key, type(uid))
        if self.patience:
            await self.patience.wait()
        if self.status_trouble:
            raise self.status_trouble
        self.statuses.append(dict(status()))
        self.finalizers.body["status"] = {**self.finalizers.body["status"], **self.statuses[-1]}

    async def post(self, *, about: Known, warning: bool, reason: str, action: str, note: str, at: datetime) -> None:
        assert (KEY, bool, str, datetime) == (about.key, type(warning), type(action), type(at))
        self.events.append((reason, note))

    # What a test does

    async def apply(
        self,
        *,
        generation: int = 1,
        uid: str = "1",
        status: object = None,
        annotations: Mapping[str, str] | None = None,
        finalizers: Sequence[str] = (),
        deleted: bool = False,
        **spec: Any,
    ) -> None:
        """Show the object to the operator, as the watch does."""
        metadata: dict[str, Any] = {
            "namespace": KEY.namespace,
            "name": KEY.name,
            "uid": uid,
            "generation": generation,
            "annotations": dict(annotations or {}),
            "finalizers": list(finalizers),
        }
        if deleted:
            metadata["deletionTimestamp"] = "2026-11-27T00:00:00Z"
        self.finalizers.body = {"metadata": metadata, "spec": body(**spec), "status": status or {}}
        self.reconciler.seen(copy.deepcopy(self.finalizers.body))
        await self.settle()

    def restart(self) -> None:
        """End the operator and start another, which knows of no object yet."""
        self.reconciler.follow()
        self.__post_init__()

    async def see(self, *queues: QueueObservation, after: float = 0.0) -> None:
        """Let time pass and a reading come in."""
        self.clock.now += after
        await self.see_entries(*entries(*queues))

    async def see_entries(self, *seen: EntryObservation) -> None:
        """Let readings of any kind come in."""
        self.feeds[-1].entries = seen
        self.feeds[-1].notify()
        await self.settle()

    async def messages(self, ready: int, unacknowledged: int = 0, *, after: float = 0.0) -> None:
        """Let time pass and both lanes read these counts."""
        await self.see(known(ready=ready, unacknowledged=unacknowledged, at=self.clock.now + after), after=after)

    async def settle(self) -> None:
        """Let the turn that is due be taken: nothing in it waits for anything but the fakes."""
        for _ in range(100):
            await asyncio.sleep(0)

    def condition(self, kind: str) -> tuple[str, str]:
        """Status and reason of a condition, as last written."""
        conditions = {condition["type"]: condition for condition in self.statuses[-1]["conditions"]}
        return conditions[kind]["status"], conditions[kind]["reason"]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.reconciler.follow()
