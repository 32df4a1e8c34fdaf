"""A broker that is stopped, killed or frozen: unknown, never empty, and read again by itself."""

import asyncio
import contextlib
import time
from collections.abc import Iterator

import pytest

from qc_operator.brokers.feed import QueueFeed
from qc_operator.scaling.observation import Unknown
from tests.adapters.operator.conftest import Bench, SecretStore, filled
from tests.adapters.operator.keeper import Keeper
from tests.rabbitmq_fleet import RELEASES, Fleet, calm
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost

SHORTER_THAN_A_HEARTBEAT = 2.5
LONGER_THAN_TWO = 30.0
"""Seconds; heartbeats are 10 s apart, and a connection is given up when two of them are missing."""


@pytest.fixture
async def keeper(own_any_vhost: Vhost, reading: Bench) -> Keeper:
    return await reading.kept(own_any_vhost)


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_broker_that_is_away_is_unreachable(how: str, keeper: Keeper, own_any_rabbitmq: RabbitMQNode) -> None:
    await asyncio.to_thread(own_any_rabbitmq.settle_metadata)
    stopped = asyncio.create_task(asyncio.to_thread(getattr(own_any_rabbitmq, how)))
    lost = await keeper.loses("BrokerUnreachable")
    await keeper.until(lambda seen: isinstance(seen.totals, Unknown))
    await stopped
    assert "BrokerUnreachable" == problem(keeper.feed)
    assert "cannot be reached" in lost.message

    own_any_rabbitmq.start(wait=False)  # not in a worker thread: the node ends with the thread that started it
    await keeper.heals(after=f"the start of a node after {how}")

    assert keeper.held()


async def test_a_broker_that_is_frozen_for_a_moment_does_not_answer(
    keeper: Keeper, own_any_rabbitmq: RabbitMQNode
) -> None:
    own_any_rabbitmq.pause()
    thawed_at = time.monotonic() + SHORTER_THAN_A_HEARTBEAT
    await keeper.loses("DeclareTimeout")
    await asyncio.sleep(thawed_at - time.monotonic())
    assert isinstance(keeper.seen.depth, Unknown)

    own_any_rabbitmq.resume()
    await keeper.heals(after=f"{SHORTER_THAN_A_HEARTBEAT} s of SIGSTOP")

    assert keeper.held()


@pytest.fixture
def nodes(fleet: Fleet) -> Iterator[list[RabbitMQNode]]:
    """Those of both releases that a test may break."""
    both = [fleet.node("own", release) for release in RELEASES]
    calm(*both)
    yield both
    calm(*both)


async def test_brokers_that_are_frozen_for_long_are_unreachable(
    nodes: list[RabbitMQNode], reading: Bench, secrets: SecretStore
) -> None:
    """Both at once, as it takes so long."""
    keepers = {}
    with contextlib.ExitStack() as vhosts:
        for node, release in zip(nodes, RELEASES, strict=True):
            vhost = vhosts.enter_context(node.vhost())
            secrets.put(vhost, secret=release)
            keepers[release] = reading.keep(filled(vhost), secret=release)
        for keeper in keepers.values():
            await keeper.reads()

        for node in nodes:
            node.pause()
        thawed_at = time.monotonic() + LONGER_THAN_TWO
        for keeper in keepers.values():
            await keeper.loses("DeclareTimeout")
        for keeper in keepers.values():
            # A new connection is accepted by the kernel, and nobody says anything on it.
            await keeper.loses("BrokerUnreachable", within=LONGER_THAN_TWO)
        await asyncio.sleep(thawed_at - time.monotonic())
        for node in nodes:
            node.resume()
        await asyncio.gather(*(
            keeper.heals(after=f"{LONGER_THAN_TWO} s of SIGSTOP, release {release}")
            for release, keeper in keepers.items()
        ))  # fmt: skip

    for keeper in keepers.values():
        assert keeper.held()


def problem(feed: QueueFeed) -> str | None:
    return feed.problem.reason if feed.problem else None
