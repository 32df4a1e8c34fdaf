"""The readings of one QueueConsumer: its queues by name, those that its patterns match, and the Secret behind them."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Sequence
from typing import Protocol

from qc_operator.brokers import NOT_READ_YET, Problem, QueueSource
from qc_operator.brokers.credentials import Credentials, SecretError
from qc_operator.brokers.reader import BrokerReader
from qc_operator.brokers.secret_watch import SecretWatch
from qc_operator.brokers.watches import Listener
from qc_operator.pattern import QueuePattern
from qc_operator.scaling.observation import EntryObservation, Missing, QueueObservation, Unavailable, Unknown

log = logging.getLogger(__name__)


class Readers(Protocol):
    """Lends readers: those with equal credentials get the same one."""

    def acquire(self, credentials: Credentials) -> BrokerReader:
        """The reader for these credentials, started if need be."""

    def release(self, credentials: Credentials) -> None:
        """Give a reader back; the last user ends it."""


class Entry:
    """One entry of `spec.queues`, read through one reader."""

    def __init__(self, *, source: QueueSource, reader: BrokerReader, vhost: str, listener: Listener) -> None:
        self._source = source
        self.reader = reader
        self._vhost = vhost
        self._listener = listener
        self._pattern = QueuePattern(source.pattern) if source.pattern is not None else None
        self._listed: frozenset[str] | None = None
        """All names of the vhost that the pattern was held against last; None while it was not yet."""
        self._queues: list[str] = []
        if self._pattern is None:
            self._watch(source.name or "")
        else:
            reader.follow(listener, self._match)

    def observe(self) -> EntryObservation:
        """The latest readings. No I/O."""
        queues = tuple(self.reader.observe(queue) for queue in self._queues)
        unmatched = self._unmatched()
        if self._pattern is not None:
            self._forget_deleted(queues)
            read = tuple(queue for queue in queues if not _passing(queue))
            if queues and not read and unmatched is None:
                unmatched = Unknown(cause=NOT_READ_YET, message="no reading yet", at=asyncio.get_running_loop().time())
            queues = read
        return EntryObservation(
            name=self._source.name or self._source.pattern or "",
            vhost=self._vhost,
            queues=queues,
            pattern=self._pattern is not None,
            unmatched=unmatched,
            alarmed=self.reader.alarmed,
        )

    def close(self) -> None:
        """Stop reading."""
        if self._pattern is not None:
            self.reader.unfollow(self._listener)
        for queue in tuple(self._queues):
            self._unwatch(queue)

    def _unmatched(self) -> Unknown | None:
        """Why the queues that the pattern matches are not known, or None."""
        if self._pattern is None:
            return None
        names = self.reader.names
        if isinstance(names, Unavailable):
            now = asyncio.get_running_loop().time()
            message = f"a pattern needs the list of queues, which is not to be had: {names.message}"
            return Unknown(cause="PatternNeedsManagement", message=message, at=now)
        if isinstance(names, Unknown):
            return names
        if self._listed is None:
            return Unknown(cause=NOT_READ_YET, message="no reading yet", at=asyncio.get_running_loop().time())
        return None

    def _match(self, listed: frozenset[str]) -> None:
        """Follow the queues that have come."""
        if self._pattern is None:
            return
        new = listed if self._listed is None else listed - self._listed
        for queue in sorted(self._pattern.matching(new) - set(self._queues)):
            self._watch(queue)
        self._listed = listed
        self._listener.notify()

    def _forget_deleted(self, queues: Sequence[QueueObservation]) -> None:
        """Let go of queues that have gone: by both lanes' word, because the list leaves out one without a leader."""
        for queue in queues:
            if isinstance(queue.depth, Missing) and queue.name not in (self._listed or ()):
                self._unwatch(queue.name)

    def _watch(self, queue: str) -> None:
        self.reader.watch(queue, self._listener, rated=self._source.rated)
        self._queues.append(queue)

    def _unwatch(self, queue: str) -> None:
        self.reader.unwatch(queue, self._listener, rated=self._source.rated)
        self._queues.remove(queue)


def _passing(queue: QueueObservation) -> bool:
    """Whether a queue that a pattern matches is about to come, listed and not read yet, or has gone since."""
    depth = queue.depth
    return isinstance(depth, Missing) or (isinstance(depth, Unknown) and depth.cause == NOT_READ_YET)


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

    def expect_change(self, *, at_zero: bool) -> None:
        """Have the queues read at the fast interval while the target is at zero."""
        self._at_zero = at_zero
        for listener in self._listeners:
            listener.at_zero = at_zero

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
                entry = Entry(source=source, reader=reader, vhost=credentials.vhost, listener=listener)
                self._entries.append((credentials, entry))
        finally:
            self._end(before)

    def _stop_reading(self) -> None:
        self._end(self._take_entries())

    def _take_entries(self) -> list[tuple[Credentials, Entry]]:
        taken, self._entries, self._listeners = self._entries, [], []
        return taken

    def _end(self, entries: Sequence[tuple[Credentials, Entry]]) -> None:
        for credentials, entry in entries:
            entry.close()
            self._readers.release(credentials)
