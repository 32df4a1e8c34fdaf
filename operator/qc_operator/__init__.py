"""The QueueConsumer operator: reads RabbitMQ queues, decides, and scales the Deployments that consume them."""

from typing import Final

VERSION: Final = "0.1.0"
"""Of the operator and of its chart, which are released together."""
