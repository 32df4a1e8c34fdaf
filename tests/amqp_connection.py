"""One AMQP connection by a login of the operator's, as plain as pika's asyncio adapter makes them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pika
from pika.adapters.asyncio_connection import AsyncioConnection

from qc_operator.brokers.login import Login


class AmqpConnection:
    """An open connection. `closed` is done, with the error, when it has come to an end."""

    def __init__(self, connection: Any, closed: asyncio.Future[BaseException]) -> None:
        self.connection = connection
        self.closed = closed

    async def declare(self, queue: str) -> Any:
        """Ask for a queue; return the broker's answer, or the error that the channel was closed with."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def settle(value: object) -> None:
            if not answer.done():
                answer.set_result(value)

        def ask(channel: Any) -> None:
            channel.add_on_close_callback(lambda _, error: settle(error))
            channel.queue_declare(queue, passive=True, callback=settle)

        self.connection.channel(on_open_callback=ask)
        return await asyncio.wait_for(answer, timeout=10)

    async def update_secret(self, token: str) -> None:
        """Hand over a new token."""
        updated: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.connection.update_secret(token, "renewal", updated.set_result)
        await asyncio.wait_for(updated, timeout=10)


@asynccontextmanager
async def connected(login: Login, *, host: str, port: int, vhost: str) -> AsyncIterator[AmqpConnection]:
    """Connect; raises what pika has to say if that fails."""
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[None] = loop.create_future()
    closed: asyncio.Future[BaseException] = loop.create_future()
    parameters = pika.ConnectionParameters(
        host, port, vhost, await login.sasl(), ssl_options=login.tls_options(host), connection_attempts=1,
        socket_timeout=5, stack_timeout=10,
    )  # fmt: skip
    connection = AsyncioConnection(
        parameters=parameters,
        on_open_callback=lambda _: opened.set_result(None),
        on_open_error_callback=lambda _, error: opened.set_exception(error),
        on_close_callback=lambda _, error: closed.set_result(error),
        custom_ioloop=loop,
    )
    await opened
    try:
        yield AmqpConnection(connection, closed)
    finally:
        if connection.is_open:
            connection.close()
        await asyncio.wait_for(closed, timeout=10)
