"""The connection that queues are read over. It never publishes.

Under a memory or disk alarm RabbitMQ stops reading from connections that have published; one that never did is
answered as before (rabbitmq.com/docs/alarms).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pika
import pika.exceptions
from pika.adapters.asyncio_connection import AsyncioConnection

from qc_operator.brokers import trouble
from qc_operator.brokers.amqp_services import IOServices
from qc_operator.brokers.credentials import Credentials, LoginError
from qc_operator.brokers.login import Login
from qc_operator.brokers.tls import tls_problem

HEARTBEAT = 10
"""Seconds. The manual warns of false positives under 5; a half-open connection shows in the declares much sooner."""

VHOST_DELETED = re.compile(r"CONNECTION_FORCED - vhost '.*' is deleted", re.DOTALL)
"""What 3.10 and 4.3 say as they end the connections to a vhost that is being deleted."""


class BrokerError(Exception):
    """The broker cannot be used. `reason` is a CamelCase word, the message a sentence without secrets."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BrokerConnection:
    """One connection to one of the broker's hosts. Closed once, for ever: a new one is made to reconnect."""

    def __init__(
        self, *, credentials: Credentials, host: tuple[str, int], login: Login, identity: str, timeout: float
    ) -> None:
        self._credentials = credentials
        self._host, self._port = host
        self._login = login
        self._identity = identity
        self._timeout = timeout
        self._connection: AsyncioConnection | None = None
        self.closed: asyncio.Future[BrokerError] = asyncio.get_running_loop().create_future()
        """Done, with the cause, when the connection is gone."""
        self.lifetime: float | None = None
        """Seconds from the login on after which `renew_login` is due; None: never."""

    async def open(self) -> None:
        """Connect and log in. Raises `BrokerError`."""
        loop = asyncio.get_running_loop()
        try:
            parameters = await self._parameters()
            self.lifetime = self._login.lifetime
        except LoginError as error:
            raise BrokerError(error.reason, f"{self.where}: {error}") from None
        opened: asyncio.Future[None] = loop.create_future()

        def on_end(_: object, error: BaseException) -> None:
            cause = self.explain(error)
            if not opened.done():
                opened.set_exception(cause)
            if not self.closed.done():
                self.closed.set_result(cause)

        self._connection = AsyncioConnection(
            parameters=parameters,
            on_open_callback=lambda _: _settle(opened),
            on_open_error_callback=on_end,
            on_close_callback=on_end,
            custom_ioloop=IOServices(loop),
        )
        await opened

    async def _parameters(self) -> pika.ConnectionParameters:
        return pika.ConnectionParameters(
            host=self._host,
            port=self._port,
            virtual_host=self._credentials.vhost,
            credentials=await self._login.sasl(),
            ssl_options=self._login.tls_options(self._host),
            heartbeat=HEARTBEAT,
            socket_timeout=trouble.CONNECT_WITHIN,
            stack_timeout=trouble.LOGIN_WITHIN,
            connection_attempts=1,
            client_properties={"connection_name": f"queueconsumer-operator {self._identity}"},
        )

    async def channel(self, *, on_close: Callable[[BaseException], None]) -> Any:
        """Open a channel. `on_close` is called with pika's error when it ends. Raises `BrokerError`."""
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._connection is None or not self._connection.is_open:
            raise self.closed.result() if self.closed.done() else self.unreachable("not connected")
        try:
            channel = self._connection.channel(on_open_callback=lambda _: _settle(opened))
        except pika.exceptions.AMQPError as error:
            raise self.explain(error) from None

        def ended(_: object, error: BaseException) -> None:
            if not opened.done():
                opened.set_exception(self.explain(error))
            on_close(error)

        channel.add_on_close_callback(ended)
        try:
            async with asyncio.timeout(self._timeout):
                await opened
        except TimeoutError:
            # A broker that is paused or cut off: TCP alone would not notice for many minutes.
            raise self.unreachable(f"it has not opened a channel within {self._timeout:.0f} s") from None
        return channel

    def write(self, frames: bytes) -> None:
        """Send frames that are ready made. Raises `BrokerError`.

        One write for a batch costs 7 us per declare where pika's own way, a write for each, costs 12, and the broker
        wakes up once.
        """
        if self._connection is None or not self._connection.is_open:
            raise self.closed.result() if self.closed.done() else self.unreachable("not connected")
        self._connection._output_marshaled_frames([frames])  # noqa: SLF001 - pika has no public way to write a batch

    async def renew_login(self) -> None:
        """Hand a new token over before the old one ends. Raises `LoginError`, and sets `lifetime` in either case."""
        try:
            secret = await self._login.renew()
        finally:
            self.lifetime = self._login.lifetime
        if self._connection is not None and self._connection.is_open:
            self._connection.update_secret(secret, "the token is about to end")

    @property
    def where(self) -> str:
        """Broker and vhost, for sentences."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"broker {host}:{self._port}, vhost {self._credentials.vhost}"

    def unreachable(self, detail: str) -> BrokerError:
        """The error of a broker that does not answer."""
        return BrokerError("BrokerUnreachable", f"{self.where} cannot be reached: {detail}")

    def explain(self, error: BaseException) -> BrokerError:
        """Put pika's exception into a reason and a sentence."""
        if isinstance(error, BrokerError):
            return error
        if isinstance(error, pika.exceptions.ProbableAuthenticationError):
            words = f"refused {self._credentials.who}: check what the Secret gives"
            return BrokerError("AuthenticationFailed", f"{self.where} {words}")
        if isinstance(error, pika.exceptions.ProbableAccessDeniedError):
            return self._explain_not_allowed(str(error))
        if problem := tls_problem(error):
            return BrokerError("CertificateInvalid", f"{self.where}: {problem}")
        if isinstance(error, pika.exceptions.ConnectionClosedByBroker):
            return self._explain_goodbye(error.reply_text)
        return self.unreachable(trouble.of_amqp(error, in_the_clear=self._credentials.tls is None))

    def _explain_goodbye(self, text: str) -> BrokerError:
        if VHOST_DELETED.fullmatch(text):
            return self._vhost_not_found()
        return BrokerError("BrokerClosedConnection", f"{self.where} closed the connection: {text}")

    def _explain_not_allowed(self, text: str) -> BrokerError:
        """530 (NOT_ALLOWED) at connect has several causes, which only the text tells apart."""
        if "not found" in text:
            return self._vhost_not_found()
        if "refused" in text:
            words = f"the vhost is closed to {self._credentials.who}; grant a permission there, which may be empty"
            return BrokerError("AccessRefused", f"{self.where}: {words}")
        return BrokerError("VhostUnavailable", f"{self.where}: {text}")

    def _vhost_not_found(self) -> BrokerError:
        return BrokerError("VhostNotFound", f"{self.where}: the vhost does not exist")

    async def close(self) -> None:
        """Close, and wait at most a declare's time-out for the broker's word."""
        connection = self._connection
        if connection is None or self.closed.done():
            return
        if not (connection.is_closing or connection.is_closed):
            connection.close()  # Also while it is still being opened: its socket must not be left behind.
        await asyncio.wait([self.closed], timeout=self._timeout)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
