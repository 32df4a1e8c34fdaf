"""Real brokers for the tests of everything that talks to one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.rabbitmq_node import START_SECONDS, RabbitMQNode
from tests.rabbitmq_vhost import Vhost

FOLDER = Path(__file__).parent

MOST_SECONDS = 60 + 2 * START_SECONDS
"""For one test: the usual minute, and the start of a node before it and once more after the test has killed it."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(FOLDER) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(MOST_SECONDS))


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
