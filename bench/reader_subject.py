"""What is measured: the operator's reading, in a process of its own as in the operator, with its default settings.

It runs `SecretFeeds` and nothing else: no Kubernetes, no decisions. Secrets come from the bench.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from base64 import b64encode
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from bench.reader_broker import queue_name
from bench.reader_child import serve
from bench.reader_wire import answer_size, traffic
from qc_operator.brokers import QueueSource
from qc_operator.brokers.feed import QueueFeed
from qc_operator.brokers.feeds import SecretFeeds
from qc_operator.settings import ReadingSettings

COMMANDS = ("begin", "put_secret", "open", "close", "at_zero", "until_read", "unread", "listen", "heard", "usage")
READ_WITHIN = 30.0
"""Seconds until every queue must have been read after feeds were opened."""


class Subject:
    """Feeds as QueueConsumers would open them, and what reading for them takes."""

    def __init__(self, *, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._secrets: dict[str, dict[str, str]] = {}
        self._feeds: SecretFeeds | None = None
        self._open: dict[str, list[QueueFeed]] = {}
        self._ports: tuple[int, int] = (0, 0)
        self._at_zero = True
        self._awaited: set[str] = set()
        self._heard: dict[str, float] = {}
        self.requests = 0
        """How often the management API and the nodes' metrics were asked."""

    async def begin(self, *, amqp_port: int, management_port: int, settings: dict[str, Any]) -> None:
        """Set up; `settings` are those of `ReadingSettings` that are to differ from its defaults."""
        self._ports = amqp_port, management_port
        self._feeds = SecretFeeds(
            secret_data=self._secret_data,
            settings=replace(ReadingSettings(), **settings),
            identity="bench/operator",
            session=self._session,
        )

    async def _secret_data(self, namespace: str, name: str) -> dict[str, str]:
        del namespace
        return {key: b64encode(value.encode()).decode() for key, value in self._secrets[name].items()}

    async def put_secret(self, *, secret: str, values: dict[str, str]) -> None:
        """Make a Secret, or change it."""
        self._secrets[secret] = values

    async def open(self, *, secret: str, numbers: list[int], feeds: int = 1) -> None:
        """Open so many feeds for each of these queues."""
        assert self._feeds is not None
        for number in numbers:
            queue = queue_name(number)
            key = f"{secret}/{queue}"
            opened = self._open[key] = []
            for _ in range(feeds):
                source = QueueSource(name=queue)
                notify = partial(self._told, key)
                feed = self._feeds.open(namespace="bench", secret=secret, vhost=None, queues=[source], notify=notify)
                feed.expect_change(at_zero=self._at_zero)
                opened.append(feed)

    async def close(self, *, secret: str, numbers: list[int]) -> None:
        """Close all feeds of these queues."""
        for number in numbers:
            for feed in self._open.pop(f"{secret}/{queue_name(number)}"):
                feed.close()

    async def at_zero(self, *, value: bool) -> None:
        """Say of every target whether it is at zero."""
        self._at_zero = value
        for feeds in self._open.values():
            for feed in feeds:
                feed.expect_change(at_zero=value)

    async def until_read(self) -> float:
        """Wait until every queue was read by both lanes; how many seconds that took."""
        began = time.monotonic()
        while unread := self._unread():
            if time.monotonic() - began > READ_WITHIN:
                raise TimeoutError(f"{unread} not read within {READ_WITHIN:.0f} s")
            await asyncio.sleep(0.01)
        return time.monotonic() - began

    async def unread(self) -> str:
        """Name one queue that is not known, with the reason; empty when all are."""
        return self._unread()

    def _unread(self) -> str:
        for key, feeds in self._open.items():
            for feed in feeds:
                entry = feed.observe()[0]
                if entry.ready is None or entry.unacknowledged is None:
                    unknown = [reading for queue in entry.queues for reading in (queue.depth, queue.totals)]
                    return f"{key}: {feed.problem or unknown}"
        return ""

    def _told(self, key: str) -> None:
        """Be the reconciler that a reading wakes; note when the first one above zero comes."""
        if key not in self._awaited:
            return
        if any((feed.observe()[0].ready or 0) > 0 for feed in self._open[key]):
            self._heard[key] = time.monotonic()
            self._awaited.remove(key)

    async def listen(self, *, keys: list[str]) -> None:
        """Note when each of these queues, `secret/queue`, is first told to have messages.

        The others are not looked at: deciding is not part of what is measured, and 5,000 feeds are told each second.
        """
        self._awaited, self._heard = set(keys), {}

    async def heard(self) -> dict[str, float]:
        """Stop noting; the times by `time.monotonic`, which all processes of a machine share."""
        self._awaited.clear()
        return self._heard

    async def usage(self) -> dict[str, Any]:
        """What it has taken so far."""
        amqp, management = (traffic(port) for port in self._ports)
        return {
            "at": time.monotonic(),
            "processor_seconds": time.process_time(),
            "reads": amqp.received / answer_size(queue_name(0)),
            "requests": self.requests,
            "amqp_connections": amqp.connections,
            "http_connections": management.connections,
            "tasks": len(asyncio.all_tasks()),
            "files": _open_files(),
            "resident_kib": _resident_kib(),
        }

    async def end(self) -> None:
        """Close everything."""
        if self._feeds is not None:
            await self._feeds.close()


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _resident_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


async def _main() -> None:
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # It repeats as a traceback what the readings say.
    tracing = aiohttp.TraceConfig()

    async def count(*_: object) -> None:
        subject.requests += 1

    tracing.on_request_start.append(count)
    async with aiohttp.ClientSession(trace_configs=[tracing]) as session:
        subject = Subject(session=session)
        await serve({name: getattr(subject, name) for name in COMMANDS})
        await subject.end()


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
