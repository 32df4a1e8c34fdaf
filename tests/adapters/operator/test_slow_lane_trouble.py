"""What the slow lane says when the management API is off, shut, slow or wrong, and that it heals by itself."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from qc_operator.scaling.observation import Totals, Unavailable, Unknown
from qc_operator.scaling.readings import NOT_READ_YET
from tests.adapters.operator.lane import QUICK, slow_lane
from tests.adapters.operator.recording_proxy import RecordingProxy
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost

Record = Callable[[str, object], None]
"""Puts a figure into the report of the run."""


async def test_a_wrong_password_is_told_and_has_the_secret_read_again(
    any_vhost: Vhost, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    any_vhost.declare("orders")
    async with slow_lane(any_vhost, "orders", password="not-the-password") as lane:
        message = await lane.until_unknown("orders", "ManagementRefused")

    assert lane.refusals
    assert any_vhost.username in message
    assert "not-the-password" not in message + caplog.text


async def test_a_user_without_the_tag_is_told_so_and_heals_when_it_has_it(
    any_vhost: Vhost, any_rabbitmq: RabbitMQNode
) -> None:
    any_vhost.declare("orders")
    user = f"/api/users/{any_vhost.username}"
    any_rabbitmq.api("PUT", user, {"password": any_vhost.password, "tags": ""})
    async with slow_lane(any_vhost, "orders") as lane:
        message = await lane.until_unknown("orders", "ManagementRefused")
        assert "tag `management`" in message
        assert "Not management user" in message

        await asyncio.to_thread(any_rabbitmq.api, "PUT", user, {"password": any_vhost.password, "tags": "management"})
        await lane.until_read("orders")


async def test_a_user_without_permissions_in_the_vhost_is_told_so(any_vhost: Vhost, any_rabbitmq: RabbitMQNode) -> None:
    any_vhost.declare("orders")
    vhost = any_vhost.vhost.replace("/", "%2F")
    async with slow_lane(any_vhost, "orders") as lane:
        await lane.until_read("orders")
        await asyncio.to_thread(any_rabbitmq.api, "DELETE", f"/api/permissions/{vhost}/{any_vhost.username}")
        await lane.until(lambda: isinstance(lane.of("orders"), Unknown))

        # 401 from 3.10, and 404 from 4.3.
        assert lane.of("orders").cause in {"ManagementRefused", "ManagementFailed"}
        assert "permission" in lane.of("orders").message
        assert any_vhost.vhost in lane.of("orders").message


async def test_a_vhost_that_is_deleted_is_told(any_vhost: Vhost, any_rabbitmq: RabbitMQNode) -> None:
    any_vhost.declare("orders")
    async with slow_lane(any_vhost, "orders", username=any_rabbitmq.username, password=any_rabbitmq.password) as lane:
        await lane.until_read("orders")
        await asyncio.to_thread(any_rabbitmq.drop_vhost, any_vhost)
        message = await lane.until_unknown("orders", "ManagementFailed")

    assert f"vhost {any_vhost.vhost} does not exist" in message


async def test_a_username_with_a_colon_is_told_to_be_impossible(any_vhost: Vhost) -> None:
    async with slow_lane(any_vhost, "orders", username="a:b") as lane:
        assert "colon" in await lane.until_unknown("orders", "ManagementRefused")


async def test_an_api_that_nobody_named_and_nobody_serves_is_no_failure(any_vhost: Vhost) -> None:
    # The host's own address at the usual port: nothing listens there.
    async with slow_lane(any_vhost, "orders", host="127.0.0.9", management_uri="", patterns=True) as lane:
        assert NOT_READ_YET == lane.of("orders").cause
        await lane.until(lambda: isinstance(lane.of("orders"), Unavailable))

        assert "connection refused" in lane.of("orders").message
        assert isinstance(lane.totals.names(), Unavailable)


async def test_an_api_that_was_named_is_a_failure_when_nobody_serves_it(any_vhost: Vhost) -> None:
    async with slow_lane(any_vhost, "orders", management_uri="http://127.0.0.9:15672") as lane:
        assert "rabbitmq_management" in await lane.until_unknown("orders", "ManagementUnreachable")


async def test_a_plugin_that_is_switched_off_is_told_and_read_again_when_it_is_on(
    own_any_vhost: Vhost, own_any_rabbitmq: RabbitMQNode, record_property: Record
) -> None:
    own_any_vhost.declare("orders")
    async with slow_lane(own_any_vhost, "orders") as lane:
        await lane.until_read("orders")

        await asyncio.to_thread(own_any_rabbitmq.disable_plugin, "rabbitmq_management")
        assert "is the plugin rabbitmq_management on?" in await lane.until_unknown("orders", "ManagementUnreachable")

        await asyncio.to_thread(own_any_rabbitmq.enable_plugin, "rabbitmq_management")
        healed = await lane.until(lambda: isinstance(lane.of("orders"), Totals))
        record_property("healed_after", healed)


async def test_a_frozen_broker_is_unknown_after_a_few_tries_and_read_again_when_it_goes_on(
    own_any_vhost: Vhost, own_any_rabbitmq: RabbitMQNode, record_property: Record
) -> None:
    own_any_vhost.declare("orders")
    own_any_vhost.publish("orders", [b"1"])
    async with slow_lane(own_any_vhost, "orders") as lane:
        await lane.until_read("orders")

        own_any_rabbitmq.pause()
        message = await lane.until_unknown("orders", "ManagementUnreachable")
        assert "no answer within 1 s" in message

        own_any_rabbitmq.resume()
        healed = await lane.until(lambda: isinstance(lane.of("orders"), Totals))
        record_property("healed_after", healed)
        assert 1 == lane.of("orders").ready


async def test_one_failure_is_no_reason_to_forget(any_vhost: Vhost) -> None:
    any_vhost.declare("orders")
    async with (
        RecordingProxy(upstream=any_vhost.management_uri).serve() as proxy,
        slow_lane(any_vhost, "orders", management_uri=proxy.uri) as lane,
    ):
        before = await lane.until_read("orders")
        proxy.intercept = web.Response(status=500)
        await lane.until(lambda: lane.answers[-1] is False)
        proxy.intercept = None

        assert isinstance(lane.of("orders"), Totals)
        assert before.at <= lane.of("orders").at
        await lane.until(lambda: lane.answers[-1])


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_pause_that_is_asked_for_is_granted(any_vhost: Vhost, status: int, form: str) -> None:
    any_vhost.declare("orders")
    asked_for = {"seconds": "2", "date": format_datetime(datetime.now(UTC) + timedelta(seconds=4), usegmt=True)}
    settings = replace(QUICK, retry_most=5.0)
    async with (
        RecordingProxy(upstream=any_vhost.management_uri).serve() as proxy,
        slow_lane(any_vhost, "orders", management_uri=proxy.uri, settings=settings) as lane,
    ):
        await lane.until_read("orders")
        proxy.intercept = web.Response(status=status, headers={"Retry-After": asked_for[form]})
        await lane.until(lambda: lane.answers[-1] is False)
        asked = len(proxy.asked)
        proxy.intercept = None
        healed = await lane.until(lambda: lane.answers[-1])

        # Also by those of its requests that the totals do not hang on.
        assert asked + 2 >= len(proxy.asked)
    assert 1.5 <= healed <= 5.5


@pytest.mark.parametrize("body", [b"<html>", b"null", b"[1]", b"{}", b'[{"name": 3}]', b""])
async def test_what_is_not_a_list_of_queues_is_a_failure(any_vhost: Vhost, body: bytes) -> None:
    async with (
        RecordingProxy(upstream=any_vhost.management_uri).serve() as proxy,
        slow_lane(any_vhost, "orders", management_uri=proxy.uri) as lane,
    ):
        proxy.intercept = web.Response(body=body)
        assert "something else" in await lane.until_unknown("orders", "ManagementFailed")


async def test_a_redirect_does_not_take_the_login_elsewhere(any_vhost: Vhost) -> None:
    async with (
        RecordingProxy(upstream=any_vhost.management_uri).serve() as proxy,
        RecordingProxy(upstream=any_vhost.management_uri).serve(host="127.0.0.2") as elsewhere,
        slow_lane(any_vhost, "orders", management_uri=proxy.uri) as lane,
    ):
        proxy.intercept = web.Response(status=307, headers={"Location": elsewhere.uri})
        assert "HTTP status 307" in await lane.until_unknown("orders", "ManagementFailed")
        assert not elsewhere.asked


async def test_an_alarm_is_seen_and_seen_to_end(own_any_vhost: Vhost, own_any_rabbitmq: RabbitMQNode) -> None:
    own_any_vhost.declare("orders")
    async with slow_lane(own_any_vhost, "orders") as lane:
        await lane.until_read("orders")
        assert not lane.totals.alarmed

        await asyncio.to_thread(own_any_rabbitmq.set_memory_alarm, True)  # noqa: FBT003 - reads well
        await lane.until(lambda: lane.totals.alarmed)
        await lane.turns(2)
        assert isinstance(lane.of("orders"), Totals)

        await asyncio.to_thread(own_any_rabbitmq.set_memory_alarm, False)  # noqa: FBT003
        await lane.until(lambda: not lane.totals.alarmed)


async def test_a_proxy_that_is_overloaded_is_not_taken_for_an_alarm(any_vhost: Vhost) -> None:
    any_vhost.declare("orders")
    async with (
        RecordingProxy(upstream=any_vhost.management_uri).serve() as proxy,
        slow_lane(any_vhost, "orders", management_uri=proxy.uri) as lane,
    ):
        proxy.intercept = web.Response(status=503, body=b"upstream connect error")
        await lane.until(lambda: isinstance(lane.of("orders"), Unknown) and lane.of("orders").cause != NOT_READ_YET)

        assert not lane.totals.alarmed


async def test_a_mistake_of_ours_does_not_end_the_lane(
    any_vhost: Vhost, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    any_vhost.declare("orders")
    async with slow_lane(any_vhost, "orders") as lane:
        await lane.until_read("orders")
        with monkeypatch.context() as broken:
            broken.setattr("qc_operator.brokers.totals_sources.listed", None)
            await lane.until_unknown("orders", "ReaderFailed")
        await lane.until_read("orders")

    assert "the totals were not read" in caplog.text


async def test_totals_go_on_where_the_broker_keeps_no_statistics(release: str) -> None:
    node = RabbitMQNode(release=release, settings=["management_agent.disable_metrics_collector = true"])
    try:
        node.start()
        with node.vhost() as vhost:
            vhost.declare("orders")
            vhost.publish("orders", [b"1", b"2"])
            async with slow_lane(vhost, "orders", rated=["orders"]) as lane:
                await lane.until_read("orders")
                await lane.turns(3)

                assert (2, 0) == (lane.of("orders").ready, lane.of("orders").unacknowledged)
                assert lane.totals.counters("orders") is None
    finally:
        node.close()
