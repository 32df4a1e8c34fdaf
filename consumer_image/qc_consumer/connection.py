"""A connection to the broker that comes back: credentials read anew, full jitter, one line of log per failure."""

import logging
import os
import random
import ssl
from collections.abc import Callable
from typing import Any

import pika
from pika import exceptions

from qc_consumer.endpoint import Endpoint, resolve
from qc_consumer.errors import ConsumerError
from qc_consumer.io_loop import IoLoop

log = logging.getLogger("qc_consumer")

FIRST_RETRY, LOWEST_CEILING, HIGHEST_CEILING = 0.05, 0.5, 30.0
"""Seconds: the first retry comes at once, the others at random below a ceiling that doubles from 0.5 to 30."""


class Connection:
    """One AMQP connection after the other on the shared loop; used in the I/O thread only."""

    def __init__(
        self,
        loop: IoLoop,
        *,
        url: str | None,
        name: str,
        on_open: Callable[[Any], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._url = url
        self._name = name
        self._on_open_callback = on_open
        self._on_lost_callback = on_lost
        self._connection: Any = None
        self._attempts = 0
        self._started = False
        self._closing = False
        self._on_closed: Callable[[], None] | None = None
        self._where = ""
        """The broker that was tried last, in words; nothing while it is not known where it is."""

    @property
    def is_open(self) -> bool:
        """Whether the connection can be used now."""
        return self._connection is not None and bool(self._connection.is_open)

    def start(self) -> None:
        """Connect, and go on doing so; harmless if repeated."""
        if not self._started:
            self._started = True
            self._connect()

    def settled(self) -> None:
        """Say that this connection does its work: the next failure is retried at once again."""
        self._attempts = 0

    def close(self, on_closed: Callable[[], None]) -> None:
        """Say goodbye, so that what was sent before is known to have arrived, and call back."""
        self._closing = True
        if self._connection is None:
            on_closed()
            return
        self._on_closed = on_closed
        if not (self._connection.is_closing or self._connection.is_closed):
            self._connection.close()

    def abort(self) -> None:
        """Drop the connection without a goodbye."""
        connection = self._connection
        if connection is None:
            return
        transport = getattr(connection, "_transport", None)
        if transport is not None:
            transport.abort()  # ends in _lost; pika has no public way to do this
        else:
            self._lost(connection, ConnectionError("given up while connecting"))

    def _connect(self) -> None:
        if self._closing:
            return
        try:
            parameters = _parameters(resolve(self._url, os.environ), self._name)
        except (ConsumerError, OSError, ValueError) as error:
            self._where = ""
            self._retry(describe(error))
            return
        self._where = f" at {parameters.host}:{parameters.port}"
        self._connection = pika.SelectConnection(
            parameters,
            on_open_callback=self._opened,
            on_open_error_callback=self._lost,
            on_close_callback=self._lost,
            custom_ioloop=self._loop.native,
        )

    def _opened(self, connection: Any) -> None:
        log.info("connected to RabbitMQ at %s:%s", connection.params.host, connection.params.port)
        self._on_open_callback(connection)

    def _lost(self, connection: Any, error: BaseException) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        reason = describe(error)
        self._on_lost_callback(reason)
        if self._on_closed is not None:
            self._on_closed()
        elif not self._closing:
            self._retry(reason)

    def _retry(self, reason: str) -> None:
        ceiling = min(HIGHEST_CEILING, LOWEST_CEILING * 2 ** min(self._attempts, 10)) if self._attempts else FIRST_RETRY
        self._attempts += 1
        delay = random.uniform(0, ceiling)  # noqa: S311 - spreads retries, no secret
        log.warning("no connection to RabbitMQ%s, next try in %.1f s: %s", self._where, delay, reason)
        self._loop.later(delay, self._connect)


def describe(error: BaseException) -> str:
    """Say in one line why a connection or channel failed; pika wraps the cause several times."""
    while True:
        causes = [*(getattr(error, "exceptions", None) or error.args), getattr(error, "exception", None)]
        nested = [cause for cause in causes if isinstance(cause, BaseException)]
        if not nested:
            break
        error = nested[-1]
    if isinstance(error, exceptions.ConnectionClosed | exceptions.ChannelClosed):
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
        socket_timeout=5,
        stack_timeout=10,
        # Under an alarm the publishing connection waits; its deliveries stay unacknowledged meanwhile.
        blocked_connection_timeout=None,
        ssl_options=tls,
        client_properties={"connection_name": name, "product": "qc_consumer"},
    )
