"""How long one sweep takes: all queues due at once, read over the fast lane's one connection."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from base64 import b64encode

import aiohttp

from bench.reader_broker import queue_name
from bench.reader_child import serve
from qc_operator.brokers.agenda import Agenda
from qc_operator.brokers.amqp import BrokerConnection
from qc_operator.brokers.binding import from_secret
from qc_operator.brokers.declares import Question
from qc_operator.brokers.fast_lane import FastLane
from qc_operator.brokers.login import Login
from qc_operator.brokers.pulse import PULSE
from qc_operator.scaling.observation import Depth, DepthReading
from qc_operator.settings import ReadingSettings

SWEEP_WITHIN = 30.0


class _Sweeper:
    """Makes all questions due, and waits until the last one is answered."""

    def __init__(self, *, connection: BrokerConnection, queues: int) -> None:
        self._agenda = Agenda()
        self._questions = [Question(queue=queue_name(number)) for number in range(queues)]
        self._left = 0
        self._done = asyncio.Event()
        self.lane = FastLane(
            connection=connection,
            settings=ReadingSettings(),
            agenda=self._agenda,
            on_reading=self._read,
        )

    def _read(self, question: Question, reading: DepthReading) -> None:
        question.proven = isinstance(reading, Depth)
        self._left -= 1
        if not self._left:
            self._done.set()

    async def sweep(self) -> float:
        """Seconds until all are read."""
        self._left = len(self._questions)
        self._done.clear()
        began = time.monotonic()
        now = asyncio.get_running_loop().time()
        for question in self._questions:
            self._agenda.set(question, due=now)
        self.lane.arm(now)
        async with asyncio.timeout(SWEEP_WITHIN):
            await self._done.wait()
        return time.monotonic() - began


async def sweeps(*, secret: dict[str, str], queues: int, times: int) -> list[float]:
    """Seconds of each sweep. The first does not count: nothing was known of the queues."""
    data = {key: b64encode(value.encode()).decode() for key, value in secret.items()}
    credentials = from_secret(data=data, secret="bench/sweep", vhost=None)  # noqa: S106 - its name
    timeout = ReadingSettings().declare_timeout
    async with aiohttp.ClientSession() as session:
        login = Login(credentials=credentials, session=session)
        host = credentials.hosts[0]
        connection = BrokerConnection(
            credentials=credentials, host=host, login=login, identity="bench/sweep", timeout=timeout
        )
        await connection.open()
        sweeper = _Sweeper(connection=connection, queues=queues)
        running = asyncio.create_task(sweeper.lane.run())
        try:
            taken = []
            for _ in range(1 + times):
                taken.append(await sweeper.sweep())
                await asyncio.sleep(2 * PULSE)
            return taken[1:]
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await connection.close()


if __name__ == "__main__":
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    sys.exit(asyncio.run(serve({"sweeps": sweeps})))
