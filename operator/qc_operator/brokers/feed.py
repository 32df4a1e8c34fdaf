"""The readings of one QueueConsumer: its entries, and the Secret behind them."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Sequence
from typing import Protocol

from qc_operator.brokers import Problem, QueueSource
from qc_operator.brokers.credentials import Credentials, SecretError
from qc_operator.brokers.entry import Entry
from qc_operator.brokers.management import ManagementError
from qc_operator.brokers.reader import BrokerReader
from qc_operator.brokers.secret_watch import SecretWatch
from qc_operator.brokers.watches import Listener
from qc_operator.scaling.holdings import Holding
from qc_operator.scaling.observation import EntryObservation, Unknown
from qc_operator.scaling.readings import NOT_READ_YET

log = logging.getLogger(__name__)


class Readers(Protocol):
    """Lends readers: those with equal credentials get the same one."""

    def acquire(self, credentials: Credentials) -> BrokerReader:
        """The reader for these credentials, started if need be."""

    def release(self, credentials: Credentials) -> None:
        """Give a reader back; the last user ends it."""


class QueueFeed:
    """The readings of one QueueConsumer's queues."""

    def __init__(
        self,
        *,
        readers: Readers,
        secret: SecretWatch,
        vhost: str | None,
        sources: Sequence[QueueSource],
        notify: Callable[[], None],
        on_close: Callable[[], None],
    ) -> None:
        self._readers = readers
        self._secret = secret
        self._vhost = vhost
        self._sources = tuple(sources)
        self._notify = notify
        self._on_close = on_close
        self._at_zero = True
        self._problem: Problem | None = None
        self.broker = ""
        """Hosts and ports that are read; empty while they are not known."""
        self._entries: list[tuple[Credentials, Entry]] = []
        self._listeners: list[Listener] = []
        secret.users.append(self.follow_secret)
        self.follow_secret()

    @property
    def problem(self) -> Problem | None:
        """What stands in the way of all queues: the Secret, or the connection."""
        if self._problem is not None:
            return self._problem
        return next((entry.reader.problem for _, entry in self._entries if entry.reader.problem is not None), None)

    @property
    def work_waits(self) -> bool:
        """Whether there are messages in any of the queues, as far as is known."""
        return any(entry.work_waits for _, entry in self._entries)

    def observe(self) -> tuple[EntryObservation, ...]:
        """The latest readings, in the order of the entries."""
        if self._entries:
            return tuple(entry.observe() for _, entry in self._entries)
        problem = self._problem or Problem(reason=NOT_READ_YET, message="no reading yet")
        unknown = Unknown(cause=problem.reason, message=problem.message, at=asyncio.get_running_loop().time())
        return tuple(
            EntryObservation(
                name=source.name or source.pattern or "",
                vhost=source.vhost or "",
                queues=(),
                pattern=source.pattern is not None,
                unmatched=unknown,
            )
            for source in self._sources
        )

    def expect_change(self, *, at_zero: bool, at_rest: bool = False) -> None:
        """Have the queues read at the fast interval while the target is at zero, and told of less often at rest."""
        self._at_zero = at_zero
        for listener in self._listeners:
            listener.at_zero, listener.at_rest = at_zero, at_rest

    async def holdings(self, told_by_hosts: Callable[[Sequence[str]], bool]) -> tuple[Holding, ...]:
        """Ask who holds messages of the vhosts. Raises `ManagementError` when none of them can be asked."""
        asked = {credentials: entry.reader.holders for credentials, entry in self._entries}.values()
        asking = (holders.holdings(told_by_hosts=told_by_hosts) for holders in asked)
        answers = await asyncio.gather(*asking, return_exceptions=True)
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        for failure in failures:
            if len(failures) == len(answers) or not isinstance(failure, ManagementError):
                raise failure
        return tuple(holding for answer in answers if not isinstance(answer, BaseException) for holding in answer)

    def follow_secret(self) -> None:
        """Take over what the Secret says now."""
        if self._secret.data is None:
            if self._secret.problem is not None:
                self._stop_reading()
                self._problem = self._secret.problem
                self._notify()
            return
        try:
            wanted = [self._secret.credentials(vhost=source.vhost or self._vhost) for source in self._sources]
            if wanted != [credentials for credentials, _ in self._entries]:
                self._start_reading(wanted)
            self._problem = None
        except SecretError as error:
            self._stop_reading()
            self._problem = Problem(reason="SecretInvalid", message=str(error))
        except Exception as error:  # noqa: BLE001 - one QueueConsumer's reader must not end what others need
            # A mistake of ours, to be told like any other problem. Its own words are not: they might quote the Secret.
            secret = f"Secret {self._secret.namespace}/{self._secret.name}"
            lines = "".join(traceback.format_tb(error.__traceback__))
            log.error("reading with %s did not start: %s at\n%s", secret, type(error).__name__, lines)  # noqa: TRY400
            self._stop_reading()
            told = f"reading did not start ({type(error).__name__}), and is tried again when {secret} changes"
            self._problem = Problem(reason="ReaderFailed", message=told)
        self._notify()

    def close(self) -> None:
        """Stop reading."""
        self._stop_reading()
        self._secret.users.remove(self.follow_secret)
        self._on_close()

    def _start_reading(self, wanted: Sequence[Credentials]) -> None:
        """Read with these credentials. The old readers are given back last: an entry may keep its own."""
        before = self._take_entries()
        try:
            for source, credentials in zip(self._sources, wanted, strict=True):
                listener = Listener(notify=self._notify, refused=self._secret.read_again, at_zero=self._at_zero)
                self._listeners.append(listener)
                reader = self._readers.acquire(credentials)
                try:
                    entry = Entry(source=source, reader=reader, vhost=credentials.vhost, listener=listener)
                except BaseException:
                    self._readers.release(credentials)
                    raise
                self._entries.append((credentials, entry))
                self.broker = credentials.endpoint
        finally:
            self._end(before)

    def _stop_reading(self) -> None:
        self._end(self._take_entries())

    def _take_entries(self) -> list[tuple[Credentials, Entry]]:
        taken, self._entries, self._listeners, self.broker = self._entries, [], [], ""
        return taken

    def _end(self, entries: Sequence[tuple[Credentials, Entry]]) -> None:
        for credentials, entry in entries:
            entry.close()
            self._readers.release(credentials)
