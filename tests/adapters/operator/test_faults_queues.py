"""A queue that is deleted, made anew, or not one that a target can be scaled by."""

import asyncio

import pytest

from qc_operator.scaling.observation import Missing
from qc_operator.settings import ReadingSettings
from tests.adapters.operator.conftest import QUICK, Bench, SecretStore, filled
from tests.adapters.operator.keeper import REPLICAS
from tests.rabbitmq_vhost import Vhost


@pytest.fixture
def settings() -> ReadingSettings:
    """A missing queue is not asked for again while a test runs, unless there is news of it."""
    return ReadingSettings(**{name: getattr(QUICK, name) for name in QUICK.__slots__} | {"retry_first": 60.0})


@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_a_deleted_queue_is_missing_and_read_soon_after_it_is_there_again(
    kind: str, any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    any_vhost.declare("other")
    keeper = reading.keep(filled(any_vhost))
    await keeper.reads()

    await asyncio.to_thread(any_vhost.delete, "orders")
    seen = await keeper.until(lambda seen: isinstance(seen.depth, Missing))
    assert f"broker {any_vhost.host}:{any_vhost.port}, vhost {any_vhost.vhost}: no such queue" == seen.depth.message
    await keeper.until(lambda seen: getattr(seen.totals, "cause", "") == "LeftOut")

    # It was a classic queue before.
    await asyncio.to_thread(filled, any_vhost, x_queue_type=kind)
    # A quorum queue's totals follow with its tick of 5 s.
    await keeper.heals(after=f"a new declaration as a {kind} queue")

    assert keeper.held()
    await keeper.until(lambda seen: seen.facts is not None and seen.facts.type == kind)


async def test_an_exclusive_queue_of_another_connection_is_told(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    with any_vhost.channel() as channel:
        channel.queue_declare("mine", exclusive=True)
        keeper = reading.keep("mine")
        lost = await keeper.loses("QueueExclusive")
        where = f"broker {any_vhost.host}:{any_vhost.port}, vhost {any_vhost.vhost}"
        assert lost.message.startswith(f"{where}: it is exclusive to another connection, ")
        assert keeper.feed.problem is None
    assert keeper.held()


async def test_a_stream_is_refused(any_vhost: Vhost, reading: Bench, secrets: SecretStore) -> None:
    secrets.put(any_vhost)
    keeper = reading.keep(any_vhost.declare("log", x_queue_type="stream"))
    lost = await keeper.loses("StreamNotSupported")
    assert lost.message.startswith(f"it is a stream of vhost {any_vhost.vhost}: ")
    assert keeper.held()


@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_a_single_active_consumer_is_told_of(
    kind: str, any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    any_vhost.declare("shared", x_queue_type=kind)
    keeper = reading.keep(filled(any_vhost, x_queue_type=kind, x_single_active_consumer=True))
    shared = reading.keep("shared")

    seen = await keeper.until(lambda seen: seen.facts is not None)
    assert (kind, True) == (seen.facts.type, seen.facts.single_active_consumer)
    seen = await shared.until(lambda seen: seen.facts is not None)
    assert (kind, False) == (seen.facts.type, seen.facts.single_active_consumer)


async def test_a_queue_that_ends_with_its_connection_is_missing_afterwards(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    with any_vhost.channel() as channel:
        channel.queue_declare("brief", auto_delete=True)
        for _ in range(REPLICAS):
            channel.basic_publish("", "brief", b"work")
        channel.basic_consume("brief", lambda *_: None)
        keeper = reading.keep("brief")
        # A consumer holds all the messages.
        seen = await keeper.reads(0, unacknowledged=REPLICAS)
        assert 1 == seen.depth.consumers
    await keeper.until(lambda seen: isinstance(seen.depth, Missing))
    assert keeper.held()
