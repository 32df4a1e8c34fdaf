"""Totals from the metrics of real nodes."""

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from qc_operator.scaling.observation import LEFT_OUT, QueueFacts, Totals, Unknown
from tests.adapters.operator.lane import QUICK, Lane, slow_lane
from tests.adapters.operator.recording_proxy import RecordingProxy
from tests.ports import free_ports
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost

NOBODY = "http://127.0.0.9:15672"

NODES = "nodes.example"


@pytest.fixture
async def proxy(any_rabbitmq: RabbitMQNode) -> AsyncIterator[RecordingProxy]:
    async with RecordingProxy(upstream=any_rabbitmq.metrics_uri).serve() as serving:
        yield serving


@pytest.mark.parametrize("type_", ["classic", "quorum"])
async def test_totals_and_no_names_come_from_the_nodes_where_no_management_api_answers(
    any_vhost: Vhost, any_rabbitmq: RabbitMQNode, type_: str
) -> None:
    any_vhost.declare("orders", x_queue_type=type_)
    any_vhost.declare('we"ird\\name')
    any_vhost.publish("orders", [b"1", b"2", b"3"])
    with any_vhost.channel() as channel:
        channel.basic_get("orders")
        async with slow_lane(
            any_vhost, "orders", "missing", management_uri=NOBODY, metrics_uri=any_rabbitmq.metrics_uri, patterns=True
        ) as lane:
            await lane.until_read("orders")
            await lane.until(lambda: (lane.of("orders").ready, lane.of("orders").unacknowledged) == (2, 1))

            # The nodes leave out queues without a leader, so they are no list for patterns.
            assert isinstance(lane.totals.names(), Unknown)
            assert LEFT_OUT == lane.of("missing").cause
            assert 5.0 <= lane.of("orders").answered_at - lane.of("orders").at <= 6.0
            if any_rabbitmq.release.version >= (4,):
                expected = QueueFacts(type=type_, single_active_consumer=False, state="")
                assert expected == lane.totals.facts("orders")


async def test_metrics_are_read_instead_of_a_long_list(any_vhost: Vhost, proxy: RecordingProxy) -> None:
    settings = replace(QUICK, metrics_above=20)
    queues = [any_vhost.declare(f"orders-{number:02}") for number in range(30)]
    any_vhost.publish(queues[0], [b"1", b"2"])
    async with (
        RecordingProxy(upstream=any_vhost.management_uri).serve() as management,
        slow_lane(any_vhost, *queues, management_uri=management.uri, metrics_uri=proxy.uri, settings=settings) as lane,
    ):
        await lane.until(lambda: len(proxy.asked) > 2)
        management.asked.clear()
        await lane.turns(4)
        await lane.until(lambda: getattr(lane.of(queues[0]), "ready", 0) == 2)

        assert not [path for path in management.paths() if "queues" in path]
        # Who listens to the queue is still known from the list, and asked for again once a minute.
        assert "running" == lane.totals.facts(queues[0]).state
        await lane.until(lambda: [path for path in management.paths() if "queues" in path])


async def test_the_endpoint_may_want_a_login() -> None:
    # 3.10 has no login for metrics.
    node = RabbitMQNode(
        release="4", plugins=["rabbitmq_prometheus"], settings=["prometheus.authentication.enabled = true"]
    )
    try:
        node.start()
        with node.vhost() as vhost:
            vhost.declare("orders")
            node.api("PUT", f"/api/users/{vhost.username}", {"password": vhost.password, "tags": "monitoring"})
            async with slow_lane(vhost, "orders", management_uri=NOBODY, metrics_uri=node.metrics_uri) as lane:
                await lane.until_read("orders")
    finally:
        node.close()


async def test_what_is_not_rabbitmq_is_told(any_vhost: Vhost, any_rabbitmq: RabbitMQNode) -> None:
    async with slow_lane(any_vhost, "orders", management_uri=NOBODY, metrics_uri=any_rabbitmq.management_uri) as lane:
        message = await lane.until_unknown("orders", "MetricsFailed")

    assert any_rabbitmq.management_uri in message


@contextlib.contextmanager
def resolving(monkeypatch: pytest.MonkeyPatch, addresses: list[str]) -> Iterator[None]:
    """Have the name of the nodes resolved to these addresses, as a headless Service's is."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, **other: Any) -> Any:
        if host != NODES:
            return real(host, port, **other)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


@contextlib.asynccontextmanager
async def two_nodes(
    cluster: tuple[RabbitMQNode, RabbitMQNode], vhost: Vhost, addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Lane, list[RecordingProxy]]]:
    """Serve each node's metrics at an address of its own, on one port, and read them as one broker's."""
    port = free_ports(1)[0]
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(resolving(monkeypatch, addresses))
        proxies = [
            await stack.enter_async_context(RecordingProxy(upstream=node.metrics_uri).serve(host=host, port=port))
            for node, host in zip(cluster, ("127.0.0.2", "127.0.0.3"), strict=True)
        ]
        lane = await stack.enter_async_context(
            slow_lane(vhost, "here", "there", management_uri=NOBODY, metrics_uri=f"http://{NODES}:{port}")
        )
        yield lane, proxies


async def test_every_node_is_asked_by_its_address_and_a_lost_one_s_queues_are_unknown(
    any_cluster: tuple[RabbitMQNode, RabbitMQNode], any_cluster_vhost: Vhost, monkeypatch: pytest.MonkeyPatch
) -> None:
    any_cluster_vhost.declare("here")
    any_cluster_vhost.through(any_cluster[1]).declare("there")
    any_cluster_vhost.publish("there", [b"1"])
    addresses = ["127.0.0.2", "127.0.0.3"]
    async with two_nodes(any_cluster, any_cluster_vhost, addresses, monkeypatch) as (lane, proxies):
        await lane.until_read("here")
        await lane.until(lambda: getattr(lane.of("there"), "ready", 0) == 1)
        assert all(proxy.hosts == {urlsplit(f"//{NODES}:{proxy.uri.rsplit(':', 1)[1]}").netloc} for proxy in proxies)

        # Not by freezing the node: with half of its nodes frozen, those of 4.3 that are left answer nothing either.
        proxies[1].intercept = web.Response(status=503)
        await lane.until(lambda: isinstance(lane.of("there"), Unknown))
        assert LEFT_OUT == lane.of("there").cause
        assert "127.0.0.3" in lane.of("there").message
        assert isinstance(lane.of("here"), Totals)

        addresses.remove("127.0.0.3")
        await lane.turns(2)
        assert LEFT_OUT == lane.of("there").cause

        addresses.append("127.0.0.3")
        proxies[1].intercept = None
        await lane.until(lambda: getattr(lane.of("there"), "ready", 0) == 1)
