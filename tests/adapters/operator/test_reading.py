"""What the operator reads of queues on a real broker, and what it says when it cannot."""

import asyncio
from typing import Any

import pytest

from qc_operator.scaling.observation import Depth, Missing, Totals, Unknown
from tests.adapters.operator.conftest import Bench, SecretStore
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost


async def connections(rabbitmq: RabbitMQNode, vhost: Vhost) -> list[dict[str, Any]]:
    """The connections to a vhost that the broker's statistics know of."""
    known = await asyncio.to_thread(rabbitmq.api, "GET", "/api/connections")
    return [connection for connection in known if connection.get("vhost") == vhost.vhost]


@pytest.fixture(params=["classic", "quorum"])
def queue(request: pytest.FixtureRequest, vhost: Vhost) -> str:
    return vhost.declare(f"{request.param}-orders", x_queue_type=request.param)


async def test_ready_messages_are_seen_and_counted_as_arrived(
    vhost: Vhost, queue: str, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(vhost)
    feed = reading.open(queue)
    await reading.until(feed, lambda seen: isinstance(seen.depth, Depth))

    # One message: several may be seen in two readings, and count anew when the totals are asked for in between.
    await asyncio.to_thread(vhost.publish, queue, [b"1"])
    seen = await reading.until(feed, lambda seen: isinstance(seen.depth, Depth) and seen.depth.ready == 1)

    assert seen.arrived == 1
    assert feed.problem is None


async def test_unacknowledged_messages_come_from_the_management_api(
    vhost: Vhost, queue: str, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(vhost)
    vhost.publish(queue, [b"1", b"2"])
    feed = reading.open(queue)
    with vhost.channel() as channel:
        assert channel.basic_get(queue)[2] == b"1"

        seen = await reading.until(feed, lambda seen: isinstance(seen.totals, Totals) and seen.totals.unacknowledged)

    assert (1, 1) == (seen.totals.ready, seen.totals.unacknowledged)


async def test_a_missing_queue_is_missing_and_read_once_it_is_declared(
    vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(vhost)
    feed = reading.open("later")

    seen = await reading.until(feed, lambda seen: not isinstance(seen.depth, Unknown))
    assert isinstance(seen.depth, Missing)

    await asyncio.to_thread(vhost.declare, "later")
    await reading.until(feed, lambda seen: isinstance(seen.depth, Depth))


async def test_a_missing_queue_does_not_hold_up_the_others(vhost: Vhost, reading: Bench, secrets: SecretStore) -> None:
    secrets.put(vhost)
    vhost.declare("there")
    missing, there = reading.open("missing"), reading.open("there")
    await reading.until(missing, lambda seen: isinstance(seen.depth, Missing))

    before = (await reading.until(there, lambda seen: isinstance(seen.depth, Depth))).depth.at
    await reading.until(there, lambda seen: seen.depth.at > before + 1.0)


async def test_an_exclusive_queue_of_another_connection_is_unknown_not_empty(
    vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(vhost)
    with vhost.channel() as channel:
        channel.queue_declare("mine", exclusive=True)
        feed = reading.open("mine")

        seen = await reading.until(
            feed, lambda seen: isinstance(seen.depth, Unknown) and seen.depth.cause != "NotReadYet"
        )

    assert "QueueExclusive" == seen.depth.cause


async def test_a_wrong_password_is_told_without_the_password_and_heals_when_the_secret_is_mended(
    vhost: Vhost, reading: Bench, secrets: SecretStore, caplog: pytest.LogCaptureFixture
) -> None:
    vhost.declare("orders")
    secrets.put(vhost, password="not-the-password")
    feed = reading.open("orders")
    await reading.until(feed, lambda _: feed.problem is not None)

    assert "AuthenticationFailed" == feed.problem.reason
    assert vhost.username in feed.problem.message
    assert "not-the-password" not in feed.problem.message + caplog.text

    secrets.put(vhost)
    await reading.until(feed, lambda seen: isinstance(seen.depth, Depth))
    assert feed.problem is None


async def test_a_missing_secret_is_told_and_heals_when_it_is_created(
    vhost: Vhost, reading: Bench, secrets: SecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qc_operator.brokers.secret_watch.UNREADABLE_INTERVAL", 0.2)
    vhost.declare("orders")
    feed = reading.open("orders")
    await reading.until(feed, lambda _: feed.problem is not None)
    assert "SecretNotFound" == feed.problem.reason

    secrets.put(vhost)
    await reading.until(feed, lambda seen: isinstance(seen.depth, Depth))


async def test_a_vhost_that_does_not_exist_is_told(vhost: Vhost, reading: Bench, secrets: SecretStore) -> None:
    secrets.put(vhost)
    feed = reading.open("orders", vhost="nowhere")

    await reading.until(feed, lambda _: feed.problem is not None)

    assert "VhostNotFound" == feed.problem.reason


async def test_one_connection_serves_all_queues_of_a_vhost_and_says_who_it_is(
    vhost: Vhost, reading: Bench, secrets: SecretStore, rabbitmq: RabbitMQNode
) -> None:
    secrets.put(vhost)
    for name in ("a", "b", "c"):
        vhost.declare(name)
    feeds = [reading.open(name) for name in ("a", "b", "c")]
    for feed in feeds:
        await reading.until(feed, lambda seen: isinstance(seen.depth, Depth))

    async with asyncio.timeout(10):
        while not (ours := await connections(rabbitmq, vhost)):  # noqa: ASYNC110 - the broker has no event for it
            await asyncio.sleep(0.1)

    assert ["queueconsumer-operator ns/operator"] == [c["client_properties"]["connection_name"] for c in ours]


async def test_closing_the_last_feed_closes_the_connection(
    vhost: Vhost, reading: Bench, secrets: SecretStore, rabbitmq: RabbitMQNode
) -> None:
    secrets.put(vhost)
    vhost.declare("orders")
    feed = reading.open("orders")
    await reading.until(feed, lambda seen: isinstance(seen.depth, Depth))
    async with asyncio.timeout(10):
        while not await connections(rabbitmq, vhost):  # noqa: ASYNC110 - the broker has no event for it
            await asyncio.sleep(0.1)

    feed.close()
    await reading.feeds.close()

    async with asyncio.timeout(10):
        while await connections(rabbitmq, vhost):  # noqa: ASYNC110 - the broker has no event for it
            await asyncio.sleep(0.1)


async def test_a_broker_that_is_killed_is_unknown_at_once_and_read_again_after_its_restart(
    own_vhost: Vhost, own_rabbitmq: RabbitMQNode, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(own_vhost)
    # Classic: a quorum queue that is killed within half a second of its declaration comes back empty (3.10.8).
    own_vhost.declare("orders")
    own_vhost.publish("orders", [b"1"])
    feed = reading.open("orders")
    await reading.until(feed, lambda seen: isinstance(seen.depth, Depth) and isinstance(seen.totals, Totals))

    await asyncio.to_thread(own_rabbitmq.settle_metadata)
    await asyncio.to_thread(own_rabbitmq.kill)
    seen = await reading.until(feed, lambda seen: isinstance(seen.depth, Unknown), within=10)
    assert "BrokerUnreachable" == seen.depth.cause
    assert own_vhost.password not in seen.depth.message
    await reading.until(feed, lambda seen: isinstance(seen.totals, Unknown), within=15)

    own_rabbitmq.start(wait=False)  # not in a worker thread: the node ends with the thread that started it
    seen = await reading.until(feed, lambda seen: isinstance(seen.depth, Depth) and seen.depth.ready == 1, within=40)


async def test_a_frozen_broker_is_unknown_not_empty(
    own_vhost: Vhost, own_rabbitmq: RabbitMQNode, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(own_vhost)
    own_vhost.declare("orders")
    feed = reading.open("orders")
    await reading.until(feed, lambda seen: isinstance(seen.depth, Depth))

    own_rabbitmq.pause()
    seen = await reading.until(feed, lambda seen: isinstance(seen.depth, Unknown), within=15)
    assert "DeclareTimeout" == seen.depth.cause

    own_rabbitmq.resume()
    await reading.until(feed, lambda seen: isinstance(seen.depth, Depth), within=30)


async def test_without_a_management_api_the_depth_is_read_all_the_same(
    vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    vhost.declare("orders")
    secrets.put(vhost, management_uri="http://127.0.0.1:1")
    feed = reading.open("orders")

    seen = await reading.until(
        feed, lambda seen: isinstance(seen.depth, Depth) and getattr(seen.totals, "cause", "") != "NotReadYet"
    )

    assert "ManagementUnreachable" == seen.totals.cause


async def test_a_user_without_the_management_tag_is_told_so(
    vhost: Vhost, reading: Bench, secrets: SecretStore, rabbitmq: RabbitMQNode
) -> None:
    vhost.declare("orders")
    rabbitmq.api("PUT", f"/api/users/{vhost.username}", {"password": vhost.password, "tags": ""})
    secrets.put(vhost)
    feed = reading.open("orders")

    seen = await reading.until(
        feed, lambda seen: isinstance(seen.totals, Unknown) and seen.totals.cause != "NotReadYet"
    )

    assert "ManagementRefused" == seen.totals.cause
    assert "management" in seen.totals.message
