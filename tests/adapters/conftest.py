"""Real brokers for the tests of everything that talks to one."""

from collections.abc import Iterator

import pytest

from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQNode]:
    """A node for the whole run: do not stop it, pause it or raise its alarms."""
    node = RabbitMQNode()
    try:
        node.start()
        yield node
    finally:
        node.close()


@pytest.fixture
def vhost(rabbitmq: RabbitMQNode) -> Iterator[Vhost]:
    """A fresh vhost on the shared node, with a user of its own."""
    with rabbitmq.vhost() as made:
        yield made


@pytest.fixture(scope="session")
def _second_rabbitmq() -> Iterator[RabbitMQNode]:
    node = RabbitMQNode()
    try:
        node.start()
        yield node
    finally:
        node.close()


@pytest.fixture
def own_rabbitmq(_second_rabbitmq: RabbitMQNode) -> Iterator[RabbitMQNode]:
    """A node that this test may stop, kill, pause and alarm; it is up and calm at the start of each test."""
    node = _second_rabbitmq
    node.resume()
    node.start()
    yield node
    node.resume()
    node.start()
    if node.alarmed:
        node.set_memory_alarm(False)


@pytest.fixture
def own_vhost(own_rabbitmq: RabbitMQNode) -> Iterator[Vhost]:
    """A fresh vhost on the node that this test may break."""
    with own_rabbitmq.vhost() as made:
        yield made
        own_rabbitmq.resume()
        own_rabbitmq.start()
