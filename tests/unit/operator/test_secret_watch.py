"""A Secret's users are told of what is new in it, whatever goes wrong with one of them."""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Mapping

import aiohttp
import pytest

from qc_operator.brokers import QueueSource
from qc_operator.brokers.credentials import Credentials
from qc_operator.brokers.feed import QueueFeed
from qc_operator.brokers.feeds import SecretFeeds
from qc_operator.brokers.reader import BrokerReader
from qc_operator.brokers.secret_watch import SecretWatch
from qc_operator.settings import ReadingSettings

NOBODY = {"host": "127.0.0.9", "port": "1", "username": "u", "password": "s3cret"}


class Store:
    """A Secret that a test may change."""

    def __init__(self, **values: str) -> None:
        self.values = values

    async def __call__(self, namespace: str, name: str) -> Mapping[str, str]:
        del namespace, name
        return {key: b64encode(value.encode()).decode() for key, value in self.values.items()}


def watching(store: Store) -> SecretWatch:
    return SecretWatch(namespace="ns", name="broker", read=store, interval=0.01)


async def test_a_user_that_fails_neither_ends_the_watch_nor_keeps_the_others_from_being_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store, told = Store(host="a"), asyncio.Event()

    def fails() -> None:
        raise RuntimeError("broken")

    watch = watching(store)
    watch.users += [fails, told.set]
    async with asyncio.timeout(5):
        await told.wait()
        told.clear()
        store.values = {"host": "b"}
        await told.wait()
    watch.close()

    assert "a user of Secret ns/broker was not told" in caplog.text


class Lending:
    """Lends real readers, and counts them; those of a vhost that is called `broken` cannot be made."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._feeds = SecretFeeds(secret_data=Store(), settings=ReadingSettings(), identity="test", session=session)
        self.lent: list[str] = []

    def acquire(self, credentials: Credentials) -> BrokerReader:
        if credentials.vhost == "broken":
            raise RuntimeError(credentials.password)
        self.lent.append(credentials.vhost)
        return self._feeds.acquire(credentials)

    def release(self, credentials: Credentials) -> None:
        self.lent.remove(credentials.vhost)
        self._feeds.release(credentials)

    async def close(self) -> None:
        await self._feeds.close()


def feed_of(*sources: QueueSource, readers: Lending, secret: SecretWatch, notify: Callable[[], None]) -> QueueFeed:
    return QueueFeed(readers=readers, secret=secret, vhost=None, sources=sources, notify=notify, on_close=lambda: None)


async def test_a_reader_that_cannot_be_made_is_told_gives_the_others_back_and_heals_with_the_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store, notified = Store(**NOBODY), asyncio.Event()
    watch = watching(store)
    async with aiohttp.ClientSession() as session:
        readers = Lending(session)
        orders = QueueSource(name="orders", vhost="shop"), QueueSource(name="orders")
        feed = feed_of(*orders, readers=readers, secret=watch, notify=notified.set)

        async def has(*vhosts: str) -> None:
            async with asyncio.timeout(5):
                while readers.lent != list(vhosts):
                    notified.clear()
                    await notified.wait()

        await has("shop", "/")
        store.values = NOBODY | {"vhost": "broken"}
        await has()
        assert feed.problem is not None
        assert "ReaderFailed" == feed.problem.reason
        assert "Secret ns/broker" in feed.problem.message
        assert "s3cret" not in feed.problem.message
        assert "ReaderFailed" == feed.observe()[0].unmatched.cause
        assert "did not start: RuntimeError at" in caplog.text
        assert "s3cret" not in caplog.text

        store.values = NOBODY | {"vhost": "other"}
        await has("shop", "other")
        feed.close()
        assert not readers.lent
        await readers.close()
    watch.close()


async def test_an_entry_that_cannot_be_made_gives_its_own_reader_back_with_the_others() -> None:
    watch, told = watching(Store(**NOBODY)), asyncio.Event()
    async with aiohttp.ClientSession() as session:
        readers = Lending(session)
        orders = QueueSource(name="orders", vhost="shop")
        unusable = QueueSource(pattern=r"(.)\1")  # RE2 has no back-references.
        feed = feed_of(orders, unusable, readers=readers, secret=watch, notify=told.set)
        async with asyncio.timeout(5):
            await told.wait()

        assert "ReaderFailed" == feed.problem.reason
        assert not readers.lent
        feed.close()
        await readers.close()
    watch.close()
