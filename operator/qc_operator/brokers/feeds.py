"""From a Secret's name to readings: feeds follow their Secret, and share readers by what the Secrets say.

Two QueueConsumers in different namespaces with equal credentials share one connection. A Secret is read again every
30 s, and at once when the broker refuses the login, so that a rotated password needs no restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from qc_operator.brokers import NOT_READ_YET, Problem, QueueName
from qc_operator.brokers.credentials import Credentials, SecretError, SecretUnreadableError, from_secret
from qc_operator.brokers.reader import BrokerReader, Listener
from qc_operator.scaling.observation import QueueObservation, Unknown
from qc_operator.settings import ReadingSettings

SecretData = Callable[[str, str], Awaitable[Mapping[str, str]]]
"""Namespace and name -> the Secret's data; raises `SecretUnreadableError`."""

UNREADABLE_INTERVAL = 5.0
"""Seconds between two tries to read a Secret that is missing or wrong."""


log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class _Shared:
    reader: BrokerReader
    users: int = 0


class SecretFeeds:
    """Opens feeds, and keeps one reader per distinct credentials and one poll per Secret."""

    def __init__(
        self, *, secret_data: SecretData, settings: ReadingSettings, identity: str, session: aiohttp.ClientSession
    ) -> None:
        self._secret_data = secret_data
        self._settings = settings
        self._identity = identity
        self._session = session
        self._secrets: dict[tuple[str, str], _SecretWatch] = {}
        self._readers: dict[Credentials, _Shared] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def open(
        self, *, namespace: str, secret: str, vhost: str | None, queues: Sequence[QueueName], notify: Callable[[], None]
    ) -> QueueFeed:
        """Start reading the queues of one QueueConsumer."""
        watch = self._secrets.get((namespace, secret))
        if watch is None:
            watch = _SecretWatch(
                namespace=namespace, name=secret, read=self._secret_data, interval=self._settings.secret_interval
            )
            self._secrets[namespace, secret] = watch
        feed = QueueFeed(feeds=self, secret=watch, vhost=vhost, queues=queues, notify=notify)
        watch.feeds.append(feed)
        feed.follow_secret()
        return feed

    def release(self, feed: QueueFeed, watch: _SecretWatch) -> None:
        """Forget a feed; its Secret is no longer read when nobody else needs it."""
        watch.feeds.remove(feed)
        if not watch.feeds:
            self._secrets.pop((watch.namespace, watch.name))
            watch.close()

    def acquire_reader(self, credentials: Credentials) -> BrokerReader:
        """The reader for these credentials, started if need be."""
        shared = self._readers.get(credentials)
        if shared is None:
            reader = BrokerReader(
                credentials=credentials,
                settings=self._settings,
                identity=self._identity,
                session=self._session,
            )
            shared = self._readers[credentials] = _Shared(reader=reader)
        shared.users += 1
        return shared.reader

    def release_reader(self, credentials: Credentials) -> None:
        """Give a reader back; the last user ends it."""
        shared = self._readers[credentials]
        shared.users -= 1
        if shared.users == 0:
            del self._readers[credentials]
            task = asyncio.create_task(shared.reader.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """End all that is still open."""
        for watch in tuple(self._secrets.values()):
            for feed in tuple(watch.feeds):
                feed.close()
        await asyncio.gather(*self._closing, return_exceptions=True)


class _SecretWatch:
    """One Secret, read every so often on behalf of all feeds that use it."""

    def __init__(self, *, namespace: str, name: str, read: SecretData, interval: float) -> None:
        self.namespace = namespace
        self.name = name
        self.feeds: list[QueueFeed] = []
        self.data: Mapping[str, str] | None = None
        self.problem: Problem | None = None
        self._read = read
        self._interval = interval
        self._again = asyncio.Event()
        self._task = asyncio.create_task(self._keep_reading())

    def read_again(self) -> None:
        """Read now rather than at the next turn."""
        self._again.set()

    def close(self) -> None:
        """Stop reading."""
        self._task.cancel()

    async def _keep_reading(self) -> None:
        while True:
            self._again.clear()
            await self._refresh()
            interval = UNREADABLE_INTERVAL if self.problem else self._interval
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._again.wait(), timeout=interval)

    async def _refresh(self) -> None:
        before = self.data, self.problem
        try:
            self.data, self.problem = await self._read(self.namespace, self.name), None
        except SecretUnreadableError as error:
            if error.reason == "Unreachable" and self.data is not None:
                return  # The API server is away: what was read last is the best there is.
            self.data, self.problem = None, Problem(reason=error.reason, message=str(error))
        except Exception:
            # A mistake of ours must not end the watch for ever; what was read last stays.
            log.exception("Secret %s/%s was not read", self.namespace, self.name)
            return
        if (self.data, self.problem) != before:
            for feed in tuple(self.feeds):
                feed.follow_secret()


