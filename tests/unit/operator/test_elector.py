"""The loop around the rules: what it tells, when, and how it ends, with times a tenth as long as they are."""

import asyncio
import logging
import time
from dataclasses import replace

import pytest

from qc_operator.cluster.client import ApiError
from qc_operator.cluster.lease import Lease
from qc_operator.elector import Elector, boot_time
from qc_operator.lease_record import Record
from qc_operator.sharding import Shard
from tests.unit.operator.elections import NAME, PATIENCE, TIMING, Store, given_back, running, said, until


@pytest.fixture
def store() -> Store:
    return given_back()


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


async def test_a_deleted_lease_is_created_again_by_its_holder_which_says_so_once(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(store) as (elector, told):
        await until(lambda: elector.leading)
        store.leases.clear()
        await until(lambda: NAME in store.leases)
        await asyncio.sleep(0.3)

        assert (["lead"], "first") == (told.changes, store.record().holder)
        assert ["Lease queueconsumer-operator was deleted; this process, which leads, has made it again"] == said(
            caplog
        )


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


async def test_who_is_too_late_to_take_it_stands_by_and_complains_of_nothing(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def too_late(*_: object) -> Lease:
        store.put(NAME, Record(holder="another", seconds=2))
        raise ApiError(status=409, reason="Conflict", message="the object has been modified")

    store.update = too_late  # type: ignore[method-assign, assignment]
    async with running(store) as (elector, told):
        await until(lambda: elector.holder == "another")
        await asyncio.sleep(0.2)

        assert (None, []) == (elector.problem, told.changes)
    assert ["stands by: another holds Lease queueconsumer-operator"] == said(caplog)


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
    ] == [record.getMessage() for record in caplog.records if record.name == "qc_operator.election_log"]
