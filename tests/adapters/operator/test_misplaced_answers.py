"""A broker, or something on the way to it, that tells of another queue than the one it was asked about."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from qc_operator.scaling.observation import Depth
from tests.adapters.operator.conftest import Bench, SecretStore
from tests.rabbitmq_vhost import Vhost


class Renaming:
    """Passes bytes on in both directions; while `on`, the broker's have another queue's name in them."""

    def __init__(self, vhost: Vhost) -> None:
        self._vhost = vhost
        self.on = True
        self.port = 0
        self._passing: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator["Renaming"]:
        """Serve for the block."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._passing:
                task.cancel()
            await asyncio.gather(*self._passing, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        above, below = await asyncio.open_connection(self._vhost.host, self._vhost.port)
        for source, sink, renamed in ((reader, below, False), (above, writer, True)):
            task = asyncio.create_task(self._pass(source, sink, renamed=renamed))
            self._passing.add(task)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, renamed: bool) -> None:
        with contextlib.closing(sink):
            while passed := await source.read(1 << 16):
                sink.write(passed.replace(b"\x06orders", b"\x06others") if renamed and self.on else passed)


async def test_a_depth_of_another_queue_is_never_believed_and_the_connection_is_made_anew(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    any_vhost.declare("orders")
    any_vhost.publish("orders", [b"work"] * 3)
    async with Renaming(any_vhost).serve() as renaming:
        secrets.put(any_vhost, host="127.0.0.1", port=str(renaming.port))
        feed = reading.open("orders")
        seen = await reading.until(feed, lambda queue: getattr(queue.depth, "cause", "") == "BrokerUnreachable")
        assert "asked about queue 'orders', it told of 'others'" in seen.depth.message

        renaming.on = False
        seen = await reading.until(feed, lambda queue: isinstance(queue.depth, Depth))
        assert 3 == seen.depth.ready
        feed.close()
        await reading.feeds.close()
