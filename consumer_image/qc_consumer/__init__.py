"""Consume from RabbitMQ without losing work: acknowledge after success, retry with delay, dead-letter, drain."""

from qc_consumer.consumer import Consumer
from qc_consumer.delivery import Delivery
from qc_consumer.errors import ConfigurationError, ConsumerError, PublishFailed, Reject, Retry, Undecodable
from qc_consumer.handler import Handler
from qc_consumer.outcome import Outcome
from qc_consumer.retry import Backoff
from qc_consumer.settings import Settings
from qc_consumer.testing import HandlerRun, run_handler

__all__ = [
    "Backoff",
    "ConfigurationError",
    "Consumer",
    "ConsumerError",
    "Delivery",
    "Handler",
    "HandlerRun",
    "Outcome",
    "PublishFailed",
    "Reject",
    "Retry",
    "Settings",
    "Undecodable",
    "run_handler",
]
