"""The fast lane's wire: passive `queue.declare` over one AMQP connection that never publishes.

A passive declare is answered from the queue process itself, so it is live where the management API's statistics are
5 to 10 s old. The connection must not publish: under a memory alarm RabbitMQ stops reading from connections that have,
while one that never did is answered as before.

pika allows one outstanding call per channel, so declares are spread over several channels.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pika
import pika.exceptions
from pika.adapters.asyncio_connection import AsyncioConnection

from qc_operator.brokers.credentials import Credentials
from qc_operator.scaling.observation import Depth, DepthReading, Missing, Unknown

NOT_FOUND = 404
ACCESS_REFUSED = 403
RESOURCE_LOCKED = 405


class BrokerError(Exception):
    """The broker cannot be used. `reason` is a CamelCase word, the message a sentence without secrets."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BrokerConnection:
    """One connection and its channels. Closed once, for ever: a new one is made to reconnect."""

    def __init__(self, *, credentials: Credentials, identity: str, declare_timeout: float) -> None:
        self._credentials = credentials
        self._identity = identity
        self._timeout = declare_timeout
        self._connection: AsyncioConnection | None = None
        self._idle: list[Any] = []
        self.closed: asyncio.Future[BrokerError] = asyncio.get_running_loop().create_future()
        """Done, with the cause, when the connection is gone."""

    async def open(self) -> None:
        """Connect and log in. Raises `BrokerError`."""
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()

        def on_end(_: object, error: BaseException) -> None:
            cause = self._explain(error)
            if not opened.done():
                opened.set_exception(cause)
            if not self.closed.done():
                self.closed.set_result(cause)

        self._connection = AsyncioConnection(
            parameters=self._parameters(),
            on_open_callback=lambda _: _settle(opened),
            on_open_error_callback=on_end,
            on_close_callback=on_end,
            custom_ioloop=loop,
        )
        await opened

    def _parameters(self) -> pika.ConnectionParameters:
        login = self._credentials
        return pika.ConnectionParameters(
            host=login.host,
            port=login.port,
            virtual_host=login.vhost,
            credentials=pika.PlainCredentials(login.username, login.password, erase_on_connect=True),
            # A half-open connection shows after two missed beats; the manual warns of false positives under 5 s.
            heartbeat=10,
            socket_timeout=5,
            stack_timeout=10,
            connection_attempts=1,
            client_properties={"connection_name": f"queueconsumer-operator {self._identity}"},
        )

    async def declare(self, queue: str) -> DepthReading:
        """Ask for one queue's ready messages and consumers.

        Returns `Missing` or `Unknown` for what the broker says of this queue alone; raises `BrokerError` when the
        connection is gone.
        """
        loop = asyncio.get_running_loop()
        channel = self._idle.pop() if self._idle else await self._channel()
        answer: asyncio.Future[DepthReading] = loop.create_future()

        def on_ok(frame: Any) -> None:
            if not answer.done():
                method = frame.method
                answer.set_result(Depth(ready=method.message_count, consumers=method.consumer_count, at=loop.time()))

        def on_close(_: object, error: BaseException) -> None:
            if not answer.done():
                answer.set_result(self._refusal(error, at=loop.time()))

        channel.qc_on_close = on_close
        try:
            channel.queue_declare(queue, passive=True, callback=on_ok)
            reading = await asyncio.wait_for(answer, timeout=self._timeout)
        except TimeoutError:
            self._give_up(channel)
            return Unknown(
                cause="DeclareTimeout",
                message=f"no answer to a passive declare within {self._timeout:.0f} s",
                at=loop.time(),
            )
        except pika.exceptions.AMQPError as error:
            raise self._explain(error) from None
        if channel.is_open:
            self._idle.append(channel)
        if self.closed.done():
            raise self.closed.result()
        return reading

    async def _channel(self) -> Any:
        """Open a channel whose close is passed on to the declare that is under way on it."""
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._connection is None or not self._connection.is_open:
            raise self.closed.result() if self.closed.done() else BrokerError("BrokerUnreachable", "not connected")
        try:
            channel = self._connection.channel(on_open_callback=lambda _: _settle(opened))
        except pika.exceptions.AMQPError as error:
            # Also when there are no free channels: those given up on a stuck queue end with the connection.
            raise self._explain(error) from None

        def on_close(closed: Any, error: BaseException) -> None:
            if not opened.done():
                opened.set_exception(self._explain(error))
            closed.qc_on_close(closed, error)

        channel.qc_on_close = lambda *_: None
        channel.add_on_close_callback(on_close)
        try:
            await asyncio.wait_for(opened, timeout=self._timeout)
        except TimeoutError:
            raise BrokerError("BrokerUnreachable", "the broker did not open a channel in time") from None
        return channel

    def _give_up(self, channel: Any) -> None:
        """Close a channel that does not answer; its late answer, if any, is dropped with it."""
        if channel.is_open:
            channel.close()

    def _refusal(self, error: BaseException, *, at: float) -> DepthReading:
        """Tell a channel's close apart: not every 404 means that the queue is missing."""
        if isinstance(error, pika.exceptions.ChannelClosedByBroker):
            text = str(error.reply_text)
            if error.reply_code == NOT_FOUND and "no queue" in text:
                return Missing(message=text, at=at)
            causes = {NOT_FOUND: "QueueDown", ACCESS_REFUSED: "AccessRefused", RESOURCE_LOCKED: "QueueExclusive"}
            return Unknown(cause=causes.get(error.reply_code, "ChannelClosed"), message=text, at=at)
        return Unknown(cause="ChannelClosed", message=str(self._explain(error)), at=at)

    def _explain(self, error: BaseException) -> BrokerError:
        """Put pika's exception into a reason and a sentence."""
        where = f"broker {self._credentials.endpoint}, vhost {self._credentials.vhost}"
        if isinstance(error, BrokerError):
            return error
        if isinstance(error, pika.exceptions.ProbableAuthenticationError):
            return BrokerError(
                "AuthenticationFailed",
                f"{where} refused user {self._credentials.username}: check username and password",
            )
        if isinstance(error, pika.exceptions.ProbableAccessDeniedError):
            missing = "not found" in str(error)
            reason = "VhostNotFound" if missing else "AccessRefused"
            words = "does not exist" if missing else f"is closed to user {self._credentials.username}"
            return BrokerError(reason, f"{where}: the vhost {words}")
        return BrokerError("BrokerUnreachable", f"{where} cannot be reached: {_innermost(error)}")

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


def _innermost(error: BaseException) -> str:
    """The cause that says something: pika wraps a refused connection three times over."""
    while True:
        inner = [*getattr(error, "exceptions", ()), getattr(error, "exception", None), *error.args]
        wrapped = [cause for cause in inner if isinstance(cause, BaseException)]
        if not wrapped:
            return str(error) or type(error).__name__
        error = wrapped[-1]
