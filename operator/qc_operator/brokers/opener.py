"""Opens channels while others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from qc_operator.brokers.amqp import BrokerConnection, BrokerError
from qc_operator.brokers.declares import DeclareChannel
from qc_operator.brokers.tracks import Track


class ChannelOpener:
    """Each track gets its channel when the broker has opened it."""

    def __init__(
        self,
        *,
        connection: BrokerConnection,
        make: Callable[[], DeclareChannel],
        on_open: Callable[[], None],
        on_error: Callable[[BrokerError], None],
    ) -> None:
        self._connection = connection
        self._make = make
        self._on_open = on_open
        self._on_error = on_error
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, track: Track) -> None:
        """Open one more channel for a track."""
        task = asyncio.create_task(self._open(track))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, track: Track) -> None:
        channel = self._make()
        try:
            await channel.open(self._connection)
        except BrokerError as error:
            self._on_error(error)
            return
        track.take_in(channel)
        self._on_open()

    def stop(self) -> None:
        """Give up those that are not open yet."""
        for task in self._tasks:
            task.cancel()
