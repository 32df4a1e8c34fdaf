"""Opens feeds. They share readers by what their Secrets say, and follow the Secrets as these change.

Two QueueConsumers in different namespaces with equal credentials share one connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import aiohttp

from qc_operator.brokers import QueueSource
from qc_operator.brokers.alarms import Alarms
from qc_operator.brokers.asked import Asked, nobody
from qc_operator.brokers.broker import Broker
from qc_operator.brokers.credentials import Credentials
from qc_operator.brokers.feed import QueueFeed
from qc_operator.brokers.login import Login
from qc_operator.brokers.pace import BrokerPace
from qc_operator.brokers.reader import BrokerReader
from qc_operator.brokers.secret_watch import SecretData, SecretWatch
from qc_operator.settings import ReadingSettings


@dataclass(slots=True, kw_only=True)
class _Lent:
    """A reader and how many entries use it."""

    reader: BrokerReader
    broker: Credentials
    users: int = 0


class SecretFeeds:
    """Opens feeds, and keeps one reader per distinct credentials and one watch per Secret."""

    def __init__(
        self,
        *,
        secret_data: SecretData,
        settings: ReadingSettings,
        identity: str,
        session: aiohttp.ClientSession,
        asked: Asked = nobody,
    ) -> None:
        self._asked = asked
        self._secret_data = secret_data
        self._settings = settings
        self._identity = identity
        self._session = session
        self._secrets: dict[tuple[str, str], SecretWatch] = {}
        self._readers: dict[Credentials, _Lent] = {}
        self._brokers: dict[Credentials, Broker] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._feeds: set[QueueFeed] = set()

    def open(
        self,
        *,
        namespace: str,
        secret: str,
        vhost: str | None,
        queues: Sequence[QueueSource],
        notify: Callable[[], None],
    ) -> QueueFeed:
        """Start reading the queues of one QueueConsumer."""
        watch = self._secrets.get((namespace, secret))
        if watch is None:
            interval = self._settings.secret_interval
            watch = SecretWatch(namespace=namespace, name=secret, read=self._secret_data, interval=interval)
            self._secrets[namespace, secret] = watch
        feed = QueueFeed(
            readers=self,
            secret=watch,
            vhost=vhost,
            sources=queues,
            notify=notify,
            on_close=lambda: self._closed(feed, watch),
        )
        self._feeds.add(feed)
        return feed

    def stalled(self, *, now: float) -> str | None:
        """Why some reader does not read although its broker is there, as a sentence; else None."""
        return next((why for lent in self._readers.values() if (why := lent.reader.stalled(now=now))), None)

    def connections(self) -> Iterator[tuple[str, bool | None]]:
        """Each broker's hosts and ports, once for each vhost and login, and whether it is connected to.

        None before the first try has ended.
        """
        return ((credentials.endpoint, lent.reader.connected) for credentials, lent in self._readers.items())

    def acquire(self, credentials: Credentials) -> BrokerReader:
        """The reader for these credentials, started if need be."""
        lent = self._readers.get(credentials)
        if lent is None:
            # Of one broker and one login, whatever the vhost.
            broker = replace(credentials, vhost="/")
            shared = self._brokers.get(broker) or self._broker(broker)
            reader = BrokerReader(
                credentials=credentials,
                broker=shared,
                settings=self._settings,
                identity=self._identity,
                session=self._session,
                asked=self._asked,
            )
            self._brokers[broker] = shared
            lent = self._readers[credentials] = _Lent(reader=reader, broker=broker)
        lent.users += 1
        return lent.reader

    def release(self, credentials: Credentials) -> None:
        """Give a reader back; the last user ends it."""
        lent = self._readers[credentials]
        lent.users -= 1
        if lent.users:
            return
        del self._readers[credentials]
        if all(other.broker != lent.broker for other in self._readers.values()):
            del self._brokers[lent.broker]
        task = asyncio.create_task(lent.reader.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _broker(self, credentials: Credentials) -> Broker:
        """What all readers of a login share; the pace is that of the broker, whoever asks."""
        same = (broker.pace for known, broker in self._brokers.items() if known.hosts == credentials.hosts)
        pace = next(same, None) or BrokerPace(settings=self._settings)
        login = Login(credentials=credentials, session=self._session)
        return Broker(login=login, pace=pace, alarms=Alarms(interval=self._settings.totals_interval))

    def _closed(self, feed: QueueFeed, watch: SecretWatch) -> None:
        """Forget a feed; its Secret is no longer read when nobody else needs it."""
        self._feeds.discard(feed)
        if not watch.users:
            del self._secrets[watch.namespace, watch.name]
            watch.close()

    async def close(self) -> None:
        """End all that is still open."""
        for feed in tuple(self._feeds):
            feed.close()
        await asyncio.gather(*self._closing, return_exceptions=True)
