"""Electors that run, on Leases in memory, with times a tenth as long as they are."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from qc_operator.cluster.client import ApiError
from qc_operator.cluster.lease import Lease
from qc_operator.elector import Elector
from qc_operator.lease_record import Record, Sight, Timing
from qc_operator.sharding import Shard

TIMING = Timing(lease_seconds=2, renew_deadline=0.5, retry=0.1)
NAME = "queueconsumer-operator"
PATIENCE = 5.0


@dataclass
class Store:
    """Leases in memory, by the rules of the API server, and what the test makes of the way to them."""

    leases: dict[str, Lease] = field(default_factory=dict)
    version: int = 0
    error: ApiError | None = None
    hangs: bool = False
    loses_answers: int = 0
    asked: list[str] = field(default_factory=list)

    async def all(self) -> list[Lease]:
        await self._trouble("all")
        return [lease for lease in self.leases.values() if "label" in lease.metadata]

    async def get(self, name: str) -> Lease:
        await self._trouble("get")
        if name not in self.leases:
            raise ApiError(status=404, reason="NotFound", message="there is none")
        return self.leases[name]

    async def create(self, name: str, record: Record) -> Lease:
        await self._trouble("create")
        if name in self.leases:
            raise ApiError(status=409, reason="AlreadyExists", message="there is one")
        return self.put(name, record)

    async def update(self, lease: Lease, record: Record) -> Lease:
        await self._trouble("update")
        current = self.leases.get(lease.name)
        if current is None or current.metadata["version"] != lease.metadata["version"]:
            raise ApiError(status=409, reason="Conflict", message="it has been modified")
        written = self.put(lease.name, record)
        if self.loses_answers:
            self.loses_answers -= 1
            raise ApiError(status=0, reason="Unreachable", message="connection reset")
        return written

    def put(self, name: str, record: Record) -> Lease:
        self.version += 1
        uid = self.leases[name].sight.uid if name in self.leases else f"uid-{self.version}"
        metadata = {"version": self.version, "label": NAME}
        self.leases[name] = Lease(name=name, sight=Sight(uid=uid, record=record), metadata=metadata)
        return self.leases[name]

    def record(self, name: str = NAME) -> Record:
        return self.leases[name].sight.record

    async def _trouble(self, what: str) -> None:
        self.asked.append(what)
        if self.hangs:
            await asyncio.Event().wait()
        if self.error:
            raise self.error


@dataclass
class Told:
    """What an elector told, in order."""

    changes: list[str] = field(default_factory=list)

    def lead(self) -> None:
        self.changes.append("lead")

    def follow(self) -> None:
        self.changes.append("follow")


def given_back() -> Store:
    """The Lease of the one shard as it is when its holder was told to end."""
    store = Store()
    store.put(NAME, Record(seconds=1))
    return store


@asynccontextmanager
async def running(store: Store, identity: str = "first", **others: Any) -> AsyncIterator[tuple[Elector, Told]]:
    """An elector that runs, and is cancelled in the end if it still does."""
    settings: dict[str, Any] = {"operator": NAME, "identity": identity, "shard": Shard(), "timing": TIMING} | others
    elector, told = Elector(leases=store, **settings), Told()
    task = asyncio.create_task(elector.run(on_lead=told.lead, on_follow=told.follow))
    try:
        yield elector, told
        if elector._stopping.is_set():
            await asyncio.wait_for(task, PATIENCE)
    finally:
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled() or task.exception() is None


async def until(condition: Callable[[], object], *, within: float = PATIENCE) -> float:
    """Wait for something; seconds that it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within
        await asyncio.sleep(0.005)
    return time.monotonic() - began


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The log, from WARNING on or as the test has set it."""
    return [record.getMessage() for record in caplog.records if record.name.startswith("qc_operator")]
