"""What the slow lane reads of queues on a real broker, and how often it asks."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from qc_operator.scaling.observation import LEFT_OUT, QueueFacts
from tests.adapters.operator.lane import slow_lane
from tests.adapters.operator.recording_proxy import RecordingProxy
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost

FEW = 4
QUEUES = 120
"""So many in the vhost that four are cheaper to read by themselves."""


@pytest.fixture
async def proxy(any_vhost: Vhost) -> AsyncIterator[RecordingProxy]:
    async with RecordingProxy(upstream=any_vhost.management_uri).serve() as serving:
        yield serving


@pytest.mark.parametrize("type_", ["classic", "quorum"])
async def test_ready_and_unacknowledged_are_read_together(any_vhost: Vhost, type_: str) -> None:
    any_vhost.declare("orders", x_queue_type=type_)
    any_vhost.publish("orders", [b"1", b"2", b"3"])
    with any_vhost.channel() as channel:
        channel.basic_get("orders")
        async with slow_lane(any_vhost, "orders") as lane:
            await lane.until_read("orders")
            await lane.until(lambda: lane.of("orders").unacknowledged)

            assert (2, 1) == (lane.of("orders").ready, lane.of("orders").unacknowledged)
            assert lane.of("orders").at <= lane.of("orders").answered_at


async def test_one_request_per_turn_whatever_the_number_of_queues(any_vhost: Vhost, proxy: RecordingProxy) -> None:
    queues = [any_vhost.declare(f"orders-{number}") for number in range(20)]
    async with slow_lane(any_vhost, *queues, management_uri=proxy.uri) as lane:
        await lane.until_read(queues[-1])
        proxy.asked.clear()
        await lane.turns(4)
        lists = [path for path in proxy.asked if path.startswith("/api/queues")]

        assert {"/api/queues/" + any_vhost.vhost.replace("/", "%2F"), "/api/health/checks/alarms"} == set(proxy.paths())
        assert 4 <= len(lists) <= 5
        assert not any("arguments" in path for path in lists)


async def test_a_list_in_pages_is_followed_to_its_end(any_vhost: Vhost, proxy: RecordingProxy) -> None:
    queues = [any_vhost.declare(f"orders-{number:03}") for number in range(120)]
    proxy.add_to_query = "&page=1"
    async with slow_lane(any_vhost, *queues, management_uri=proxy.uri, patterns=True) as lane:
        await lane.until_read("orders-119")

        assert frozenset(queues) == lane.totals.names()
    assert any("page=2" in path for path in proxy.asked)


async def test_few_queues_of_many_are_read_by_themselves_where_the_release_can(
    any_vhost: Vhost, any_rabbitmq: RabbitMQNode, proxy: RecordingProxy
) -> None:
    queues = [any_vhost.declare(f"orders-{number:03}") for number in range(QUEUES)]
    any_vhost.publish(queues[0], [b"1", b"2"])
    async with slow_lane(any_vhost, *queues[:FEW], "missing", management_uri=proxy.uri) as lane:
        await lane.until_read(queues[0])
        await lane.turns(3)
        proxy.asked.clear()
        await lane.turns(3)
        lists = [path for path in proxy.paths() if path.count("/") == 3]

        assert (2, 0) == (lane.of(queues[0]).ready, lane.of(queues[0]).unacknowledged)
        assert LEFT_OUT == lane.of("missing").cause
        if any_rabbitmq.release.version >= (3, 13, 1):
            assert not lists
        else:
            assert lists
            assert not any(queues[0] in path for path in proxy.asked)

        lane.wish.patterns = True
        await lane.until(lambda: frozenset(queues) == lane.totals.names())


async def test_a_queue_that_is_not_in_the_list_is_unknown_not_empty(any_vhost: Vhost) -> None:
    any_vhost.declare("orders")
    async with slow_lane(any_vhost, "orders", "missing") as lane:
        await lane.until_read("orders")

    assert LEFT_OUT == lane.of("missing").cause


async def test_a_vhost_without_queues_is_unknown_not_empty(any_vhost: Vhost) -> None:
    async with slow_lane(any_vhost, "orders", patterns=True) as lane:
        message = await lane.until_unknown("orders", "EmptyList")
        assert "permission" in message
        assert "EmptyList" == lane.totals.names().cause

        await asyncio.to_thread(any_vhost.declare, "orders")
        await lane.until_read("orders")
        assert frozenset({"orders"}) == lane.totals.names()


async def test_what_a_queue_is(any_vhost: Vhost) -> None:
    any_vhost.declare("classic")
    any_vhost.declare("quorum", x_queue_type="quorum", x_single_active_consumer=True)
    any_vhost.declare("stream", x_queue_type="stream")
    async with slow_lane(any_vhost, "classic", "quorum", "stream") as lane:
        await lane.until_read("quorum")

        assert QueueFacts(type="classic", single_active_consumer=False, state="running") == lane.totals.facts("classic")
        assert QueueFacts(type="quorum", single_active_consumer=True, state="running") == lane.totals.facts("quorum")
        assert "stream" == lane.totals.facts("stream").type
        assert LEFT_OUT == lane.of("stream").cause


async def test_a_queue_that_comes_later_is_known_for_what_it_is(any_vhost: Vhost, proxy: RecordingProxy) -> None:
    any_vhost.declare("other")
    async with slow_lane(any_vhost, "orders", "other", management_uri=proxy.uri) as lane:
        await lane.until_read("other")
        await asyncio.to_thread(any_vhost.declare, "orders", x_single_active_consumer=True)
        await lane.until(lambda: (facts := lane.totals.facts("orders")) and facts.single_active_consumer)


async def test_two_vhosts_ask_for_alarms_once(any_rabbitmq: RabbitMQNode, proxy: RecordingProxy) -> None:
    with any_rabbitmq.vhost() as one, any_rabbitmq.vhost() as other:
        one.declare("orders")
        other.declare("orders")
        async with slow_lane(one, "orders", management_uri=proxy.uri) as first:
            await first.until_read("orders")
            async with slow_lane(other, "orders", management_uri=proxy.uri, alarms=first.alarms) as second:
                await second.until_read("orders")
                proxy.asked.clear()
                await first.turns(6)

    assert proxy.paths().count("/api/health/checks/alarms") <= 8
    assert len(proxy.paths()) >= 16
