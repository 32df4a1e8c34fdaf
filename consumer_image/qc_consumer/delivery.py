"""What a handler sees of the message that it handles."""

import datetime as dt
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pika

from qc_consumer.body import decode_body, encode_body
from qc_consumer.identifiers import new_message_id

ATTEMPT, FIRST_SEEN = "x-attempt", "x-first-seen"
"""Headers of ours: which attempt a delivery is, from 1, and when (Unix ms) the first one was."""

ENQUEUED = "timestamp_in_ms"
"""Header with the time of publishing, Unix ms: set by qc_producer, and by RabbitMQ's own message interceptor."""

CHILDREN = uuid.UUID("5b0e3c1e-6a0c-4d0f-9d6b-0d7f3a1f9c11")
"""Namespace of the ids of messages that handlers publish."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that a handler wants published."""

    exchange: str
    routing_key: str
    properties: Any
    body: bytes
    mandatory: bool = True


class Delivery:
    """One delivery of a message, from its arrival to its acknowledgement."""

    def __init__(self, *, queue: str, raw: bytes, properties: Any, redelivered: bool = False) -> None:
        self.queue = queue
        self.raw = raw
        """The body as it came."""
        self.properties = properties
        """pika's BasicProperties."""
        self.redelivered = redelivered
        """RabbitMQ's hint that an earlier delivery was not acknowledged; not a promise either way."""
        self.headers: Mapping[str, Any] = properties.headers or {}
        self.message_id: str | None = properties.message_id
        self.correlation_id: str | None = properties.correlation_id
        self.received = time.time()
        self.lost = False
        """Whether the connection is gone through which this came: another consumer will get the message, or has."""
        self.stopping = False
        """Whether this pod is going away: a long handler may save its progress and raise Retry."""
        self._outgoing: list[Outgoing] = []
        self._open = True

    @property
    def body(self) -> Any:
        """The body decoded, as the content type says; raises Undecodable."""
        return decode_body(self.raw, self.properties.content_type, self.properties.content_encoding)

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1; attempts that ended with the process do not count."""
        value = self.headers.get(ATTEMPT)
        return value if isinstance(value, int) and value >= 1 else 1

    @property
    def first_seen(self) -> int:
        """When the first attempt began, Unix time in milliseconds."""
        value = self.headers.get(FIRST_SEEN)
        return value if isinstance(value, int) else int(self.received * 1000)

    @property
    def enqueued_at(self) -> dt.datetime | None:
        """When the message was published, if the publisher said so; after a retry still the first time."""
        value = self.headers.get(ENQUEUED)
        seconds = value / 1000 if isinstance(value, int) else self.properties.timestamp
        try:
            return None if seconds is None else dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
        except (ValueError, OverflowError, OSError, TypeError):  # what other clients write may be no time at all
            return None

    def publish(
        self,
        body: object,
        routing_key: str,
        *,
        exchange: str = "",
        headers: Mapping[str, Any] | None = None,
        message_id: str | None = None,
        correlation_id: str | None = None,
        priority: int | None = None,
        persistent: bool = True,
        mandatory: bool = True,
        content_type: str | None = None,
    ) -> str:
        """Publish a message if and when the handler succeeds: confirmed by the broker before the acknowledgement.

        Returns the message id. It is derived from this delivery's, so that the same handler run again, after a crash
        between confirm and acknowledgement, publishes under the same ids. Raises ValueError for what AMQP cannot
        carry.
        """
        if not self._open:
            raise RuntimeError("publish() after the handler has returned: the message would never be sent")
        payload, natural_type = encode_body(body)
        message_id = message_id or self._child_id()
        now = time.time()
        properties = pika.BasicProperties(
            content_type=content_type or natural_type,
            headers={ENQUEUED: int(now * 1000), **(headers or {})},
            delivery_mode=2 if persistent else 1,
            priority=priority,
            correlation_id=correlation_id or self.correlation_id or self.message_id,
            message_id=message_id,
            timestamp=int(now),
        )
        try:
            properties.encode()
            if max(len(exchange.encode()), len(routing_key.encode())) > 255:  # noqa: PLR2004 - AMQP's short string
                raise ValueError("exchange and routing key have at most 255 bytes")  # noqa: TRY301
        except Exception as error:
            # pika has no common base for these: struct.error, AssertionError, its own exceptions.
            raise ValueError(f"the message for {routing_key!r} cannot be encoded: {error!r}") from error
        self._outgoing.append(Outgoing(exchange, routing_key, properties, payload, mandatory))
        return message_id

    def _child_id(self) -> str:
        if self.message_id is None:
            return new_message_id()
        return str(uuid.uuid5(CHILDREN, f"{self.message_id}/{len(self._outgoing)}"))

    # -- for the consumer ---------------------------------------------------------------------------------------

    def end(self) -> list[Outgoing]:
        """Close the delivery for the handler and give what it wants published."""
        self._open = False
        return self._outgoing
