"""The I/O thread: one pika SelectConnection after the other on one loop, from the first publish to `close`.

pika's objects are not thread-safe; only `add_callback_threadsafe` of the loop is, so callers append to a queue and
wake the loop. The loop lives as long as the thread, connections come and go on it, so that a wake-up is never lost.
"""

import contextlib
import logging
import os
import random
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import pika
from pika import exceptions
from pika.adapters.select_connection import IOLoop

from qc_producer.endpoint import Endpoint, resolve
from qc_producer.errors import BrokerUnavailable, ProducerClosed, ProducerError, PublishTimeout, Rejected
from qc_producer.message import DEFAULT_FRAME_MAX
from qc_producer.publishing import Publishing
from qc_producer.unconfirmed import NEVER, Pending, Unconfirmed

log = logging.getLogger("qc_producer")

FIRST_RETRY, LOWEST_CEILING, HIGHEST_CEILING = 0.05, 0.5, 30.0
"""Seconds: the first retry comes at once, the others at random below a ceiling that doubles from 0.5 to 30."""

CLOSE_SECONDS = 2.0
"""How long the broker may take to answer our goodbye."""


class Connection:
    """Keeps a connection for the messages of one producer."""

    def __init__(self, url: str | None, name: str, unconfirmed: Unconfirmed) -> None:
        self._url = url
        self._name = name
        self.unconfirmed = unconfirmed
        """The messages of this connection, for who waits for them."""
        self._loop = IOLoop()
        self._publishing = Publishing(unconfirmed, later=self._later)
        self._connection: Any = None
        self._trouble = "not connected yet"
        self._attempts = 0
        self._closing = False
        self._waking = False
        self._sweep_at = NEVER
        # A daemon, so that an interpreter that ends is never held up; atexit gives it the time to flush.
        self._thread = threading.Thread(target=self._run, name="qc_producer", daemon=True)

    # -- called from any thread ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def submit(self, pending: Pending) -> None:
        """Write the message as soon as that is possible."""
        self._publishing.queued.append(pending)
        if not self._waking:
            self._waking = True
            self._loop.add_callback_threadsafe(self._guarded(self._on_wake))

    @property
    def is_current_thread(self) -> bool:
        """Whether the caller is the I/O thread, which must not wait for itself."""
        return threading.current_thread() is self._thread

    @property
    def blocked(self) -> bool:
        """Whether the broker has told us to stop publishing (a memory or disk alarm)."""
        return self._publishing.blocked

    @property
    def connected(self) -> bool:
        """Whether there is an open connection."""
        connection = self._connection
        return connection is not None and bool(connection.is_open)

    def close(self) -> None:
        """End the connection and the thread; waits about as long as the broker may take to answer."""
        self._loop.add_callback_threadsafe(self._guarded(self._shut_down))
        if not self.is_current_thread:
            self._thread.join(CLOSE_SECONDS + 1)

    def abandon(self) -> None:
        """Forget the connection in a forked child, without a word on the socket that the parent goes on using."""
        # pika's own ways of closing shut the connection down for the parent as well; closing the file descriptor
        # does not. Left open, it would keep the connection half alive after the parent's death.
        transport = getattr(self._connection, "_transport", None)
        with contextlib.suppress(AttributeError, OSError):
            os.close(transport._sock.detach())  # type: ignore[union-attr]  # noqa: SLF001 - pika has no name for it

    # -- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._later(0, self._connect)
        while True:
            try:
                self._loop.start()
                break
            except Exception:
                # An exception in a callback of pika's own ends its loop (pika issue 1687). Timers may be lost with
                # it, so nothing of that connection is trusted any more.
                log.exception("error in the I/O loop, connecting anew")
                self._abort()
        self.unconfirmed.settle(self.unconfirmed.entries(), ProducerClosed("the producer was closed meanwhile"))
        self._loop.close()

    def _guarded(self, callback: Callable[[], None]) -> Callable[[], None]:
        def call() -> None:
            try:
                callback()
            except Exception:
                log.exception("error in the I/O thread, connecting anew")
                self._abort()

        return call

    def _later(self, delay: float, callback: Callable[[], None]) -> None:
        self._loop.call_later(delay, self._guarded(callback))

    def _on_wake(self) -> None:
        self._waking = False
        self._publishing.pump()
        self._arm_sweep()

    # -- deadlines ----------------------------------------------------------------------------------------------

    def _arm_sweep(self) -> None:
        earliest = self.unconfirmed.earliest
        if earliest < self._sweep_at:
            self._sweep_at = earliest
            self._later(max(0.0, earliest - time.monotonic()), self._sweep)

    def _sweep(self) -> None:
        self._sweep_at = NEVER
        for pending in self.unconfirmed.expired(time.monotonic()):
            self.unconfirmed.settle([pending], self._overdue(pending))
        self._arm_sweep()

    def _overdue(self, pending: Pending) -> ProducerError:
        message_id = pending.message.message_id
        if pending.returned is not None:
            return pending.returned
        if pending.awaiting or pending.in_doubt:
            why = "the broker blocks publishers" if self.blocked else self._state()
            return PublishTimeout(
                f"no confirm in time ({why}); the message may have arrived: publish it again with the same message_id",
                message_id=message_id,
                written=True,
            )
        if pending.refusals:
            return Rejected(
                f"the broker refused the message {pending.refusals} times: is a queue full (reject-publish)?",
                message_id=message_id,
            )
        if not self.connected:
            return BrokerUnavailable(f"no connection to the broker in time: {self._trouble}", message_id=message_id)
        why = "the broker blocks publishers (memory or disk alarm)" if self.blocked else "too much before it"
        return PublishTimeout(f"not sent in time: {why}", message_id=message_id)

    def _state(self) -> str:
        return "the broker has not answered" if self.connected else f"the connection was lost: {self._trouble}"

    # -- connecting ---------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if self._closing:
            return
        try:
            parameters = _parameters(resolve(self._url, os.environ), self._name)
        except (ProducerError, OSError, ValueError) as error:
            self._retry(error)
            return
        self._connection = pika.SelectConnection(
            parameters,
            on_open_callback=self._on_open,
            on_open_error_callback=self._on_lost,
            on_close_callback=self._on_lost,
            custom_ioloop=self._loop,
        )

    def _on_open(self, connection: Any) -> None:
        connection.add_on_connection_blocked_callback(self._on_blocked)
        connection.add_on_connection_unblocked_callback(self._on_unblocked)
        log.info("connected to RabbitMQ at %s:%s", connection.params.host, connection.params.port)
        self._publishing.connected(connection)

    def _on_lost(self, connection: Any, error: BaseException) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        if self._publishing.confirmed_once:
            self._attempts = 0
        self._publishing.disconnected()
        if self._closing:
            self._loop.stop()
        else:
            self._retry(error)

    def _retry(self, error: BaseException) -> None:
        self._trouble = describe(error)
        ceiling = min(HIGHEST_CEILING, LOWEST_CEILING * 2 ** min(self._attempts, 10)) if self._attempts else FIRST_RETRY
        self._attempts += 1
        delay = random.uniform(0, ceiling)  # noqa: S311 - spreads retries, no secret
        log.warning("no connection to RabbitMQ, next try in %.1f s: %s", delay, self._trouble)
        self._later(delay, self._connect)

    def _on_blocked(self, _connection: Any, frame: Any) -> None:
        log.warning("the broker blocks publishers: %s", frame.method.reason)
        self._publishing.blocked = True

    def _on_unblocked(self, _connection: Any, _frame: Any) -> None:
        log.info("the broker lets publishers go on")
        self._publishing.blocked = False
        self._publishing.pump()

    # -- ending -------------------------------------------------------------------------------------------------

    def _shut_down(self) -> None:
        self._closing = True
        if self._connection is None:
            self._loop.stop()
            return
        # A broker that blocks publishers does not read our goodbye either.
        self._later(CLOSE_SECONDS, self._abort)
        if not (self._connection.is_closing or self._connection.is_closed):
            self._connection.close()

    def _abort(self) -> None:
        connection = self._connection
        if connection is None:
            if self._closing:
                self._loop.stop()
            return
        transport = getattr(connection, "_transport", None)
        if transport is not None:
            transport.abort()  # ends in _on_lost; pika has no public way to drop a connection without a goodbye
        else:
            self._on_lost(connection, ConnectionError("given up while connecting"))


