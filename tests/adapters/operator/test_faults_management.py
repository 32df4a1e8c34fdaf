"""A management API that is switched off, and a broker that blocks its publishers."""

import asyncio

import pytest

from qc_operator.scaling.observation import Depth, Unknown
from tests.adapters.operator.conftest import Bench
from tests.adapters.operator.keeper import REPLICAS, Keeper
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost


@pytest.fixture
async def keeper(own_any_vhost: Vhost, reading: Bench) -> Keeper:
    return await reading.kept(own_any_vhost)


async def test_the_management_plugin_is_switched_off_and_on(
    keeper: Keeper, own_any_rabbitmq: RabbitMQNode, own_any_vhost: Vhost
) -> None:
    await asyncio.to_thread(own_any_rabbitmq.disable_plugin, "rabbitmq_management")
    seen = await keeper.until(lambda seen: isinstance(seen.totals, Unknown))
    assert "ManagementUnreachable" == seen.totals.cause
    assert "rabbitmq_management" in seen.totals.message
    assert keeper.feed.problem is None
    # AMQP goes on alone; what consumers hold is not known, so an empty queue lets nothing go.
    await asyncio.to_thread(own_any_vhost.drain, "orders")
    await keeper.until(lambda seen: isinstance(seen.depth, Depth) and seen.depth.ready == 0)
    await asyncio.to_thread(own_any_vhost.publish, "orders", [b"work"] * REPLICAS)

    await asyncio.to_thread(own_any_rabbitmq.enable_plugin, "rabbitmq_management")
    await keeper.heals(after="the management plugin is on")

    assert keeper.held()


async def test_a_memory_alarm_makes_an_empty_queue_no_idle_one(
    keeper: Keeper, own_any_rabbitmq: RabbitMQNode, own_any_vhost: Vhost
) -> None:
    await asyncio.to_thread(own_any_rabbitmq.set_memory_alarm, True)  # noqa: FBT003 - reads well
    await keeper.until(lambda _: keeper.feed.observe()[0].alarmed)
    # Consumers are served all the time, publishers are not.
    await asyncio.to_thread(own_any_vhost.drain, "orders")
    await keeper.reads(0)
    at = keeper.seen.totals.at
    await asyncio.to_thread(own_any_vhost.cut_connections)
    await keeper.until(lambda seen: isinstance(seen.depth, Unknown))
    await keeper.until(lambda seen: isinstance(seen.depth, Depth))
    await keeper.reads(0)
    assert keeper.seen.totals.at > at
    assert keeper.held()

    await asyncio.to_thread(own_any_rabbitmq.set_memory_alarm, False)  # noqa: FBT003 - reads well
    await keeper.heals(0, after="the alarm was cleared")
    await keeper.until(lambda _: keeper.lowest == 0)
