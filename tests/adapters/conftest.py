"""Real brokers for the tests of everything that talks to one."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from devcluster.failure import Failure
from tests import toxiproxy as toxiproxy_server
from tests.rabbitmq_fleet import RELEASES, Fleet, calm
from tests.rabbitmq_node import START_SECONDS, RabbitMQNode
from tests.rabbitmq_release import RabbitMQMissingError
from tests.rabbitmq_release import release as find_release
from tests.rabbitmq_vhost import Vhost
from tests.toxiproxy import Toxiproxy

FOLDER = Path(__file__).parent

MOST_SECONDS = 60 + 2 * START_SECONDS
"""For one test: the usual minute, and the start of a node before it and once more after the test has killed it."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(FOLDER) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(MOST_SECONDS))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Make what the chosen tests need and a new machine lacks, where one sees the progress and no deadline runs."""
    if session.config.option.collectonly:
        return
    needed = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    capture = session.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        # What cannot be had fails the tests that need it, not the others.
        with contextlib.suppress(RabbitMQMissingError):
            if "release" in needed:
                find_release("4")
        with contextlib.suppress(Failure):
            if "toxiproxy" in needed:
                toxiproxy_server.program()


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    """The nodes of this run."""
    nodes = Fleet()
    try:
        yield nodes
    finally:
        nodes.close()


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    """Each release of RabbitMQ in turn: a test that asks for it, or for anything named `any`, runs once with each."""
    return str(request.param)


@pytest.fixture(scope="session")
def rabbitmq(fleet: Fleet) -> RabbitMQNode:
    """A node for the whole run: do not stop it, pause it or raise its alarms."""
    return fleet.node("shared", "3.10")


@pytest.fixture
def vhost(rabbitmq: RabbitMQNode) -> Iterator[Vhost]:
    """A fresh vhost on the shared node, with a user of its own."""
    with rabbitmq.vhost() as made:
        yield made


@pytest.fixture
def any_rabbitmq(fleet: Fleet, release: str) -> RabbitMQNode:
    """The shared node of each release: do not stop it, pause it or raise its alarms."""
    return fleet.node("shared", release)


@pytest.fixture
def any_vhost(any_rabbitmq: RabbitMQNode) -> Iterator[Vhost]:
    """A fresh vhost on the shared node of each release."""
    with any_rabbitmq.vhost() as made:
        yield made


@pytest.fixture
def own_rabbitmq(fleet: Fleet) -> Iterator[RabbitMQNode]:
    """A node that this test may stop, kill, pause and alarm; it is up and calm at the start of each test."""
    yield from _lent(fleet.node("own", "3.10"))


@pytest.fixture
def own_vhost(own_rabbitmq: RabbitMQNode) -> Iterator[Vhost]:
    """A fresh vhost on the node that this test may break."""
    yield from _vhost_on_lent(own_rabbitmq)


@pytest.fixture
def own_any_rabbitmq(fleet: Fleet, release: str) -> Iterator[RabbitMQNode]:
    """A node of each release that this test may stop, kill, pause and alarm, and whose management it may disable."""
    yield from _lent(fleet.node("own", release))


@pytest.fixture
def own_any_vhost(own_any_rabbitmq: RabbitMQNode) -> Iterator[Vhost]:
    """A fresh vhost on the node of each release that this test may break."""
    yield from _vhost_on_lent(own_any_rabbitmq)


@pytest.fixture
def any_cluster(fleet: Fleet, release: str) -> Iterator[tuple[RabbitMQNode, RabbitMQNode]]:
    """Two nodes of each release that are one broker, and that this test may break."""
    first = fleet.node("first", release)
    second = fleet.node("second", release, cluster_of=first)
    calm(first, second)
    yield first, second
    calm(first, second)


@pytest.fixture
def any_cluster_vhost(any_cluster: tuple[RabbitMQNode, RabbitMQNode]) -> Iterator[Vhost]:
    """A fresh vhost on both nodes, reached through the first; `vhost.through(second)` goes the other way."""
    yield from _vhost_on_lent(*any_cluster)


@pytest.fixture(scope="session")
def toxiproxy() -> Iterator[Toxiproxy]:
    """A server whose proxies are a bad network."""
    with Toxiproxy() as server:
        yield server


def _lent(node: RabbitMQNode) -> Iterator[RabbitMQNode]:
    calm(node)
    yield node
    calm(node)


def _vhost_on_lent(*nodes: RabbitMQNode) -> Iterator[Vhost]:
    with nodes[0].vhost() as made:
        yield made
        calm(*nodes)
