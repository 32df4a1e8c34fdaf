"""The user that docs/reading-queues.md recommends can do what the operator needs, and no harm."""

import dataclasses
import shlex
from collections.abc import Callable
from typing import Any

import pika.exceptions
import pytest

from qc_operator.brokers import QueueSource
from qc_operator.scaling.observation import Depth, EntryObservation, Totals, Unknown
from tests.adapters.operator.conftest import Bench, SecretStore
from tests.packaging.documents import DOCS, blocks
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost

(COMMANDS,) = [block.text for block in blocks(DOCS / "reading-queues.md") if "rabbitmqctl add_user" in block.text]
PASSWORD = "any:/@%?#&+= character"
ACCESS_REFUSED = 403
ASKS_FOR_A_PERMISSION = (4, 2, 6)
"""The first release that asks for one on the queue itself."""


@pytest.fixture
def user(any_vhost: Vhost, any_rabbitmq: RabbitMQNode) -> Vhost:
    """The documented user, made by the documented commands, in a vhost with the documented queues and another one."""
    for queue in ("receipts", "invoices", "others"):
        any_vhost.declare(queue)
    any_vhost.publish("receipts", [b"one"])
    # Users are the broker's, not the vhost's: each test has one of its own.
    name = f"queueconsumer-{any_vhost.vhost.rpartition('/')[2]}"
    values = {"queueconsumer": name, "$PASSWORD": PASSWORD, "$VHOST": any_vhost.vhost}
    for line in COMMANDS.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "rabbitmqctl"
        any_rabbitmq.ctl(*(values.get(argument, argument) for argument in arguments))
    return dataclasses.replace(any_vhost, username=name, password=PASSWORD)


async def test_it_is_enough_for_both_lanes_and_for_patterns(user: Vhost, reading: Bench, secrets: SecretStore) -> None:
    secrets.put(user)

    def read(entry: EntryObservation) -> bool:
        return bool(entry.queues) and entry.known and isinstance(entry.queues[0].totals, Totals)

    for source in (QueueSource(name="receipts"), QueueSource(pattern="^receipts$")):
        entry = await reading.until_entry(reading.open_sources(source), read)
        assert (1, 0, 1) == (entry.ready, entry.unacknowledged, len(entry.queues))


async def test_another_queue_is_closed_to_it_where_the_release_asks_for_a_permission(
    user: Vhost, any_rabbitmq: RabbitMQNode, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(user)

    def told(entry: EntryObservation) -> bool:
        (queue,) = entry.queues or (None,)
        refused = queue and isinstance(queue.depth, Unknown) and queue.depth.cause == "AccessRefused"
        return bool(refused or (queue and isinstance(queue.depth, Depth)))

    entry = await reading.until_entry(reading.open("others"), told)

    assert entry.known == (any_rabbitmq.release.version < ASKS_FOR_A_PERMISSION)


def test_it_can_do_no_harm(user: Vhost) -> None:
    harms: dict[str, Callable[[Any], object]] = {
        "publish": lambda channel: _publish(channel, exchange="", key="receipts"),
        "publish by another exchange": lambda channel: _publish(channel, exchange="amq.direct", key="receipts"),
        "bind": lambda channel: channel.queue_bind("receipts", "amq.direct", "key"),
        "get": lambda channel: channel.basic_get("receipts"),
        "consume": lambda channel: channel.basic_consume("receipts", lambda *_: None),
        "purge": lambda channel: channel.queue_purge("receipts"),
        "delete": lambda channel: channel.queue_delete("receipts"),
        "declare": lambda channel: channel.queue_declare("more"),
    }

    assert dict.fromkeys(harms, ACCESS_REFUSED) == {name: _answer(user, harm) for name, harm in harms.items()}


def _answer(user: Vhost, harm: Callable[[Any], object]) -> int | None:
    """The code of the broker's refusal, None where it lets it happen."""
    try:
        with user.channel() as channel:
            harm(channel)
    except pika.exceptions.ChannelClosedByBroker as refusal:
        return int(refusal.reply_code)
    return None


def _publish(channel: Any, *, exchange: str, key: str) -> None:
    channel.confirm_delivery()
    channel.basic_publish(exchange, key, b"", mandatory=True)
