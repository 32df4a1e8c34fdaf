"""A broker with TLS whose certificate expires, and that keeps no statistics."""

import asyncio
from collections.abc import Iterator

import pytest

from qc_operator.brokers import QueueSource
from qc_operator.scaling.observation import Totals
from tests.adapters.operator.conftest import Bench, SecretStore, filled, started
from tests.adapters.operator.keeper import REPLICAS, Keeper
from tests.certificates import Authority, ServerTls
from tests.rabbitmq_fleet import RELEASES
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost

AUTHORITY = Authority()


@pytest.fixture(scope="module", params=RELEASES)
def broker(request: pytest.FixtureRequest) -> Iterator[RabbitMQNode]:
    node = RabbitMQNode(
        release=request.param,
        settings=("management_agent.disable_metrics_collector = true",),
        tls=ServerTls(authority=AUTHORITY, certificate=AUTHORITY.server(), management=True),
    )
    with started(node):
        yield node


@pytest.fixture
async def keeper(place: Vhost, reading: Bench, secrets: SecretStore) -> Keeper:
    others = {"ca.crt": AUTHORITY.certificate, "management_uri": place.node.management_tls_uri}
    secrets.put(place, port=str(place.node.amqps_port), **others)
    filled(place)
    keeper = reading.keep_source(QueueSource(name="orders", rated=True))
    await keeper.reads()
    return keeper


async def test_an_expired_certificate_is_told_when_the_connection_is_made_anew(
    keeper: Keeper, broker: RabbitMQNode, place: Vhost
) -> None:
    await asyncio.to_thread(broker.show_certificate, AUTHORITY.server(expired=True))
    # It does no harm to the connection that is there.
    await keeper.reads()
    await asyncio.to_thread(place.cut_connections)
    lost = await keeper.loses("CertificateInvalid")
    assert "expired" in lost.message
    assert "CertificateInvalid" == keeper.feed.problem.reason

    await asyncio.to_thread(broker.show_certificate, AUTHORITY.server())
    await keeper.heals(after="the broker shows a good certificate")

    assert keeper.held()


async def test_a_certificate_of_another_authority_is_told_until_the_secret_knows_it(
    keeper: Keeper, place: Vhost, secrets: SecretStore
) -> None:
    good = dict(secrets.values["broker"])
    secrets.values["broker"] = good | {"ca.crt": Authority().certificate}
    lost = await keeper.loses("CertificateInvalid")
    assert "ca.crt" in lost.message
    assert place.password not in lost.message

    secrets.values["broker"] = good
    await keeper.heals(after="the Secret has the right ca.crt")

    assert keeper.held()


async def test_without_statistics_there_are_totals_and_no_counters(keeper: Keeper, place: Vhost) -> None:
    with place.channel() as channel:
        channel.basic_get("orders")
        seen = await keeper.until(lambda seen: isinstance(seen.totals, Totals) and seen.totals.unacknowledged == 1)
        assert REPLICAS - 1 == seen.totals.ready
    assert keeper.seen.counters is None
    assert keeper.held()
