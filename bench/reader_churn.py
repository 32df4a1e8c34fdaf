"""Queues and Secrets that come and go under a reader for minutes, to see whether it keeps any of what is gone."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.reader_broker import Broker, queue_name
from bench.reader_child import Child
from bench.reader_scene import secret, subject
from tests.rabbitmq_vhost import Vhost

QUEUES = 50
TURN_SECONDS = 0.2
"""In each turn one queue and its two feeds go, and others come."""
TURNS_PER_PASSWORD = 25
CLOSED_WITHIN = 2.0
"""Seconds in which the connection must be gone after the last feed."""
SETTINGS = {"secret_interval": 5.0, "retry_first": 0.5, "retry_most": 5.0}
"""Shorter than the defaults, so that more of everything happens in the time."""
SAMPLED = ("resident_kib", "amqp_connections", "http_connections", "tasks", "files")


@dataclass(frozen=True, slots=True, kw_only=True)
class Churn:
    """What a run of turns has left behind."""

    seconds: float
    queues: int
    """How many have come and gone."""
    passwords: int
    samples: Sequence[dict[str, float]]
    """In the order of time."""
    closed: dict[str, float]
    """When all feeds had been closed."""

    def early(self, name: str) -> float:
        """Median of the second quarter: in the first one Python still fills its pools."""
        quarter = len(self.samples) // 4
        return median(sample[name] for sample in self.samples[quarter : 2 * quarter])

    def late(self, name: str) -> float:
        """Median of the last quarter."""
        return median(sample[name] for sample in self.samples[-(len(self.samples) // 4) :])


def churn(broker: Broker, *, seconds: float) -> Churn:
    """Do turns for so many seconds. Raises BenchError when the queues that are left cannot be read afterwards."""
    vhost = broker.vhost(queues=QUEUES)
    with subject(broker, settings=SETTINGS) as reader:
        for name in ("first", "second"):
            reader.ask("put_secret", secret=name, values=secret(vhost))
        for number in range(QUEUES):
            reader.ask("open", secret=_secret_of(number), numbers=[number], feeds=2)
        reader.ask("until_read")
        turns = _Turns(broker=broker, reader=reader, vhost=vhost)
        samples: list[dict[str, float]] = []
        began = time.monotonic()
        with vhost.channel() as channel:
            while (due := began + TURN_SECONDS * turns.count) < began + seconds:
                time.sleep(max(0.0, due - time.monotonic()))
                turns.do(channel)
                if turns.count % 5 == 0:
                    samples.append(_sample(reader))
        took = time.monotonic() - began
        # A reader that had stopped reading would keep nothing either.
        reader.ask("until_read")
        for number in turns.open:
            reader.ask("close", secret=_secret_of(number), numbers=[number])
        time.sleep(CLOSED_WITHIN)
        closed = _sample(reader)
        return Churn(seconds=took, queues=turns.count, passwords=turns.passwords, samples=samples, closed=closed)


class _Turns:
    def __init__(self, *, broker: Broker, reader: Child, vhost: Vhost) -> None:
        self._broker = broker
        self._reader = reader
        self._vhost = vhost
        self._numbers = itertools.count(QUEUES)
        self.open = list(range(QUEUES))
        self.count = 0
        self.passwords = 0

    def do(self, channel: Any) -> None:
        """Let the oldest queue go, be it before its feeds or behind them, and a new one come."""
        self.count += 1
        gone, come = self.open.pop(0), next(self._numbers)
        self.open.append(come)
        if self.count % 2:
            channel.queue_delete(queue_name(gone))
        self._reader.ask("open", secret=_secret_of(come), numbers=[come], feeds=2)
        channel.queue_declare(queue_name(come), durable=True)
        self._reader.ask("close", secret=_secret_of(gone), numbers=[gone])
        if not self.count % 2:
            channel.queue_delete(queue_name(gone))
        if self.count % TURNS_PER_PASSWORD == 0:
            self._change_password()

    def _change_password(self) -> None:
        """Change it at the broker first and in both Secrets after, as people do."""
        self.passwords += 1
        password = secrets.token_urlsafe(9)
        body = {"password": password, "tags": "management"}
        self._broker.node.api("PUT", f"/api/users/{self._vhost.username}", body)
        for name in ("first", "second"):
            self._reader.ask("put_secret", secret=name, values=secret(self._vhost) | {"password": password})


def _secret_of(number: int) -> str:
    return "first" if number % 2 else "second"


def _sample(reader: Child) -> dict[str, float]:
    usage = reader.ask("usage")
    return {name: float(usage[name]) for name in SAMPLED}
