"""How a message is sent on: to a retry queue for another attempt, or to the dead letters with the reason."""

import copy
import time
from typing import Any

from qc_consumer.delivery import ATTEMPT, FIRST_SEEN, Delivery, Outgoing
from qc_consumer.outcome import Outcome
from qc_consumer.retry import rung_queue

ERROR_BYTES = 4096
"""The error's text is cut to this, so that the headers fit into a frame."""

HEADER_BYTES = 100_000
"""Headers must fit into one frame, 131,072 bytes; above this only ours are kept."""

BROKER_HEADERS = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "CC", "BCC")
"""Prefixes of what the broker added, or would act on again. A copied x-death makes RabbitMQ before 4.0 see a cycle
and drop the message at its second expiry; CC and BCC would send copies to other queues."""


def retry_message(delivery: Delivery, delay: int) -> Outgoing:
    """Make the message that waits for the next attempt."""
    headers = {ATTEMPT: delivery.attempt + 1, FIRST_SEEN: delivery.first_seen}
    return _send_on(delivery, rung_queue(delivery.queue, delay), headers)


def dead_message(delivery: Delivery, outcome: Outcome, *, queue: str, consumer: str) -> Outgoing:
    """Make the dead letter; its headers say what happened, to whom, how often and when."""
    error = outcome.error
    text = str(error or "").encode("utf-8", "replace")[:ERROR_BYTES].decode("utf-8", "ignore")
    headers: dict[str, Any] = {
        "x-queue": delivery.queue,
        "x-reason": outcome.reason,
        "x-error-class": type(error).__qualname__ if error else "",
        "x-error-message": text,
        "x-attempts": delivery.attempt,
        "x-consumer": consumer,
        FIRST_SEEN: delivery.first_seen,
        "x-last-seen": int(time.time() * 1000),
    }
    return _send_on(delivery, queue, headers)


def _send_on(delivery: Delivery, queue: str, headers: dict[str, Any]) -> Outgoing:
    properties = copy.copy(delivery.properties)
    kept = {
        name: _encodable(value)
        for name, value in delivery.headers.items()
        if not str(name).startswith(BROKER_HEADERS) and name != ATTEMPT
    }
    properties.headers = kept | headers
    properties.delivery_mode = 2
    # The time-to-live was for the wait in the main queue; it must end neither the delay nor the dead letter.
    properties.expiration = None
    # RabbitMQ refuses (406) a user_id that is not the login of the connection.
    properties.user_id = None
    try:
        fits = sum(map(len, properties.encode())) <= HEADER_BYTES
    except Exception:  # noqa: BLE001 - pika has no common base for what it cannot encode
        fits = False
    if not fits:
        properties.headers = headers
    return Outgoing("", queue, properties, delivery.raw)


def _encodable(value: Any) -> Any:
    """Turn what pika decodes and cannot encode again (floating-point numbers) into text."""
    if isinstance(value, float):
        return str(value)
    if isinstance(value, dict):
        return {key: _encodable(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_encodable(entry) for entry in value]
    return value