class QueueFeed:
    """The readings of one QueueConsumer's queues."""

    def __init__(
        self,
        *,
        feeds: SecretFeeds,
        secret: _SecretWatch,
        vhost: str | None,
        queues: Sequence[QueueName],
        notify: Callable[[], None],
    ) -> None:
        self._feeds = feeds
        self._secret = secret
        self._vhost = vhost
        self._queues = tuple(queues)
        self._listener = Listener(notify=notify, refused=secret.read_again)
        self._problem: Problem | None = None
        self._using: list[tuple[Credentials, BrokerReader, str]] = []

    @property
    def problem(self) -> Problem | None:
        """What stands in the way of all queues: the Secret, or the connection."""
        if self._problem is not None:
            return self._problem
        return next((reader.problem for _, reader, _ in self._using if reader.problem is not None), None)

    def observe(self) -> tuple[QueueObservation, ...]:
        """The latest readings, in the order of the queues."""
        if self._using:
            return tuple(reader.observe(queue) for _, reader, queue in self._using)
        problem = self._problem or Problem(reason=NOT_READ_YET, message="no reading yet")
        now = asyncio.get_running_loop().time()
        unknown = Unknown(cause=problem.reason, message=problem.message, at=now)
        return tuple(
            QueueObservation(name=queue.name, vhost="", depth=unknown, totals=unknown) for queue in self._queues
        )

    def expect_change(self, *, at_zero: bool) -> None:
        """Have the queues read at the fast interval while the target is at zero."""
        self._listener.at_zero = at_zero

    def follow_secret(self) -> None:
        """Take over what the Secret says now."""
        if self._secret.data is None:
            if self._secret.problem is not None:
                self._stop_reading()
                self._problem = self._secret.problem
                self._listener.notify()
            return
        try:
            wanted = [self._credentials(queue, self._secret.data) for queue in self._queues]
        except SecretError as error:
            self._stop_reading()
            self._problem = Problem(reason="SecretInvalid", message=str(error))
        else:
            self._problem = None
            if wanted != [credentials for credentials, _, _ in self._using]:
                self._stop_reading()
                self._start_reading(wanted)
        self._listener.notify()

    def close(self) -> None:
        """Stop reading."""
        self._stop_reading()
        self._feeds.release(self, self._secret)

    def _credentials(self, queue: QueueName, data: Mapping[str, str]) -> Credentials:
        secret = f"{self._secret.namespace}/{self._secret.name}"
        return from_secret(data=data, secret=secret, vhost=queue.vhost or self._vhost)

    def _start_reading(self, wanted: Sequence[Credentials]) -> None:
        for queue, credentials in zip(self._queues, wanted, strict=True):
            reader = self._feeds.acquire_reader(credentials)
            reader.watch(queue.name, self._listener)
            self._using.append((credentials, reader, queue.name))

    def _stop_reading(self) -> None:
        for credentials, reader, queue in self._using:
            reader.unwatch(queue, self._listener)
            self._feeds.release_reader(credentials)
        self._using = []
