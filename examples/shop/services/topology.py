"""The exchange `orders` and the queues bound to it; declaring what is there already changes nothing."""

import os
from pathlib import Path

import pika

EXCHANGE = "orders"
ROUTING_KEY = "order.placed"
QUEUES = ("receipts", "invoices")


def declare(parameters: pika.connection.Parameters) -> None:
    """Declare exchange, queues and bindings.

    Quorum queues, so that confirmed orders survive a broker restart; a topic exchange, so that the next
    consumer of orders is one binding more and no change here.

    Raises:
        pika.exceptions.AMQPError: the broker cannot be reached, or has such a queue with other properties.

    """
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
        for queue in QUEUES:
            channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
            channel.queue_bind(queue, EXCHANGE, routing_key="order.*")
    finally:
        connection.close()


def bound_parameters(root: str | None = None) -> pika.ConnectionParameters:
    """Where the broker is, from the Service Binding mounted at SERVICE_BINDING_ROOT.

    Raises:
        LookupError: no binding of the type rabbitmq is mounted there.

    """
    folder = Path(root or os.environ.get("SERVICE_BINDING_ROOT", "/bindings"))
    for binding in sorted(path.parent for path in folder.glob("*/type")):
        if _entry(binding, "type") == "rabbitmq":
            return pika.ConnectionParameters(
                host=_entry(binding, "host"),
                port=int(_entry(binding, "port")),
                virtual_host=_entry(binding, "vhost"),
                credentials=pika.PlainCredentials(_entry(binding, "username"), _entry(binding, "password")),
                socket_timeout=5,
                blocked_connection_timeout=10,
            )
    raise LookupError(f"no Service Binding of the type rabbitmq in {folder}; mount the Secret there")


def _entry(binding: Path, key: str) -> str:
    return (binding / key).read_text(encoding="utf-8").strip("\n")
