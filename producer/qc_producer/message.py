"""A message encoded for the wire, in the caller's thread, so that the caller and nobody else gets the errors.

What pika 1.4.4 refuses late and in many ways (a float header: UnsupportedAMQPFieldException; a key above 255 bytes:
ShortStringTooLong; an int as expiration: AssertionError) is InvalidMessage here, before anything was sent.
"""

import datetime as dt
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import pika
from pika import exceptions, frame, spec

from qc_producer.body import encode_body
from qc_producer.errors import InvalidMessage, MessageTooLarge
from qc_producer.identifiers import new_message_id

CHANNEL = 1
"""The channel that all publishes use; its number is part of each encoded frame."""

FRAME_OVERHEAD = 8
"""Bytes of a frame beside its payload: type, channel, length and end (AMQP 0-9-1, section 2.3.5)."""

DEFAULT_FRAME_MAX = 131072
"""RabbitMQ's largest frame, in bytes; a message's headers must fit into one."""

HIGHEST_PRIORITY = 255


class MessageOptions(TypedDict, total=False):
    """What `publish` and its relatives take beside body and routing key."""

    exchange: str
    """Exchange to publish to; the default one, "", routes to the queue named by the routing key."""
    headers: Mapping[str, Any] | None
    """Application headers: text, bytes, int, bool, None, datetime, Decimal, and dicts and lists of these."""
    message_id: str | None
    """Identifies the message to consumers; a new UUIDv7 if not given. Use the same one to publish it again."""
    correlation_id: str | None
    """Ties the message to what caused it."""
    priority: int | None
    """0 to 255, for queues that have priorities."""
    expires: float | dt.timedelta | None
    """Seconds after which a queue may drop the message, once it is at the queue's head."""
    persistent: bool
    """Whether the message survives a restart of the broker (in a durable queue); True by default."""
    mandatory: bool
    """Whether it is an error (Unroutable) that no queue takes the message; True by default."""
    content_type: str | None
    """Says what the body is, where the type of the Python value does not."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message ready to be written."""

    message_id: str
    exchange: str
    routing_key: str
    frames: bytes
    """The method and the header frame."""
    body: bytes
    mandatory: bool = True
    """Whether the broker returns it if no queue takes it."""

    @property
    def size(self) -> int:
        """Bytes held while the message is unconfirmed."""
        return len(self.frames) + len(self.body)

    def wire(self, frame_max: int) -> list[bytes]:
        """Give the frames, the body cut into pieces that the connection's frame size allows."""
        pieces = [self.frames]
        step = frame_max - FRAME_OVERHEAD
        for start in range(0, len(self.body), step):
            piece = self.body[start : start + step]
            pieces += [struct.pack(">BHL", spec.FRAME_BODY, CHANNEL, len(piece)), piece, b"\xce"]
        return pieces


def encode(
    body: object,
    routing_key: str,
    *,
    exchange: str = "",
    headers: Mapping[str, Any] | None = None,
    message_id: str | None = None,
    correlation_id: str | None = None,
    priority: int | None = None,
    expires: float | dt.timedelta | None = None,
    persistent: bool = True,
    mandatory: bool = True,
    content_type: str | None = None,
    app_id: str | None = None,
    max_bytes: int,
) -> Message:
    """Encode a message; raise InvalidMessage or MessageTooLarge with what is wrong."""
    payload, natural_type = encode_body(body)
    if len(payload) > max_bytes:
        raise MessageTooLarge(
            f"the body has {len(payload)} bytes, more than max_message_bytes ({max_bytes}): store it elsewhere and "
            "publish a reference"
        )
    message_id = message_id or new_message_id()
    now = time.time()
    try:
        properties = pika.BasicProperties(
            content_type=content_type or natural_type,
            # AMQP's own timestamp has whole seconds; the header has the name that RabbitMQ's interceptor uses.
            headers={"timestamp_in_ms": int(now * 1000), **(headers or {})},
            delivery_mode=2 if persistent else 1,
            priority=_priority(priority),
            correlation_id=correlation_id,
            expiration=_milliseconds(expires),
            message_id=message_id,
            timestamp=int(now),
            app_id=app_id,
        )
        publish = spec.Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=mandatory)
        header = frame.Header(CHANNEL, len(payload), properties).marshal()
        frames = frame.Method(CHANNEL, publish).marshal() + header
    except InvalidMessage:
        raise
    except exceptions.ShortStringTooLong as error:
        raise InvalidMessage("exchange, routing key, ids and header names have at most 255 bytes") from error
    except exceptions.UnsupportedAMQPFieldException as error:
        raise InvalidMessage(f"a header has a value of a type that AMQP does not know: {error.args[-1]!r}") from error
    except (struct.error, AssertionError, TypeError, ValueError, AttributeError, exceptions.AMQPError) as error:
        raise InvalidMessage(f"the message cannot be encoded: {error}") from error
    if len(header) > DEFAULT_FRAME_MAX:
        raise MessageTooLarge(f"the headers have {len(header)} bytes; RabbitMQ takes {DEFAULT_FRAME_MAX}")
    return Message(message_id, exchange, routing_key, frames, payload, mandatory)


def _priority(priority: int | None) -> int | None:
    if priority is not None and not 0 <= priority <= HIGHEST_PRIORITY:
        raise InvalidMessage(f"priority must be an integer from 0 to {HIGHEST_PRIORITY}, not {priority!r}")
    return priority


def _milliseconds(expires: float | dt.timedelta | None) -> str | None:
    if expires is None:
        return None
    seconds = expires.total_seconds() if isinstance(expires, dt.timedelta) else expires
    if not 0 <= seconds < 2**32 / 1000:  # RabbitMQ's timers end at 2**32 ms, 49 days
        raise InvalidMessage(f"expires must be from 0 to 4294967 seconds, not {seconds!r}")
    return str(round(seconds * 1000))
