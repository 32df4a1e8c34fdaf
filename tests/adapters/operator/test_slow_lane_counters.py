"""Counters for targets that need rates, from a real broker."""

import asyncio
from typing import Any

import pytest

from tests.adapters.operator.lane import Lane, slow_lane
from tests.adapters.operator.recording_proxy import RecordingProxy
from tests.rabbitmq_node import RabbitMQNode, until
from tests.rabbitmq_vhost import Vhost


def work(vhost: Vhost, *, published: int, acknowledged: int) -> None:
    """Publish and acknowledge on one connection, and stay until the broker has counted it."""
    before = shown(vhost)
    with vhost.channel() as channel:
        channel.confirm_delivery()
        for _ in range(published):
            channel.basic_publish("", "orders", b"x")
        for _ in range(acknowledged):
            channel.basic_ack(channel.basic_get("orders")[0].delivery_tag)
        # Statistics are sent every second, and what a channel did in its last moments is lost with it.
        done = {"publish": before["publish"] + published, "ack": before["ack"] + acknowledged}
        until(lambda: shown(vhost) == done, within=20, every=0.2, what="the broker to have counted what was done")


def again(delivery: Any) -> bool:
    """Whether there was a message, and not for the first time."""
    return delivery is not None and delivery.redelivered


def give_back(vhost: Vhost) -> None:
    """Take a message, give it back and take it once more; a quorum queue may have another one before it."""
    with vhost.channel() as channel:
        channel.basic_nack(channel.basic_get("orders")[0].delivery_tag, requeue=True)
        until(lambda: again(channel.basic_get("orders")[0]), within=5, every=0.1, what="the message to be back")
        path = f"/api/queues/{vhost.vhost.replace('/', '%2F')}/orders"
        until(
            lambda: vhost.node.api("GET", path).get("message_stats", {}).get("redeliver"),
            within=20, every=0.2, what="the broker to have counted it",
        )  # fmt: skip


def shown(vhost: Vhost) -> dict[str, int]:
    """The broker's own counters of the queue."""
    path = f"/api/queues/{vhost.vhost.replace('/', '%2F')}/orders"
    statistics = vhost.node.api("GET", path).get("message_stats", {})
    return {counter: statistics.get(counter, 0) for counter in ("publish", "ack")}


def counted(lane: Lane) -> tuple[int, int, int] | None:
    """Published, acknowledged and delivered, as the lane has them."""
    counters = lane.totals.counters("orders")
    return (counters.published, counters.acknowledged, counters.delivered) if counters else None


@pytest.mark.parametrize("type_", ["classic", "quorum"])
async def test_counters_grow_with_what_is_published_and_acknowledged(any_vhost: Vhost, type_: str) -> None:
    any_vhost.declare("orders", x_queue_type=type_)
    async with slow_lane(any_vhost, "orders", rated=["orders"]) as lane:
        await lane.until(lambda: lane.totals.counters("orders"))
        await asyncio.to_thread(work, any_vhost, published=5, acknowledged=3)
        # Each counter has a way and a time of its own through the broker's statistics.
        await lane.until(lambda: counted(lane) == (5, 3, 3))
        await asyncio.to_thread(give_back, any_vhost)
        await lane.until(lambda: (counters := lane.totals.counters("orders")) and counters.redelivered == 1)
        assert counted(lane) in {(5, 3, 5), (5, 3, 6)}


async def test_counters_are_asked_for_only_where_they_are_needed(any_vhost: Vhost) -> None:
    for queue in ("orders", "bills", "mails"):
        any_vhost.declare(queue)
    async with (
        RecordingProxy(upstream=any_vhost.management_uri).serve() as proxy,
        slow_lane(any_vhost, "orders", "bills", management_uri=proxy.uri) as lane,
    ):
        await lane.until_read("orders")
        await lane.turns(2)
        assert not any("message_stats" in asked for asked in proxy.asked)
        assert lane.totals.counters("orders") is None

        lane.wish.with_counters = ["orders"]
        await lane.until(lambda: lane.totals.counters("orders"))
        assert lane.totals.counters("bills") is None

        lane.wish.with_counters = []
        await lane.until(lambda: lane.totals.counters("orders") is None)


async def test_few_of_many_are_asked_for_by_themselves_and_many_together(any_vhost: Vhost) -> None:
    queues = [any_vhost.declare(f"orders-{number:02}") for number in range(30)]
    async with (
        RecordingProxy(upstream=any_vhost.management_uri).serve() as proxy,
        slow_lane(any_vhost, *queues, rated=queues[:2], management_uri=proxy.uri) as lane,
    ):
        await lane.until(lambda: lane.totals.counters(queues[1]))
        lane.wish.with_counters = queues
        await lane.until(lambda: lane.totals.counters(queues[-1]))
        await lane.turns(2)
        asked = [path.partition("?")[0] for path in proxy.asked if "message_stats" in path]

    assert any(path.endswith("/orders-00") for path in asked)
    assert not any(path.endswith("/orders-29") for path in asked)


async def test_a_restart_of_the_broker_takes_nothing_back(own_any_vhost: Vhost, own_any_rabbitmq: RabbitMQNode) -> None:
    own_any_vhost.declare("orders")
    async with slow_lane(own_any_vhost, "orders", rated=["orders"]) as lane:
        await lane.until(lambda: lane.totals.counters("orders"))
        await asyncio.to_thread(work, own_any_vhost, published=5, acknowledged=5)
        await lane.until(lambda: counted(lane) == (5, 5, 5))

        await asyncio.to_thread(own_any_rabbitmq.stop)
        own_any_rabbitmq.start(wait=False)  # not in a worker thread: the node ends with the thread that started it
        await asyncio.to_thread(own_any_rabbitmq.wait_until_up)
        await lane.until(lambda: lane.answers[-1])
        await asyncio.to_thread(work, own_any_vhost, published=2, acknowledged=1)
        await lane.until(lambda: counted(lane) == (7, 6, 6))
