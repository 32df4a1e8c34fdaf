"""When queues are due: in order, one timer, none lost."""

import asyncio

import pytest

from qc_operator.brokers.schedule import Schedule


@pytest.fixture
async def schedule() -> Schedule[str]:
    return Schedule()


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_items_come_in_the_order_they_are_due(schedule: Schedule[str]) -> None:
    start = now()
    schedule.set("second", due=start + 0.02)
    schedule.set("first", due=start + 0.01)

    assert ["first", "second"] == [await schedule.next(), await schedule.next()]
    assert now() >= start + 0.02


async def test_setting_an_item_again_moves_it(schedule: Schedule[str]) -> None:
    schedule.set("item", due=now() + 60)
    schedule.set("item", due=now())

    assert "item" == await schedule.next()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(schedule.next(), timeout=0.01)


async def test_a_dropped_item_does_not_come(schedule: Schedule[str]) -> None:
    schedule.set("item", due=now())
    schedule.drop("item")

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(schedule.next(), timeout=0.01)


async def test_an_item_set_while_somebody_waits_comes_at_its_time(schedule: Schedule[str]) -> None:
    waiting = asyncio.create_task(schedule.next())
    await asyncio.sleep(0)
    schedule.set("late", due=now() + 60)
    schedule.set("soon", due=now())

    assert "soon" == await waiting


async def test_an_item_handed_to_a_waiter_that_gives_up_is_not_lost(schedule: Schedule[str]) -> None:
    waiting = asyncio.create_task(schedule.next())
    await asyncio.sleep(0)
    schedule.set("item", due=now())
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert "item" == await schedule.next()
