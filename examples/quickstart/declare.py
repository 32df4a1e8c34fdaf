"""Declare the queue `receipts`, durable and replicated where the broker has several nodes."""

from pathlib import Path

import pika

BINDING = Path("/bindings/rabbitmq")
host, vhost, username, password = ((BINDING / key).read_text() for key in ("host", "vhost", "username", "password"))
login = pika.PlainCredentials(username, password)
with pika.BlockingConnection(pika.ConnectionParameters(host, virtual_host=vhost, credentials=login)) as connection:
    connection.channel().queue_declare("receipts", durable=True, arguments={"x-queue-type": "quorum"})
