"""A network between the operator and the broker that delays, swallows, resets or refuses."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from qc_operator.scaling.observation import Depth, Totals, Unknown
from tests.adapters.operator.conftest import Bench, SecretStore, filled
from tests.adapters.operator.keeper import REPLICAS, Keeper
from tests.rabbitmq_vhost import Vhost
from tests.toxiproxy import Proxy, Toxiproxy


@pytest.fixture
def amqp(request: pytest.FixtureRequest, toxiproxy: Toxiproxy, any_vhost: Vhost) -> Iterator[Proxy]:
    """The way that AMQP goes; a test may ask for one that ends its connections by a TCP reset."""
    proxy = toxiproxy.proxy(any_vhost.host, any_vhost.port, abrupt=getattr(request, "param", False))
    yield proxy
    proxy.close()


@pytest.fixture
def http(toxiproxy: Toxiproxy, any_vhost: Vhost) -> Iterator[Proxy]:
    """The way that the management API is asked."""
    proxy = toxiproxy.proxy(any_vhost.host, int(any_vhost.management_uri.rpartition(":")[2]))
    yield proxy
    proxy.close()


@pytest.fixture
async def keeper(
    amqp: Proxy, http: Proxy, any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> AsyncIterator[Keeper]:
    secrets.put(any_vhost, host=amqp.host, port=str(amqp.port), management_uri=f"http://{http.host}:{http.port}")
    keeper = reading.keep(filled(any_vhost))
    await keeper.reads()
    yield keeper
    assert keeper.held()
    # A connection that nobody answers would be waited for at the end.
    await asyncio.to_thread(amqp.heal)


async def test_latency_delays_readings_and_loses_none(keeper: Keeper, amqp: Proxy, any_vhost: Vhost) -> None:
    await asyncio.to_thread(amqp.latency, 300)
    await asyncio.to_thread(any_vhost.publish, "orders", [b"more"])
    await keeper.heals(REPLICAS + 1, after="a message at 300 ms of latency")
    assert keeper.feed.problem is None


async def test_a_connection_can_be_made_over_a_slow_network(keeper: Keeper, amqp: Proxy) -> None:
    await asyncio.to_thread(amqp.latency, 300)
    await asyncio.to_thread(amqp.drop)
    await keeper.loses("BrokerUnreachable")
    await keeper.heals(after="a dropped connection at 300 ms of latency")


async def test_a_blackhole_is_noticed_by_the_declares(keeper: Keeper, amqp: Proxy) -> None:
    await asyncio.to_thread(amqp.blackhole)
    await keeper.loses("DeclareTimeout")
    await keeper.loses("BrokerUnreachable")
    await asyncio.to_thread(amqp.heal)
    await keeper.heals(after="a blackhole")


@pytest.mark.parametrize("trouble", ["reset_peer", "cut"])
async def test_a_connection_that_ends_is_unreachable(trouble: str, keeper: Keeper, amqp: Proxy) -> None:
    await asyncio.to_thread(getattr(amqp, trouble))
    lost = await keeper.loses("BrokerUnreachable")
    assert "cannot be reached" in lost.message
    # The management API goes another way and still answers: its totals alone let nothing go either.
    await keeper.until(lambda seen: isinstance(seen.totals, Totals) and seen.totals.at > lost.at)
    await asyncio.to_thread(amqp.heal)
    await keeper.heals(after=trouble)


@pytest.mark.parametrize("amqp", [True], ids=["abrupt"], indirect=True)
async def test_a_connection_that_is_reset_is_made_again(keeper: Keeper, amqp: Proxy) -> None:
    await asyncio.to_thread(amqp.drop)
    lost = await keeper.loses("BrokerUnreachable")
    assert "reset" in lost.message
    await keeper.heals(after="a TCP reset")


async def test_a_half_open_connection_is_given_up(keeper: Keeper, amqp: Proxy, any_vhost: Vhost) -> None:
    await asyncio.to_thread(amqp.stall)
    # The broker ends the connection; the word of it is held up, so that only the operator's end still stands.
    await asyncio.to_thread(any_vhost.cut_connections)
    await keeper.loses("BrokerUnreachable")
    await asyncio.to_thread(amqp.heal)
    await keeper.heals(after="a half-open connection")


@pytest.mark.parametrize("trouble", ["blackhole", "reset_peer", "cut"])
async def test_without_the_management_api_the_depth_is_known_and_holds(
    trouble: str, keeper: Keeper, http: Proxy, any_vhost: Vhost
) -> None:
    await asyncio.to_thread(getattr(http, trouble))
    lost = await keeper.until(lambda seen: isinstance(seen.totals, Unknown))
    assert "ManagementUnreachable" == lost.totals.cause
    # Nobody knows what consumers hold.
    await asyncio.to_thread(any_vhost.drain, "orders")
    await keeper.until(lambda seen: isinstance(seen.depth, Depth) and seen.depth.ready == 0)
    await asyncio.to_thread(any_vhost.publish, "orders", [b"work"] * REPLICAS)
    await asyncio.to_thread(http.heal)
    await keeper.heals(after=f"{trouble} on the way to the management API")
