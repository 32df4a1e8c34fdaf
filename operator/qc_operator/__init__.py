"""The QueueConsumer operator: reads RabbitMQ queues, decides, and scales the Deployments that consume them."""

VERSION = "0.1.0"
"""That of pyproject.toml and of the chart."""
