"""A reader of the operator on a real broker."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from qc_operator.brokers import QueueName
from qc_operator.brokers.credentials import SecretUnreadableError
from qc_operator.brokers.feeds import QueueFeed, SecretFeeds
from qc_operator.scaling.observation import QueueObservation
from qc_operator.settings import ReadingSettings
from tests.rabbitmq_vhost import Vhost

QUICK = ReadingSettings(
    retry_first=0.2, retry_most=0.4, declare_timeout=0.5, totals_interval=0.3, totals_timeout=2.0, secret_interval=0.5
)


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

    def put(self, vhost: Vhost, **other: str) -> None:
        self.values["broker"] = {
            "host": vhost.host,
            "port": str(vhost.port),
            "username": vhost.username,
            "password": vhost.password,
            "vhost": vhost.vhost,
            "management_uri": vhost.management_uri,
        } | other


@dataclass
class Bench:
    """Opens feeds and waits for what they show."""

    feeds: SecretFeeds
    secrets: SecretStore
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    opened: list[QueueFeed] = field(default_factory=list)

    def open(self, *queues: str, vhost: str | None = None) -> QueueFeed:
        names = [QueueName(name=queue) for queue in queues]
        feed = self.feeds.open(namespace="ns", secret="broker", vhost=vhost, queues=names, notify=self.woken.set)
        self.opened.append(feed)
        return feed

    async def until(
        self, feed: QueueFeed, condition: Callable[[QueueObservation], Any], *, within: float = 15.0
    ) -> QueueObservation:
        """The first observation of the feed's first queue for which the condition holds."""
        try:
            async with asyncio.timeout(within):
                while not condition(feed.observe()[0]):
                    self.woken.clear()
                    await self.woken.wait()
        except TimeoutError:
            pytest.fail(f"not seen within {within} s; the last was {feed.observe()[0]}, problem {feed.problem}")
        return feed.observe()[0]


@pytest.fixture
async def secrets() -> SecretStore:
    return SecretStore()


@pytest.fixture
async def reading(secrets: SecretStore) -> AsyncIterator[Bench]:
    async with aiohttp.ClientSession() as session:
        feeds = SecretFeeds(secret_data=secrets, settings=QUICK, identity="ns/operator", session=session)
        yield Bench(feeds=feeds, secrets=secrets)
        await feeds.close()
