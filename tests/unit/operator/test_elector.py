"""The loop around the rules: what it tells, when, and how it ends, with times a tenth as long as they are."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from qc_operator.cluster.client import ApiError
from qc_operator.cluster.lease import Lease
from qc_operator.elector import Elector, boot_time
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


@pytest.fixture
def store() -> Store:
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


async def test_one_leads_the_other_stands_by(store: Store) -> None:
    async with running(store) as (first, _):
        await until(lambda: first.leading)
        async with running(store, "second") as (second, told):
            await asyncio.sleep(0.5)

            assert (True, False, [], "first") == (first.leading, second.leading, told.changes, second.holder)
            assert (0.0, None) == (second.remaining(), second.problem)
            assert 0.3 < first.remaining() <= 0.5


async def test_a_leader_asks_for_nothing_but_one_renewal_per_retry(store: Store) -> None:
    async with running(store) as (elector, _):
        await until(lambda: elector.leading)
        store.asked.clear()
        await asyncio.sleep(0.55)

    assert {"update"} == set(store.asked)
    assert 4 <= len(store.asked) <= 6


async def test_each_change_is_told_once_and_to_the_metric_too(store: Store) -> None:
    metric: list[bool] = []
    async with running(store, on_change=metric.append) as (elector, told):
        await until(lambda: elector.leading)
        store.error = ApiError(status=500, reason="InternalError", message="etcd is away")
        await until(lambda: not elector.leading)
        await asyncio.sleep(0.3)
        store.error = None
        await until(lambda: elector.leading)

        assert (["lead", "follow", "lead"], [True, False, True]) == (told.changes, metric)


@pytest.mark.parametrize("trouble", ["hangs", "refuses"])
async def test_a_leader_that_cannot_renew_is_told_at_the_deadline(store: Store, trouble: str) -> None:
    async with running(store) as (elector, told):
        await until(lambda: elector.leading)
        left = elector.remaining()
        store.hangs = trouble == "hangs"
        store.error = ApiError(status=403, reason="Forbidden", message="leases is forbidden")
        # A renewal that was under way may still succeed.
        took = await until(lambda: "follow" in told.changes)

        assert left - 0.05 < took < 0.5 + 0.15
        assert 0.0 == elector.remaining()


async def test_even_when_the_request_cannot_be_cancelled(store: Store) -> None:
    async with running(store) as (elector, told):
        await until(lambda: elector.leading)
        over = asyncio.Event()

        async def stubborn(*_: object) -> Lease:
            while not over.is_set():
                try:
                    await over.wait()
                except asyncio.CancelledError:
                    continue
            raise ApiError(status=0, reason="Unreachable", message="at last")

        store.update = stubborn  # type: ignore[method-assign, assignment]

        assert await until(lambda: "follow" in told.changes) < 0.65
        over.set()


async def test_a_clock_that_jumps_ends_it_at_once(store: Store) -> None:
    asleep = 0.0
    async with running(store, clock=lambda: time.monotonic() + asleep) as (elector, told):
        await until(lambda: elector.leading)
        asleep = 20.0

        assert 0.0 == elector.remaining()
        await until(lambda: told.changes == ["lead", "follow", "lead"])


def test_the_clock_goes_on_while_the_machine_is_suspended() -> None:
    assert abs(time.clock_gettime(time.CLOCK_BOOTTIME) - boot_time()) < 1


async def test_a_write_whose_answer_is_lost_costs_nothing(store: Store) -> None:
    async with running(store) as (elector, told):
        await until(lambda: elector.leading)
        store.loses_answers = 2
        await until(lambda: not store.loses_answers)
        await asyncio.sleep(0.4)

        assert ["lead"] == told.changes


async def test_a_deleted_lease_is_created_again_by_its_holder(store: Store) -> None:
    async with running(store) as (elector, told):
        await until(lambda: elector.leading)
        store.leases.clear()
        await until(lambda: NAME in store.leases)
        await asyncio.sleep(0.3)

        assert (["lead"], "first") == (told.changes, store.record().holder)


async def test_whoever_creates_it_says_that_it_waits(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    store.leases.clear()
    async with running(store) as (elector, _):
        took = await until(lambda: elector.leading)

    assert took > 2.0
    assert "has created Lease queueconsumer-operator, and leads in 2 s if it keeps it" in caplog.text


async def test_one_that_has_lost_its_label_is_still_found_and_gets_it_back(store: Store) -> None:
    store.leases[NAME] = replace(store.leases[NAME], metadata={"version": store.version})
    async with running(store) as (elector, _):
        await until(lambda: elector.leading)

    assert "label" in store.leases[NAME].metadata


async def test_a_holder_put_in_by_hand_ends_it_at_once(store: Store) -> None:
    async with running(store) as (elector, told):
        await until(lambda: elector.leading)
        store.put(NAME, replace(store.record(), holder="somebody"))

        assert await until(lambda: not elector.leading) < 0.2
        assert ["lead", "follow"] == told.changes


async def test_stopped_it_gives_the_lease_back_within_a_second_and_the_next_one_leads(store: Store) -> None:
    async with running(store) as (first, told):
        await until(lambda: first.leading)
        async with running(store, "second") as (second, _):
            await until(lambda: second.holder == "first")
            first.stop()
            assert 0.0 == first.remaining()

            assert await until(lambda: second.leading) < 0.4
    assert ["lead", "follow"] == told.changes


async def test_writes_under_way_are_waited_for_before_anything_is_closed(store: Store) -> None:
    order: list[str] = []

    async def settled() -> None:
        await asyncio.sleep(0.2)
        order.append("settled")

    elector = Elector(leases=store, operator=NAME, identity="first", shard=Shard(), timing=TIMING, settled=settled)
    task = asyncio.create_task(
        elector.run(on_lead=elector.stop, on_follow=lambda: order.append(f"closed, held by {store.record().holder}"))
    )
    await asyncio.wait_for(task, PATIENCE)

    assert (["settled", "closed, held by "], "") == (order, store.record().holder)


async def test_a_write_that_gets_no_answer_keeps_the_lease_from_being_given_back(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    async with running(store, settled=never) as (elector, told):
        await until(lambda: elector.leading)
        began = time.monotonic()
        elector.stop()
    assert time.monotonic() - began < 1.0
    assert ("first", ["lead", "follow"]) == (store.record().holder, told.changes)
    assert "a write has not been answered" in caplog.text


@pytest.mark.parametrize("trouble", ["hangs", "refuses"])
async def test_it_ends_within_a_second_whatever_the_api_server_does(store: Store, trouble: str) -> None:
    async with running(store) as (elector, told):
        await until(lambda: elector.leading)
        store.hangs = trouble == "hangs"
        store.error = ApiError(status=500, reason="InternalError", message="etcd is away")
        began = time.monotonic()
        elector.stop()
    assert time.monotonic() - began < 1.0
    assert ["lead", "follow"] == told.changes


async def test_cancelled_it_tells_and_gives_nothing_back(store: Store) -> None:
    async with running(store) as (elector, told):
        await until(lambda: elector.leading)

    assert (["lead", "follow"], "first", 0.0) == (told.changes, store.record().holder, elector.remaining())


async def test_mistakes_of_those_who_are_told_do_not_end_it(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: bool) -> None:  # noqa: FBT001 - as on_change is called
        raise ZeroDivisionError

    async with running(store, on_change=broken) as (elector, _):
        await until(lambda: elector.leading)
        await asyncio.sleep(0.7)

        assert elector.leading
    assert "not everything was started" in caplog.text


async def test_a_run_of_failures_is_one_line_and_its_end_another(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store.error = ApiError(status=403, reason="Forbidden", message="leases is forbidden")
    async with running(store) as (elector, _):
        await until(lambda: len(store.asked) > 5)
        problem = elector.problem
        store.error = None
        await until(lambda: elector.leading)
        assert elector.problem is None

    assert problem == (
        "Lease queueconsumer-operator cannot be read or written: leases is forbidden; grant the operator's "
        "ServiceAccount get, list, create and update on leases, as the chart does"
    )
    assert [
        problem,
        "Lease queueconsumer-operator can be read and written again",
        "leads: holds Lease queueconsumer-operator",
        "leads no more: it was cancelled",
    ] == [record.getMessage() for record in caplog.records if record.name == "qc_operator.elector"]


async def test_another_number_of_shards_is_waited_for_and_said(store: Store) -> None:
    async with running(store) as (whole, _):
        await until(lambda: whole.leading)
        async with running(store, "part", shard=Shard(index=2, count=3)) as (part, _):
            await until(lambda: part.problem)
            await asyncio.sleep(0.3)

            assert not part.leading
            assert part.problem == (
                "shard 2/3 waits, because first holds Lease queueconsumer-operator of shard 1/1: all operators must be "
                "given the same number of shards (QC_SHARD); correct it, or stop the others"
            )
            whole.stop()
            await until(lambda: part.leading or "queueconsumer-operator-2-of-3" in store.leases)
            # It has created its Lease, so it waits for as long as one lasts.
            await until(lambda: part.leading)
            assert part.problem is None


async def test_of_two_numbers_of_shards_that_start_at_the_same_time_only_one_leads(store: Store) -> None:
    for shard in (Shard(), Shard(index=1, count=2)):
        store.put(shard.lease(NAME), Record(seconds=1))
    async with running(store, "a") as (one, _), running(store, "b", shard=Shard(index=1, count=2)) as (other, _):
        most = 0
        for _ in range(100):
            most = max(most, one.leading + other.leading)
            await asyncio.sleep(0.01)

        assert (1, 1) == (most, one.leading + other.leading)


async def test_the_other_shards_of_the_same_number_lead_side_by_side(store: Store) -> None:
    shards = [Shard(index=index, count=2) for index in (1, 2)]
    for shard in shards:
        store.put(shard.lease(NAME), Record(seconds=1))
    async with running(store, "a", shard=shards[0]) as (one, _), running(store, "b", shard=shards[1]) as (other, _):
        await until(lambda: one.leading and other.leading)
