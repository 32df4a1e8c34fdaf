"""One classic queue that does not answer holds up the list of all; the others are read past it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from qc_operator.scaling.observation import Totals, Unknown
from tests.adapters.operator.lane import slow_lane
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost


@contextlib.asynccontextmanager
async def stuck(vhost: Vhost, queue: str) -> AsyncIterator[None]:
    """Suspend the queue's process for the block, as a bug or a slow disk would."""

    async def tell(word: str) -> None:
        name = f'rabbit_misc:r(<<"{vhost.vhost}">>, queue, <<"{queue}">>)'
        done = f"{{ok, Q}} = rabbit_amqqueue:lookup({name}), sys:{word}(amqqueue:get_pid(Q))."
        await asyncio.to_thread(vhost.node.ctl, "eval", done)

    await tell("suspend")
    try:
        yield
    finally:
        await tell("resume")


async def test_the_nodes_metrics_go_on(any_vhost: Vhost, any_rabbitmq: RabbitMQNode) -> None:
    await _read_past_it(any_vhost, metrics_uri=any_rabbitmq.metrics_uri)


@pytest.mark.parametrize("release", ["4"])
async def test_single_reads_go_on_where_the_release_has_them(any_vhost: Vhost) -> None:
    await _read_past_it(any_vhost, metrics_uri="")


async def _read_past_it(vhost: Vhost, *, metrics_uri: str) -> None:
    vhost.declare("orders")
    vhost.declare("stuck")
    async with slow_lane(vhost, "orders", "stuck", metrics_uri=metrics_uri, patterns=True) as lane:
        await lane.until_read("orders")
        async with stuck(vhost, "stuck"):
            before = lane.of("orders").answered_at
            await asyncio.to_thread(vhost.publish, "orders", [b"1"])

            await lane.until(lambda: getattr(lane.of("orders"), "ready", 0) == 1)
            assert lane.of("orders").answered_at > before
            assert isinstance(lane.of("stuck"), Unknown) or lane.of("stuck").at <= lane.of("orders").at
            assert frozenset({"orders", "stuck"}) == lane.totals.names()

        await lane.until(lambda: isinstance(lane.of("stuck"), Totals), within=30)
