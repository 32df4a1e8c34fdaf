"""The broker that is read: a node of its own for each release, its queues, and its processor time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from bench.failure import BenchError
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_release import RabbitMQMissingError
from tests.rabbitmq_vhost import Vhost

QueueType = Literal["classic", "quorum"]

STATISTICS_SECONDS = 5.0
"""collect_statistics_interval, at its default. 5,000 idle queues cost the broker 7 % of a core for one half of it and
nothing for the other, so it is measured over whole ones."""
SETTINGS = (f"collect_statistics_interval = {1000 * STATISTICS_SECONDS:.0f}",)
"""The tests' nodes have 1000, at which idle queues cost the broker more."""

CALM_PERCENT = 1.0
"""Of a core: by so much at most the broker's share differs from one interval to the next when it has come to rest."""
CALM_WITHIN = 60.0
"""Seconds for which it may go on working on what it was told to make."""
AT_ONCE = 500
"""Queues made by one request, which takes 1 to 3 s."""


def queue_name(number: int) -> str:
    """Name a queue; all names are equally long, so all answers are."""
    return f"queue-{number:05d}"


class Broker:
    """One node, alone with the bench."""

    def __init__(self, node: RabbitMQNode) -> None:
        self.node = node
        self.version = ".".join(str(part) for part in node.release.version)

    def processor_seconds(self) -> float:
        """The run time of all threads of the Erlang VM so far (/proc/PID/task/TID/schedstat, in nanoseconds)."""
        return sum(_run_time(task) for task in Path(f"/proc/{self.node.pid}/task").iterdir()) / 1e9

    def vhost(self, *, queues: int, queue_type: QueueType = "classic") -> Vhost:
        """Make a vhost with so many queues, which goes with the node."""
        made = self.node.new_vhost()
        path = f"/api/definitions/{quote(made.vhost, safe='')}"
        for first in range(0, queues, AT_ONCE):
            names = [queue_name(number) for number in range(first, min(first + AT_ONCE, queues))]
            rest = {"durable": True, "auto_delete": False, "arguments": {"x-queue-type": queue_type}}
            self.node.api("POST", path, {"queues": [{"name": name, **rest} for name in names]})
        return made

    def rest(self) -> float:
        """Wait until it has done with what it was told to make; percent of a core that it then takes by itself."""
        deadline = time.monotonic() + CALM_WITHIN
        share, before = self.share(), inf
        while abs(share - before) > CALM_PERCENT and time.monotonic() < deadline:
            share, before = self.share(), share
        return share

    def share(self) -> float:
        """Percent of a core that it takes now."""
        began, before = time.monotonic(), self.processor_seconds()
        time.sleep(STATISTICS_SECONDS)
        return 100 * (self.processor_seconds() - before) / (time.monotonic() - began)


def _run_time(task: Path) -> int:
    try:
        return int((task / "schedstat").read_text().split()[0])
    except OSError:
        return 0  # It ended in between.


@contextlib.contextmanager
def running(release: str) -> Iterator[Broker]:
    """Run a node of this release for the block. Raises BenchError when there is none."""
    try:
        node = RabbitMQNode(release=release, plugins=("rabbitmq_prometheus",), settings=SETTINGS)
    except RabbitMQMissingError as error:
        raise BenchError(f"RabbitMQ {release} is not to be had: {error}") from error
    try:
        try:
            node.start()
        except RuntimeError as error:
            raise BenchError(f"RabbitMQ {release} does not start: {error}") from error
        yield Broker(node)
    finally:
        node.close()
