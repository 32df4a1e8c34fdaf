"""A virtual host of a test's RabbitMQ node, and what tests want to do there."""

from __future__ import annotations

import contextlib
import dataclasses
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pika

if TYPE_CHECKING:
    from tests.rabbitmq_node import RabbitMQNode


@dataclasses.dataclass(frozen=True, kw_only=True)
class Vhost:
    """A virtual host with a user that has all rights in it, and what tests want to do there."""

    host: str
    port: int
    management_uri: str
    vhost: str
    username: str
    password: str
    node: RabbitMQNode = dataclasses.field(repr=False, compare=False)

    @property
    def url(self) -> str:
        """The AMQP URL with everything percent-encoded."""
        quoted = [urllib.parse.quote(part, safe="") for part in (self.username, self.password, self.vhost)]
        return f"amqp://{quoted[0]}:{quoted[1]}@{self.host}:{self.port}/{quoted[2]}"

    def through(self, node: RabbitMQNode) -> Vhost:
        """Give the same vhost as another node of the cluster has it."""
        return dataclasses.replace(self, node=node, port=node.amqp_port, management_uri=node.management_uri)

    def environment(self) -> dict[str, str]:
        """Give the variables by which producer and consumer find this vhost."""
        return {"RABBITMQ_URL": self.url}

    @contextlib.contextmanager
    def channel(self) -> Iterator[Any]:
        """Open a pika BlockingChannel on a connection of its own."""
        credentials = pika.PlainCredentials(self.username, self.password)
        parameters = pika.ConnectionParameters(self.host, self.port, self.vhost, credentials, heartbeat=0)
        connection = pika.BlockingConnection(parameters)
        try:
            yield connection.channel()
        finally:
            if connection.is_open:
                connection.close()

    def declare(self, queue: str, *, durable: bool = True, **arguments: object) -> str:
        """Declare a queue; `x_max_length=5` becomes the argument `x-max-length`."""
        with self.channel() as channel:
            given = {name.replace("_", "-"): value for name, value in arguments.items()}
            channel.queue_declare(queue, durable=durable, arguments=given)
        return queue

    def delete(self, queue: str) -> None:
        """Delete a queue, whatever is in it."""
        with self.channel() as channel:
            channel.queue_delete(queue)

    def publish(self, queue: str, bodies: Iterable[bytes], *, exchange: str = "", **properties: object) -> None:
        """Publish persistent messages, each confirmed."""
        with self.channel() as channel:
            channel.confirm_delivery()
            for body in bodies:
                channel.basic_publish(
                    exchange, queue, body, pika.BasicProperties(delivery_mode=2, **properties), mandatory=True
                )

    def ready(self, queue: str) -> int:
        """Count the messages that are ready, by a passive declare: live."""
        with self.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).method.message_count)

    def consumers(self, queue: str) -> int:
        """Count the consumers, by a passive declare: live."""
        with self.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).method.consumer_count)

    def counts(self, queue: str) -> tuple[int, int]:
        """Count messages ready and unacknowledged: live for classic queues, up to 5 s old for quorum ones."""
        path = f"/api/queues/{urllib.parse.quote(self.vhost, safe='')}"
        query = "?disable_stats=true&enable_queue_totals=true"
        for entry in self.node.api("GET", path + query):
            if entry["name"] == queue:
                return entry["messages_ready"], entry["messages_unacknowledged"]
        raise LookupError(f"queue {queue!r} is not in vhost {self.vhost!r}")

    def cut_connections(self) -> None:
        """Have the broker close all connections of this vhost's user."""
        self.node.ctl("close_all_user_connections", self.username, "cut by a test")

    def drain(self, queue: str) -> list[tuple[Any, Any, bytes]]:
        """Take all ready messages: method, properties, body of each."""
        with self.channel() as channel:
            taken = []
            while (message := channel.basic_get(queue, auto_ack=True))[0] is not None:
                taken.append(message)
            return taken
