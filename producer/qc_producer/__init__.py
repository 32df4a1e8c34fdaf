"""Publish to RabbitMQ without losing messages: confirmed, mandatory, persistent, bounded, thread- and fork-safe."""

from qc_producer.errors import (
    AccessRefused,
    BrokerUnavailable,
    ConfigurationError,
    ExchangeMissing,
    InvalidMessage,
    MessageTooLarge,
    ProducerClosed,
    ProducerError,
    ProducerFull,
    PublishErrors,
    PublishTimeout,
    Rejected,
    Unroutable,
)
from qc_producer.message import MessageOptions
from qc_producer.producer import Producer

__all__ = [
    "AccessRefused",
    "BrokerUnavailable",
    "ConfigurationError",
    "ExchangeMissing",
    "InvalidMessage",
    "MessageOptions",
    "MessageTooLarge",
    "Producer",
    "ProducerClosed",
    "ProducerError",
    "ProducerFull",
    "PublishErrors",
    "PublishTimeout",
    "Rejected",
    "Unroutable",
]
