"""A broker that is reached over several hosts, of which not all are up."""

import asyncio
from collections.abc import Iterator

import pytest

from qc_operator.scaling.observation import Depth
from tests.adapters.operator.conftest import Bench, SecretStore, filled
from tests.adapters.operator.keeper import Keeper
from tests.ports import free_ports
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost
from tests.toxiproxy import Proxy, Toxiproxy


@pytest.fixture
def ways(toxiproxy: Toxiproxy, any_vhost: Vhost) -> Iterator[tuple[Proxy, Proxy]]:
    """Two addresses of one broker."""
    proxies = toxiproxy.proxy(any_vhost.host, any_vhost.port), toxiproxy.proxy(any_vhost.host, any_vhost.port)
    yield proxies
    for proxy in proxies:
        proxy.close()


def hosts(*addresses: tuple[str, int]) -> dict[str, str]:
    return {"host": ",".join(f"{host}:{port}" for host, port in addresses)}


@pytest.fixture
async def keeper(ways: tuple[Proxy, Proxy], any_vhost: Vhost, reading: Bench, secrets: SecretStore) -> Keeper:
    secrets.put(any_vhost, **hosts(*((way.host, way.port) for way in ways)))
    keeper = reading.keep(filled(any_vhost))
    await keeper.reads()
    return keeper


async def test_the_second_host_is_tried_when_the_first_is_down(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    (nobody,) = free_ports(1)
    secrets.put(any_vhost, **hosts((any_vhost.host, nobody), (any_vhost.host, any_vhost.port)))
    keeper = reading.keep(filled(any_vhost))
    await keeper.heals(after="the first of two hosts was down from the start")
    assert keeper.held()


async def test_reading_goes_over_to_the_other_host_and_back(keeper: Keeper, ways: tuple[Proxy, Proxy]) -> None:
    first, second = ways
    await asyncio.to_thread(first.cut)
    await keeper.loses("BrokerUnreachable")
    await keeper.heals(after="the first host was lost")

    await asyncio.to_thread(first.heal)
    await asyncio.to_thread(second.cut)
    await keeper.loses("BrokerUnreachable")
    await keeper.heals(after="the second host was lost")

    assert keeper.held()


async def test_all_hosts_are_tried_until_one_is_back(keeper: Keeper, ways: tuple[Proxy, Proxy]) -> None:
    _, second = ways
    for way in ways:
        await asyncio.to_thread(way.cut)
    lost = await keeper.loses("BrokerUnreachable")
    await keeper.until(lambda seen: seen.depth.at > lost.at + 1.0)
    assert "BrokerUnreachable" == keeper.feed.problem.reason

    await asyncio.to_thread(second.heal)
    await keeper.heals(after="one of two lost hosts is back")

    assert keeper.held()


async def test_reading_goes_over_to_the_other_node_when_its_own_dies(
    any_cluster: tuple[RabbitMQNode, RabbitMQNode], any_cluster_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    first, second = any_cluster
    there = any_cluster_vhost.through(second)
    filled(there)
    addresses = hosts((first.host, first.amqp_port), (second.host, second.amqp_port))
    secrets.put(there, **addresses, management_uri=second.management_uri)
    keeper = reading.keep("orders")
    await keeper.reads()

    await asyncio.to_thread(first.kill)
    await keeper.loses("BrokerUnreachable")
    await keeper.heals(after="the node that was read from died")
    at = keeper.seen.depth.at
    await keeper.until(lambda seen: isinstance(seen.depth, Depth) and seen.depth.at > at)

    assert keeper.held()
