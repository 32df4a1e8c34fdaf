"""What the operator reads of queues on a real broker, and what it says when it cannot."""

import asyncio

import pytest

from qc_operator.scaling.observation import Depth, Missing, Totals, Unknown
from tests.adapters.operator.conftest import Bench, SecretStore
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost


@pytest.fixture(params=["classic", "quorum"])
def queue(request: pytest.FixtureRequest, any_vhost: Vhost) -> str:
    return any_vhost.declare(f"{request.param}-orders", x_queue_type=request.param)


async def test_ready_messages_are_seen_and_counted_as_arrived(
    any_vhost: Vhost, queue: str, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    feed = reading.open(queue)
    await reading.until(feed, lambda seen: isinstance(seen.depth, Depth))

    # One message: several may be seen in two readings, and count anew when the totals are asked for in between.
    await asyncio.to_thread(any_vhost.publish, queue, [b"1"])
    seen = await reading.until(feed, lambda seen: isinstance(seen.depth, Depth) and seen.depth.ready == 1)

    assert seen.arrived == 1
    assert feed.problem is None


async def test_unacknowledged_messages_come_from_the_management_api(
    any_vhost: Vhost, queue: str, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    any_vhost.publish(queue, [b"1", b"2"])
    feed = reading.open(queue)
    with any_vhost.channel() as channel:
        assert channel.basic_get(queue)[2] == b"1"

        seen = await reading.until(feed, lambda seen: isinstance(seen.totals, Totals) and seen.totals.unacknowledged)

    assert (1, 1) == (seen.totals.ready, seen.totals.unacknowledged)


async def test_a_missing_queue_is_missing_and_read_once_it_is_declared(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    feed = reading.open("later")

    seen = await reading.until(feed, lambda seen: not isinstance(seen.depth, Unknown))
    assert isinstance(seen.depth, Missing)

    await asyncio.to_thread(any_vhost.declare, "later")
    await reading.until(feed, lambda seen: isinstance(seen.depth, Depth))


async def test_connections_and_questions_to_a_broker_are_told_of(
    any_vhost: Vhost, queue: str, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    secrets.put(any_vhost, secret="nobody", port="1")  # where nobody listens
    feed, lost = reading.open(queue, "later"), reading.open(queue, secret="nobody")
    await reading.until(feed, lambda seen: isinstance(seen.depth, Depth) and isinstance(seen.totals, Totals))
    await reading.until(lost, lambda seen: getattr(seen.depth, "cause", "") == "BrokerUnreachable")

    broker = f"{any_vhost.host}:{any_vhost.port}"
    assert (broker, f"{any_vhost.host}:1") == (feed.broker, lost.broker)
    assert {(broker, True), (lost.broker, False)} == set(reading.feeds.connections())
    # That there is no such queue is an answer.
    assert {("declare", True), ("totals", True)} == set(reading.asked)
    lost.close()
    assert ([(broker, True)], "") == ([*reading.feeds.connections()], lost.broker)


async def test_a_missing_queue_does_not_hold_up_the_others(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    any_vhost.declare("there")
    missing, there = reading.open("missing"), reading.open("there")
    await reading.until(missing, lambda seen: isinstance(seen.depth, Missing))

    before = (await reading.until(there, lambda seen: isinstance(seen.depth, Depth))).depth.at
    await reading.until(there, lambda seen: seen.depth.at > before + 1.0)


async def test_a_wrong_password_is_told_without_the_password_and_heals_when_the_secret_is_mended(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore, caplog: pytest.LogCaptureFixture
) -> None:
    any_vhost.declare("orders")
    secrets.put(any_vhost, password="not-the-password")
    feed = reading.open("orders")
    await reading.until(feed, lambda _: feed.problem is not None)

    assert "AuthenticationFailed" == feed.problem.reason
    assert any_vhost.username in feed.problem.message
    assert "not-the-password" not in feed.problem.message + caplog.text

    secrets.put(any_vhost)
    await reading.until(feed, lambda seen: isinstance(seen.depth, Depth))
    assert feed.problem is None


async def test_a_missing_secret_is_told_and_heals_when_it_is_created(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qc_operator.brokers.secret_watch.UNREADABLE_INTERVAL", 0.2)
    any_vhost.declare("orders")
    feed = reading.open("orders")
    await reading.until(feed, lambda _: feed.problem is not None)
    assert "SecretNotFound" == feed.problem.reason

    secrets.put(any_vhost)
    await reading.until(feed, lambda seen: isinstance(seen.depth, Depth))


async def test_a_vhost_that_does_not_exist_is_told(any_vhost: Vhost, reading: Bench, secrets: SecretStore) -> None:
    secrets.put(any_vhost)
    feed = reading.open("orders", vhost="nowhere")

    await reading.until(feed, lambda _: feed.problem is not None)

    assert "VhostNotFound" == feed.problem.reason


async def test_without_a_management_api_the_depth_is_read_all_the_same(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    any_vhost.declare("orders")
    secrets.put(any_vhost, management_uri="http://127.0.0.1:1")
    feed = reading.open("orders")

    seen = await reading.until(
        feed, lambda seen: isinstance(seen.depth, Depth) and getattr(seen.totals, "cause", "") != "NotReadYet"
    )

    assert "ManagementUnreachable" == seen.totals.cause


async def test_a_user_without_the_management_tag_is_told_so(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore, any_rabbitmq: RabbitMQNode
) -> None:
    any_vhost.declare("orders")
    any_rabbitmq.api("PUT", f"/api/users/{any_vhost.username}", {"password": any_vhost.password, "tags": ""})
    secrets.put(any_vhost)
    feed = reading.open("orders")

    seen = await reading.until(
        feed, lambda seen: isinstance(seen.totals, Unknown) and seen.totals.cause != "NotReadYet"
    )

    assert "ManagementRefused" == seen.totals.cause
    assert "management" in seen.totals.message
