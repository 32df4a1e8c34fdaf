"""Two other ways to read the same queues, each at once a second per queue: what others do.

`declare` is KEDA's over AMQP: a connection and a channel of its own for each queue, one passive declare at a time.
`get` is KEDA's over HTTP: the whole statistics of one queue, `GET /api/queues/VHOST/NAME`, over a connection that is
kept. Both use plain clients of Python's: pika's BlockingConnection and http.client.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import logging
import sys
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import pika

from bench.reader_broker import queue_name
from bench.reader_child import serve


class _Peer:
    """Reads each of its queues once a second."""

    def __init__(self) -> None:
        self._reads: list[Callable[[], int]] = []

    async def declare(self, *, host: str, port: int, login: dict[str, str], queues: int) -> None:
        """Open a connection for each queue."""
        credentials = pika.PlainCredentials(login["username"], login["password"])
        parameters = pika.ConnectionParameters(host, port, login["vhost"], credentials)
        for number in range(queues):
            channel = pika.BlockingConnection(parameters).channel()
            self._reads.append(partial(_depth, channel, queue_name(number)))

    async def get(self, *, uri: str, login: dict[str, str], queues: int) -> None:
        """Open one connection for all."""
        address = urlsplit(uri)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        token = base64.b64encode(f"{login['username']}:{login['password']}".encode()).decode()
        headers = {"Authorization": f"Basic {token}"}
        for number in range(queues):
            path = f"/api/queues/{quote(login['vhost'], safe='')}/{queue_name(number)}"
            self._reads.append(partial(_statistics, connection, path, headers))

    async def poll(self, *, seconds: float) -> dict[str, float]:
        """Read for so long, evenly spread."""
        gap = 1 / len(self._reads)
        began, processor = time.monotonic(), time.process_time()
        count = 0
        while (due := began + count * gap) < began + seconds:
            time.sleep(max(0.0, due - time.monotonic()))  # noqa: ASYNC251 - nothing else runs in this process
            self._reads[count % len(self._reads)]()
            count += 1
        return {
            "seconds": time.monotonic() - began,
            "reader": time.process_time() - processor,
            "reads": count,
        }


def _depth(channel: Any, queue: str) -> int:
    return int(channel.queue_declare(queue, passive=True).method.message_count)


def _statistics(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> int:
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
    except http.client.RemoteDisconnected:  # It was not used for a while, so the broker closed it.
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
    body = response.read()
    if response.status != HTTPStatus.OK:
        raise RuntimeError(f"HTTP {response.status} for {path}")
    return int(json.loads(body).get("messages", 0))


if __name__ == "__main__":
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    peer = _Peer()
    sys.exit(asyncio.run(serve({"declare": peer.declare, "get": peer.get, "poll": peer.poll})))
