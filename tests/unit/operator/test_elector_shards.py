"""Electors of several shards, and of two numbers of shards, of which one must wait for the other."""

import asyncio
import logging

import pytest

from qc_operator.cluster.client import ApiError
from qc_operator.cluster.lease import Lease
from qc_operator.lease_record import Record
from qc_operator.sharding import Shard
from tests.unit.operator.elections import NAME, Store, given_back, running, said, until


@pytest.fixture
def store() -> Store:
    return given_back()


async def test_another_number_of_shards_is_waited_for_and_said(store: Store) -> None:
    async with running(store) as (whole, _):
        await until(lambda: whole.leading)
        async with running(store, "part", shard=Shard(index=2, count=3)) as (part, _):
            await until(lambda: part.problem)
            await asyncio.sleep(0.5)

            assert not part.leading
            assert part.problem == (
                "shard 2/3 waits, because first holds Lease queueconsumer-operator of shard 1/1: all operators must be "
                "given the same number of shards (QC_SHARD); correct it, or stop the others, unless an upgrade is "
                "changing it"
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


async def test_what_a_dead_process_of_another_number_has_left_costs_one_wait_and_no_other(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    left = {Shard(index=index, count=2).lease(NAME): f"dead-{index}" for index in (1, 2)}
    for name, holder in left.items():
        store.put(name, Record(holder=holder, seconds=2, transitions=7))
    caplog.set_level(logging.INFO)
    async with running(store) as (first, _):
        assert 2.0 < await until(lambda: first.leading) < 2.5
        assert [(True, 7)] * 2 == [(store.record(name).released, store.record(name).transitions) for name in left]
        assert [
            f"shard 1/1 waits until dead-1 gives Lease {NAME}-1-of-2 of shard 1/2 back, or has not renewed it for 2 s",
            *(
                f"Lease {name} of shard {index}/2, which dead-{index} has left behind, was given back"
                for index, name in enumerate(left, 1)
            ),
            "leads: holds Lease queueconsumer-operator",
        ] == said(caplog)
        caplog.clear()
        async with running(store, "second") as (second, _):
            await until(lambda: second.holder == "first")
            await asyncio.sleep(0.3)
            assert ["stands by: first holds Lease queueconsumer-operator"] == said(caplog)
            first.stop()

            assert await until(lambda: second.leading) < 0.4


@pytest.mark.parametrize(("status", "told", "tries"), [(403, 1, 1), (409, 0, 2), (404, 0, 2), (500, 0, 2)], ids=str)
async def test_that_it_cannot_be_given_back_keeps_nobody_from_leading(
    store: Store, caplog: pytest.LogCaptureFixture, status: int, told: int, tries: int
) -> None:
    left = Shard(index=1, count=2).lease(NAME)
    store.put(left, Record(holder="dead", seconds=2))
    update, asked = store.update, 0

    async def refusing(lease: Lease, record: Record) -> Lease:
        nonlocal asked
        if lease.name == left:
            asked += 1
            raise ApiError(status=status, reason="Refused", message="leases is forbidden")
        return await update(lease, record)

    store.update = refusing  # type: ignore[method-assign]
    async with running(store) as (elector, _):
        await until(lambda: elector.leading)

        assert (tries, "dead") == (asked, store.record(left).holder)
        sentence = (
            "Lease queueconsumer-operator-1-of-2 of shard 1/2, which dead has left behind, was not given back: leases "
            "is forbidden; delete it, or each start waits for it"
        )
        assert told * [sentence] == said(caplog)
