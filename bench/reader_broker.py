"""The broker that is read: a node of its own for each release, its queues, and its processor time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from bench.failure import BenchError
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_release import RabbitMQMissingError
from tests.rabbitmq_vhost import Vhost

QueueType = Literal["classic", "quorum"]

SETTLE_SECONDS = 4.0
"""For which a broker is left alone after queues were made or removed: it goes on working on that for a while."""

SETTINGS = ("collect_statistics_interval = 5000",)
"""The default: the tests' nodes have 1000, at which idle queues cost the broker more."""


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

    @contextlib.contextmanager
    def vhost(self, *, queues: int, queue_type: QueueType = "classic") -> Iterator[Vhost]:
        """Make a vhost with so many queues for the block; the broker has come to rest when it begins."""
        with self.vhosts(1, queues=queues, queue_type=queue_type) as (made,):
            yield made

    @contextlib.contextmanager
    def vhosts(self, count: int, *, queues: int, queue_type: QueueType = "classic") -> Iterator[list[Vhost]]:
        """Make several vhosts with so many queues each."""
        with contextlib.ExitStack() as stack:
            made = [stack.enter_context(self.node.vhost()) for _ in range(count)]
            for vhost in made:
                with vhost.channel() as channel:
                    for number in range(queues):
                        arguments = {"x-queue-type": queue_type}
                        channel.queue_declare(queue_name(number), durable=True, arguments=arguments)
            time.sleep(SETTLE_SECONDS)
            yield made


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