def describe(error: BaseException) -> str:
    """Say in one line why a connection failed; pika wraps the cause several times."""
    while True:
        causes = [*(getattr(error, "exceptions", None) or error.args), getattr(error, "exception", None)]
        nested = [cause for cause in causes if isinstance(cause, BaseException)]
        if not nested:
            break
        error = nested[-1]
    if isinstance(error, exceptions.ConnectionClosed):
        return f"{error.reply_code} {error.reply_text}"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _parameters(endpoint: Endpoint, name: str) -> Any:
    tls = None
    if endpoint.tls:
        context = ssl.create_default_context(cafile=endpoint.ca_file)
        if endpoint.cert_file:
            context.load_cert_chain(endpoint.cert_file, endpoint.key_file)
        tls = pika.SSLOptions(context, endpoint.host)
    return pika.ConnectionParameters(
        host=endpoint.host,
        port=endpoint.port,
        virtual_host=endpoint.vhost,
        credentials=pika.PlainCredentials(endpoint.username, endpoint.password),
        heartbeat=endpoint.heartbeat,
        frame_max=DEFAULT_FRAME_MAX,
        socket_timeout=5,
        stack_timeout=10,
        # The deadline of each message bounds the wait; a time-out here would only drop what was written.
        blocked_connection_timeout=None,
        ssl_options=tls,
        client_properties={"connection_name": name, "product": "qc_producer"},
    )
