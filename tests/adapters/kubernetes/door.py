"""A TCP relay between a client and a server on loopback: it can be shut, and it can let nothing through any more."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"


class Door:
    """Relays connections to a port. `port` is its own."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._open = asyncio.Event()
        self._open.set()
        self._connections: dict[asyncio.Task[None], asyncio.Event] = {}
        self.port = 0
        self.opened = 0
        """How many connections there have been."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self.cut()
        # The clients' ends, too, are closed before the loop is: of a frozen connection nobody has said good-bye.
        await asyncio.sleep(0.1)

    async def shut(self) -> None:
        """End all connections and refuse others."""
        self._open.clear()
        await self.cut()

    def open(self) -> None:
        """Let connections in again."""
        self._open.set()

    async def cut(self) -> None:
        """End all connections; others may come."""
        ending = tuple(self._connections)
        for connection in ending:
            connection.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def freeze(self) -> None:
        """Let nothing more through the connections that there are, as a firewall that has forgotten them does."""
        for passing in self._connections.values():
            passing.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if not self._open.is_set():
            writer.transport.abort()
            return
        self.opened += 1
        passing = self._connections[task] = asyncio.Event()
        passing.set()
        try:
            there, back = await asyncio.open_connection(HOST, self._server_port)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._relay(reader, back, passing))
                    group.create_task(self._relay(there, writer, passing))
            finally:
                back.transport.abort()
        except (OSError, asyncio.CancelledError, ExceptionGroup):
            pass
        finally:
            writer.transport.abort()
            del self._connections[task]

    async def _relay(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, passing: asyncio.Event) -> None:
        while data := await source.read(65536):
            await passing.wait()
            sink.write(data)
            await sink.drain()
        with contextlib.suppress(OSError):
            sink.write_eof()
