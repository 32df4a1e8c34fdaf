"""Brokers whose host names nobody resolves, and two others beside them: a program for a network namespace of its own.

The name server there takes every question and answers none, so that the C library waits for 10 s and more. Prints, as
JSON, how many seconds it took until the other brokers were connected to, and what is told of the first ones.
"""

import asyncio
import json
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from math import inf

from qc_operator.brokers import QueueSource
from qc_operator.brokers.feed import QueueFeed
from qc_operator.brokers.feeds import SecretFeeds
from qc_operator.brokers.web import open_session
from qc_operator.settings import ReadingSettings

SILENT = 40
"""More than an event loop has threads, on any machine: 32 at most."""
PORTS = {"AMQP": 5672, "management": 15672, "metrics": 15692}
OTHERS = {"localhost": "127.0.0.1", "127.0.0.2": "127.0.0.2"}
"""One is a name in the machine's own file of hosts, one an address."""
SAID = "no name server has told the address"
PATIENCE = 15.0


class NameServer(asyncio.DatagramProtocol):
    """Notes the names that it is asked for."""

    def __init__(self) -> None:
        self.asked: set[bytes] = set()

    def datagram_received(self, data: bytes, _: object) -> None:
        self.asked.add(data[13 : 13 + data[12]])  # The first label, behind a header of 12 bytes (RFC 1035, 4.1).


class Doors:
    """Servers that say nothing, and when each was first connected to."""

    def __init__(self) -> None:
        self.opened_at: dict[tuple[str, int], float] = {}

    async def listen(self, address: str, port: int) -> None:
        def come(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.opened_at.setdefault((address, port), time.monotonic())
            writer.close()

        await asyncio.start_server(come, address, port)


async def secret(_: str, name: str) -> Mapping[str, str]:
    """The Secret of a broker whose host has the Secret's name."""
    keys = {"host": name, "username": "u", "password": "p", "metrics_uri": f"http://{name}:{PORTS['metrics']}"}
    return {key: b64encode(value.encode()).decode() for key, value in keys.items()}


def totals_of(feed: QueueFeed) -> str:
    """Why the totals of its queue are not known."""
    return getattr(feed.observe()[0].queues[0].totals, "message", "")


async def met(condition: Callable[[], object]) -> None:
    """Wait for it, up to a limit."""
    until = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < until:  # noqa: ASYNC110 - it is looked at from outside
        await asyncio.sleep(0.02)


async def main() -> dict[str, object]:
    """Read from all of them."""
    _, server = await asyncio.get_running_loop().create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 53))
    doors = Doors()
    for address in OTHERS.values():
        for port in PORTS.values():
            await doors.listen(address, port)
    async with open_session() as session:
        feeds = SecretFeeds(secret_data=secret, settings=ReadingSettings(), identity="test", session=session)

        def read(host: str) -> QueueFeed:
            queues = [QueueSource(name="orders")]
            return feeds.open(namespace="ns", secret=host, vhost=None, queues=queues, notify=lambda: None)

        unresolved = [read(f"silent-{number}.example") for number in range(SILENT)]
        await met(lambda: len(server.asked) > 1)
        began = time.monotonic()
        for host in OTHERS:
            read(host)
        await met(lambda: len(doors.opened_at) == len(OTHERS) * len(PORTS))
        await met(lambda: all(feed.problem for feed in unresolved))
        await met(lambda: SAID in totals_of(unresolved[0]))
        told: dict[str, object] = {
            "seconds": {
                f"{what} at {host}": doors.opened_at.get((address, port), inf) - began
                for host, address in OTHERS.items()
                for what, port in PORTS.items()
            },
            "problem": unresolved[0].problem.message if unresolved[0].problem else "",
            "totals": totals_of(unresolved[0]),
        }
        await feeds.close()
    return told


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main())))
