"""The producer: what applications use."""

import asyncio
import atexit
import concurrent.futures
import contextlib
import logging
import os
import socket
import threading
import time
import weakref
from collections.abc import Iterable
from typing import Literal, Self, Unpack

from qc_producer.connection import Connection
from qc_producer.endpoint import resolve
from qc_producer.errors import (
    ConfigurationError,
    ProducerClosed,
    ProducerError,
    ProducerFull,
    PublishErrors,
    PublishTimeout,
)
from qc_producer.message import MessageOptions, encode
from qc_producer.unconfirmed import Pending, Unconfirmed

log = logging.getLogger("qc_producer")

MIB = 1024 * 1024

AT_EXIT_SECONDS = 5.0
"""How long the end of the interpreter waits for confirms."""

_producers: "weakref.WeakSet[Producer]" = weakref.WeakSet()

_connections: "weakref.WeakSet[Connection]" = weakref.WeakSet()
"""Each is kept alive by its thread, also when its producer has been dropped: its messages are flushed all the same."""


class Producer:
    """Publishes messages, each confirmed by the broker; to be shared by all threads and tasks of a process.

    Connects when first used, and again whenever the connection is lost: what was not confirmed is then sent again
    with the same message id, so a message arrives at least once, and consumers can tell duplicates by that id.

    url: AMQP URL; if not given, the environment or a mounted Service Binding tells (see `endpoint`).
    max_unconfirmed, max_unconfirmed_bytes: how much may be on its way; more waits, or fails, as `on_full` says.
    timeout: seconds that a message may take, from the call to its confirm.
    name: seen as connection name in RabbitMQ and as `app_id` of the messages.
    max_message_bytes: larger bodies raise MessageTooLarge; RabbitMQ's own limit is 128 MiB, since 4.0 16 MiB.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        max_unconfirmed: int = 1000,
        max_unconfirmed_bytes: int = 64 * MIB,
        on_full: Literal["block", "raise"] = "block",
        timeout: float = 30.0,
        name: str | None = None,
        max_message_bytes: int = 16 * MIB,
    ) -> None:
        if max_unconfirmed < 1 or max_unconfirmed_bytes < 1 or max_message_bytes < 1 or timeout <= 0:
            raise ConfigurationError("max_unconfirmed, the sizes and the time-out must be above zero")
        if on_full not in {"block", "raise"}:
            raise ConfigurationError(f'on_full must be "block" or "raise", not {on_full!r}')
        if url is not None:
            resolve(url, {})  # so that a mistake shows here and not at the first publish
        self._url = url
        self._on_full = on_full
        self._timeout = timeout
        self._name = name
        self._limits = (max_unconfirmed, max_unconfirmed_bytes, max_message_bytes)
        self._reset()
        _producers.add(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._unconfirmed = Unconfirmed(max_messages=self._limits[0], max_bytes=self._limits[1])
        self._connection: Connection | None = None

    # -- publishing ---------------------------------------------------------------------------------------------

    def publish(
        self, body: object, routing_key: str, *, timeout: float | None = None, **options: Unpack[MessageOptions]
    ) -> str:
        """Publish, wait for the broker's confirm, and return the message id.

        Raises what `errors` lists: Unroutable, PublishTimeout and so on. Not for use inside an event loop.
        """
        pending = self._prepare(body, routing_key, timeout, options)
        self._refuse_in_io_thread("publish", "use submit() there")
        self._admit(pending, wait=self._on_full == "block")
        return self._result(pending)

    def submit(
        self, body: object, routing_key: str, *, timeout: float | None = None, **options: Unpack[MessageOptions]
    ) -> concurrent.futures.Future[str]:
        """Hand the message over and return at once, if there is room; the future ends with its confirm or error.

        The future cannot be cancelled, and ends after the time-out at the latest.
        """
        pending = self._prepare(body, routing_key, timeout, options)
        connection = self._connection
        in_io_thread = connection is not None and connection.is_current_thread
        self._admit(pending, wait=self._on_full == "block" and not in_io_thread)
        return pending.future

    async def asend(
        self,
        body: object,
        routing_key: str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - it goes with the message and ends in its own error
        **options: Unpack[MessageOptions],
    ) -> str:
        """Do as `publish`, in asyncio: other tasks run while this one waits for room and confirm."""
        pending = self._prepare(body, routing_key, timeout, options)
        connection = self._connect()
        while not self._unconfirmed.admit(pending, wait=False):
            left = pending.deadline - time.monotonic()
            if self._on_full == "raise" or left <= 0 or self._unconfirmed.closed:
                raise self._no_room(pending)
            await self._room(left)
        connection.submit(pending)
        return await asyncio.wrap_future(pending.future)

    def publish_many(
        self,
        bodies: Iterable[object],
        routing_key: str,
        *,
        timeout: float | None = None,
        **options: Unpack[MessageOptions],
    ) -> list[str]:
        """Publish a message for each body, many at a time, and return their ids once all are confirmed.

        Waits for room whatever `on_full` says. Raises PublishErrors with the index of each message that failed.
        """
        if "message_id" in options:
            raise TypeError("publish_many makes a message_id for each message; it takes none")
        self._refuse_in_io_thread("publish_many", "use submit() there")
        outcomes: list[Pending | ProducerError] = []
        for body in bodies:
            try:
                pending = self._prepare(body, routing_key, timeout, options)
                self._admit(pending, wait=True)
                outcomes.append(pending)
            except ProducerError as error:
                outcomes.append(error)
        ids, errors = [], {}
        for index, outcome in enumerate(outcomes):
            try:
                if isinstance(outcome, ProducerError):
                    raise outcome
                ids.append(self._result(outcome))
            except ProducerError as error:
                errors[index] = error
        if errors:
            raise PublishErrors(errors, total=len(outcomes))
        return ids

    # -- ending -------------------------------------------------------------------------------------------------

    def flush(self, timeout: float | None = None) -> None:
        """Wait until everything submitted so far has its result; PublishTimeout if that takes more seconds."""
        self._refuse_in_io_thread("flush", "call it in another thread")
        waiting, left = _wait_for_results(self._unconfirmed, self._timeout if timeout is None else timeout)
        if left:
            raise PublishTimeout(f"{left} of {waiting} messages are still without a confirm", written=True)

    def close(self, timeout: float | None = None) -> None:
        """Take no more messages, flush, and disconnect; what is left after the time-out fails with ProducerClosed."""
        self._refuse_in_io_thread("close", "call it in another thread")
        self._unconfirmed.close()
        with contextlib.suppress(PublishTimeout):
            self.flush(timeout)
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._unconfirmed.settle(self._unconfirmed.entries(), ProducerClosed("the producer was closed meanwhile"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- watching -----------------------------------------------------------------------------------------------

    @property
    def unconfirmed(self) -> int:
        """How many messages are on their way."""
        return len(self._unconfirmed)

    @property
    def blocked(self) -> bool:
        """Whether the broker has told us to stop publishing (a memory or disk alarm)."""
        connection = self._connection
        return connection is not None and connection.blocked

    @property
    def connected(self) -> bool:
        """Whether there is an open connection; there is none before the first publish."""
        connection = self._connection
        return connection is not None and connection.connected

    # -- the parts of a publish ---------------------------------------------------------------------------------

    def _prepare(self, body: object, routing_key: str, timeout: float | None, options: MessageOptions) -> Pending:
        timeout = self._timeout if timeout is None else timeout
        message = encode(body, routing_key, app_id=self._name, max_bytes=self._limits[2], **options)
        pending = Pending(message, time.monotonic() + timeout)
        pending.future.set_running_or_notify_cancel()  # from here on it cannot be cancelled: the message is ours
        return pending

    def _connect(self) -> Connection:
        connection = self._connection
        if connection is None:
            with self._lock:
                if self._unconfirmed.closed:
                    raise ProducerClosed("the producer is closed")
                if self._connection is None:
                    resolve(self._url, os.environ)  # a mistake in the settings is the caller's to see, at once
                    name = self._name or f"producer {socket.gethostname()}/{os.getpid()}"
                    self._connection = Connection(self._url, name, self._unconfirmed)
                    self._connection.start()
                    _connections.add(self._connection)
                connection = self._connection
        return connection

    def _admit(self, pending: Pending, *, wait: bool) -> None:
        connection = self._connect()
        if not self._unconfirmed.admit(pending, wait=wait):
            raise self._no_room(pending)
        connection.submit(pending)

    def _no_room(self, pending: Pending) -> ProducerError:
        message_id = pending.message.message_id
        if self._unconfirmed.closed:
            return ProducerClosed("the producer is closed", message_id=message_id)
        count = len(self._unconfirmed)
        return ProducerFull(f"{count} messages wait for their confirm, no room for another", message_id=message_id)

    def _result(self, pending: Pending) -> str:
        try:
            # The I/O thread ends each message at its deadline; the second is for the case that it is gone.
            return pending.future.result(max(0.0, pending.deadline - time.monotonic()) + 1.0)
        except concurrent.futures.TimeoutError:
            written = pending.awaiting or pending.in_doubt
            late = PublishTimeout("no confirm in time", message_id=pending.message.message_id, written=written)
            self._unconfirmed.settle([pending], late)
            return pending.future.result(0)

    async def _room(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        room = loop.create_future()

        def wake() -> None:
            if not room.done():
                room.set_result(None)

        def watcher() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
                loop.call_soon_threadsafe(wake)

        self._unconfirmed.watch_room(watcher)
        await asyncio.wait([room], timeout=seconds)

    def _refuse_in_io_thread(self, call: str, instead: str) -> None:
        connection = self._connection
        if connection is not None and connection.is_current_thread:
            raise ProducerError(f"{call}() in a callback of a future would wait for itself: {instead}")

    # -- end of the process and fork ----------------------------------------------------------------------------

    def _forget(self) -> None:
        closed = self._unconfirmed.closed
        self._reset()
        self._unconfirmed.closed = closed


def _wait_for_results(unconfirmed: Unconfirmed, seconds: float) -> tuple[int, int]:
    """Wait; give how many messages there were, and how many of them still have no result."""
    waiting = [pending.future for pending in unconfirmed.entries()]
    return len(waiting), len(concurrent.futures.wait(waiting, seconds).not_done)


def _flush_at_exit() -> None:
    # One after the other, but all within the same time.
    deadline = time.monotonic() + AT_EXIT_SECONDS
    for connection in list(_connections):
        _wait_for_results(connection.unconfirmed, max(0.0, deadline - time.monotonic()))
        if left := len(connection.unconfirmed):
            log.error("%d messages were not confirmed before the process ended", left)


def _forget_in_child() -> None:
    """Give each producer a new life in a forked child: no thread, no socket, none of the parent's messages."""
    for connection in list(_connections):
        connection.abandon()
    _connections.clear()
    for producer in list(_producers):
        producer._forget()  # noqa: SLF001 - of this module


atexit.register(_flush_at_exit)
os.register_at_fork(after_in_child=_forget_in_child)
