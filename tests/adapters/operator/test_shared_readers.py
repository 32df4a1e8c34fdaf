"""Feeds with equal credentials share one connection, which ends with the last of them and leaves nothing behind."""

import asyncio
import gc
from typing import Any

from qc_operator.brokers import QueueSource
from qc_operator.brokers.reader import BrokerReader
from qc_operator.scaling.observation import Depth
from tests.adapters.operator.conftest import Bench, SecretStore
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost

MANY = 50
NAME = "queueconsumer-operator ns/operator"


async def connections(node: RabbitMQNode, vhost: Vhost, *, expected: int) -> list[str]:
    """Wait until the broker knows of so many connections to the vhost, and give their names."""
    async with asyncio.timeout(30):
        while True:
            known: list[dict[str, Any]] = await asyncio.to_thread(node.api, "GET", "/api/connections")
            ours = [one["client_properties"] for one in known if one.get("vhost") == vhost.vhost]
            if len(ours) == expected:
                return [properties.get("connection_name", "") for properties in ours]
            await asyncio.sleep(0.1)  # The broker tells nobody of its own accord.


def readers(bench: Bench) -> list[BrokerReader]:
    return [lent.reader for lent in bench.feeds._readers.values()]


async def test_many_feeds_of_equal_credentials_share_one_connection(
    any_vhost: Vhost, any_rabbitmq: RabbitMQNode, reading: Bench, secrets: SecretStore
) -> None:
    any_vhost.declare("orders")
    secrets.put(any_vhost, secret="one")
    # The same in other words: another Secret, and the vhost given by the QueueConsumer.
    secrets.put(any_vhost, secret="two")
    secrets.values["two"]["vhost"] = "elsewhere"
    feeds = [reading.open("orders", secret="one") for _ in range(MANY)]
    feeds += [reading.open("orders", secret="two", vhost=any_vhost.vhost) for _ in range(MANY)]
    for feed in feeds:
        await reading.until(feed, lambda seen: isinstance(seen.depth, Depth))

    assert [NAME] == await connections(any_rabbitmq, any_vhost, expected=1)
    (reader,) = readers(reading)
    assert ["orders"] == reader.watched()

    for feed in feeds[1:]:
        feed.close()
    at = feeds[0].observe()[0].queues[0].depth.at
    await reading.until(feeds[0], lambda seen: seen.depth.at > at)
    assert [reader] == readers(reading)

    feeds[0].close()
    assert [] == readers(reading)
    await connections(any_rabbitmq, any_vhost, expected=0)


async def test_one_feed_that_goes_leaves_the_queues_of_the_others(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    for queue in ("a", "b", "c"):
        any_vhost.declare(queue)
    first = reading.open("a", "b")
    second = reading.open("b", "c")
    await reading.until(first, lambda seen: isinstance(seen.depth, Depth))
    (reader,) = readers(reading)
    assert {"a", "b", "c"} == set(reader.watched())

    first.close()

    assert {"b", "c"} == set(reader.watched())
    at = second.observe()[0].queues[0].depth.at if isinstance(second.observe()[0].queues[0].depth, Depth) else 0.0
    await reading.until(second, lambda seen: isinstance(seen.depth, Depth) and seen.depth.at > at)


async def test_feeds_that_come_and_go_leave_no_connection_task_or_watch(
    any_vhost: Vhost, any_rabbitmq: RabbitMQNode, reading: Bench, secrets: SecretStore
) -> None:
    queues = [any_vhost.declare(f"queue-{number}") for number in range(10)]
    secrets.put(any_vhost)
    steady = reading.open(queues[0])
    await reading.until(steady, lambda seen: isinstance(seen.depth, Depth))
    (reader,) = readers(reading)
    tasks = len(asyncio.all_tasks())

    for turn in range(20):
        # Another Secret, and other credentials, each time; two feeds of those that stay.
        secrets.put(any_vhost, secret=f"broker-{turn}", management_uri=f"http://127.0.0.1:{turn + 1}")
        others = [reading.open(queue, secret=f"broker-{turn}") for queue in queues]
        more = [reading.open(queue) for queue in (*queues, "missing")]
        patterned = reading.open_sources(QueueSource(pattern="^queue-"))
        if turn % 4 == 0:
            await reading.until(others[-1], lambda seen: isinstance(seen.depth, Depth))
        for feed in (*others, *more, patterned):
            feed.close()
        # What is ended before its Secret has been read must end as well.
        await asyncio.sleep(0)
    await asyncio.gather(*reading.feeds._closing)

    assert [reader] == readers(reading)
    assert [queues[0]] == reader.watched()
    assert not reader.listing()
    assert 1 == len(reading.feeds._secrets) == len(reading.feeds._brokers) == len(reading.feeds._feeds)
    assert reader._broker.pace.fast + reader._broker.pace.steady == 1
    assert [NAME] == await connections(any_rabbitmq, any_vhost, expected=1)
    async with asyncio.timeout(10):
        # Cancelled tasks end in turns of the loop to come, and what is scheduled no more is swept out when it is due.
        while len(asyncio.all_tasks()) > tasks or _scheduled(reader) > 1:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.05)


async def test_a_reader_that_was_given_back_is_not_kept_alive(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    any_vhost.declare("orders")
    gc.collect()
    before = _alive()
    for _ in range(3):
        feed = reading.open("orders")
        await reading.until(feed, lambda seen: isinstance(seen.depth, Depth))
        feed.close()
        reading.opened.clear()
        await asyncio.gather(*reading.feeds._closing)
    del feed
    gc.collect()
    assert before == _alive()


def _alive() -> int:
    return sum(isinstance(thing, BrokerReader) for thing in gc.get_objects())


def _scheduled(reader: BrokerReader) -> int:
    agenda = reader._agenda
    return sum(len(schedule._heap) for schedule in (agenda.proven, agenda.fresh, agenda.quarantine))
