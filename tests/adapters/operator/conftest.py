"""A reader of the operator on a real broker."""

import asyncio
import contextlib
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from qc_operator.brokers import QueueSource
from qc_operator.brokers.credentials import SecretUnreadableError
from qc_operator.brokers.feed import QueueFeed
from qc_operator.brokers.feeds import SecretFeeds
from qc_operator.brokers.web import open_session
from qc_operator.scaling.observation import EntryObservation, QueueObservation
from qc_operator.settings import ReadingSettings
from tests.adapters.operator.keeper import REPLICAS, Keeper
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost

QUICK = ReadingSettings(
    retry_first=0.2, retry_most=0.4, declare_timeout=0.5, totals_interval=0.3, totals_timeout=1.0, secret_interval=0.5
)

BROKER = "broker"
"""The name of the Secret, unless a test has several."""


@dataclass
class SecretStore:
    """Secrets by name, which a test may change while they are in use."""

    values: dict[str, dict[str, str]] = field(default_factory=dict)
    reads: int = 0

    async def __call__(self, namespace: str, name: str) -> dict[str, str]:
        self.reads += 1
        if name not in self.values:
            raise SecretUnreadableError(reason="SecretNotFound", message=f"Secret {namespace}/{name} does not exist")
        return {key: b64encode(value.encode()).decode() for key, value in self.values[name].items()}

    def put(self, vhost: Vhost, *, secret: str = BROKER, **other: str) -> None:
        self.values[secret] = keys_for(vhost) | other


def keys_for(vhost: Vhost) -> dict[str, str]:
    """The keys of a Secret that leads to a vhost."""
    return {
        "host": vhost.host,
        "port": str(vhost.port),
        "username": vhost.username,
        "password": vhost.password,
        "vhost": vhost.vhost,
        "management_uri": vhost.management_uri,
    }


@contextlib.contextmanager
def started(node: RabbitMQNode) -> Iterator[RabbitMQNode]:
    """Run a node for the block."""
    try:
        node.start()
        yield node
    finally:
        node.close()


def filled(vhost: Vhost, queue: str = "orders", **arguments: object) -> str:
    """Declare a queue and put a message for each replica of a keeper's target into it."""
    vhost.declare(queue, durable=True, **arguments)
    vhost.publish(queue, [b"work"] * REPLICAS)
    return queue


@dataclass
class Bench:
    """Opens feeds and waits for what they show."""

    feeds: SecretFeeds
    secrets: SecretStore
    record: Callable[[str, object], None]
    """Where the times that it took to heal are noted."""
    asked: list[tuple[str, bool]] = field(default_factory=list)
    """How the broker was asked, and whether it has answered."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    opened: list[QueueFeed] = field(default_factory=list)

    def open(self, *queues: str, vhost: str | None = None, secret: str = BROKER) -> QueueFeed:
        return self.open_sources(*(QueueSource(name=queue) for queue in queues), vhost=vhost, secret=secret)

    def open_sources(
        self,
        *sources: QueueSource,
        vhost: str | None = None,
        secret: str = BROKER,
        notify: Callable[[], None] | None = None,
    ) -> QueueFeed:
        feed = self.feeds.open(
            namespace="ns", secret=secret, vhost=vhost, queues=sources, notify=notify or self.woken.set
        )
        self.opened.append(feed)
        return feed

    def keep(self, queue: str, *, vhost: str | None = None, secret: str = BROKER) -> Keeper:
        """A target with a replica for each of the messages that the queue is given before."""
        return self.keep_source(QueueSource(name=queue), vhost=vhost, secret=secret)

    async def kept(self, vhost: Vhost) -> Keeper:
        """A target of a queue in that vhost, which both lanes have read."""
        self.secrets.put(vhost)
        keeper = self.keep(filled(vhost))
        await keeper.reads()
        return keeper

    def keep_source(self, source: QueueSource, *, vhost: str | None = None, secret: str = BROKER) -> Keeper:
        return Keeper(opens=self.open_sources, record=self.record, source=source, vhost=vhost, secret=secret)

    async def until(
        self, feed: QueueFeed, condition: Callable[[QueueObservation], Any], *, within: float = 15.0
    ) -> QueueObservation:
        """The first observation of the feed's first queue for which the condition holds."""
        await self.until_entry(feed, lambda _: condition(first(feed)), within=within)
        return first(feed)

    async def until_entry(
        self, feed: QueueFeed, condition: Callable[[EntryObservation], Any], *, within: float = 15.0
    ) -> EntryObservation:
        """The first observation of the feed's first entry for which the condition holds."""
        try:
            async with asyncio.timeout(within):
                while not condition(feed.observe()[0]):
                    self.woken.clear()
                    await self.woken.wait()
        except TimeoutError:
            pytest.fail(f"not seen within {within} s; the last was {feed.observe()[0]}, problem {feed.problem}")
        return feed.observe()[0]


def first(feed: QueueFeed) -> QueueObservation:
    """The feed's first queue; unknown in both lanes while the feed does not know its queues."""
    entry = feed.observe()[0]
    if entry.unmatched is not None:
        return QueueObservation(name=entry.name, vhost=entry.vhost, depth=entry.unmatched, totals=entry.unmatched)
    return entry.queues[0]


@pytest.fixture
def place(broker: RabbitMQNode) -> Iterator[Vhost]:
    """A fresh vhost on the node that a file has for itself."""
    with broker.vhost() as made:
        yield made


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """What brokers and issuers are asked over."""
    async with open_session() as opened:
        yield opened


@pytest.fixture
async def secrets() -> SecretStore:
    return SecretStore()


@pytest.fixture
def settings() -> ReadingSettings:
    """How the feeds of `reading` read; a file that needs other intervals has its own."""
    return QUICK


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """Note a figure with the test: it stands in the JUnit report, and `pytest -rP` shows it."""

    def note(name: str, value: object) -> None:
        # What `record_property` does, which warns of a report in pytest's own default format.
        request.node.user_properties.append((name, value))
        print(f"{name}: {value}")  # noqa: T201 - captured, and shown on demand

    return note


@pytest.fixture
async def reading(
    secrets: SecretStore, settings: ReadingSettings, record: Callable[[str, object], None]
) -> AsyncIterator[Bench]:
    async with open_session() as session:
        asked: list[tuple[str, bool]] = []

        def note(method: str, seconds: float, *, good: bool) -> None:
            assert 0 <= seconds < settings.totals_timeout + 1
            asked.append((method, good))

        feeds = SecretFeeds(secret_data=secrets, settings=settings, identity="ns/operator", session=session, asked=note)
        yield Bench(feeds=feeds, secrets=secrets, record=record, asked=asked)
        await feeds.close()
