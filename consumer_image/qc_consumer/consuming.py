"""The consuming channel: deliveries in, acknowledgements out, each only on the channel that it belongs to.

Delivery tags begin at 1 on each channel, so a late acknowledgement could hit another message. Every channel is
therefore an epoch, and a delivery is settled in its own epoch or not at all.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pika import exceptions

from qc_consumer.connection import describe
from qc_consumer.intake import INTAKE_SECONDS, Intake
from qc_consumer.io_loop import IoLoop

log = logging.getLogger("qc_consumer")

FIRST_RETRY, LAST_RETRY = 1.0, 30.0
"""Seconds between attempts to consume from a queue that is missing or refused."""

ACKNOWLEDGEMENT_TIMEOUT = "delivery acknowledgement on channel"
"""In RabbitMQ's text when a delivery was held longer than its consumer_timeout (3.8 to 4.2: 406)."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What it takes to settle one delivery."""

    epoch: int
    tag: int


class Receiver(Protocol):
    """Who gets the deliveries."""

    def received(self, ticket: Ticket, *, redelivered: bool, properties: Any, body: bytes) -> None:
        """Take a delivery."""

    def epoch_lost(self, reason: str) -> None:
        """Learn that no delivery taken so far can be settled any more."""


class Consuming:
    """Consumes from one queue on one connection after the other; in the I/O thread only."""

    def __init__(self, loop: IoLoop, receiver: Receiver, *, queue: str, prefetch: int, tag: str) -> None:
        self._loop = loop
        self._receiver = receiver
        self._queue = queue
        self._prefetch = prefetch
        self._consumer_tag = tag
        self._connection: Any = None
        self._channel: Any = None
        self._epoch = 0
        self._intake = Intake(window=prefetch)
        self._retry = FIRST_RETRY
        self._stopped = False
        self.active = False
        """Whether the broker knows the consumer now."""
        self.on_active: Callable[[], None] = lambda: None
        self.quiet = False
        """After `cancel`: whether no further delivery can come. Closing before that would have the broker count
        the deliveries under way as failed."""
        self.on_quiet: Callable[[], None] = lambda: None
        self.on_broker_timeout: Callable[[], None] = lambda: None

    def connected(self, connection: Any) -> None:
        """Begin on a new connection."""
        self._connection = connection
        self._open()

    def disconnected(self, reason: str) -> None:
        """Forget the connection and all that came through it."""
        self._connection = None
        self._lose(reason)

    def settle(self, ticket: Ticket, *, ack: bool) -> bool:
        """Acknowledge, or give back for another consumer; False if the delivery is not ours any more.

        Given back by nack, never by reject: RabbitMQ 4.3 counts rejects as failed deliveries towards the limit of
        a quorum queue, and giving a message back that nobody touched is no failure.
        """
        channel = self._channel
        if channel is None or ticket.epoch != self._epoch or not channel.is_open:
            return False
        if ack:
            channel.basic_ack(ticket.tag)
        else:
            channel.basic_nack(ticket.tag, multiple=False, requeue=True)
        self._intake.settled()
        return True

    def cancel(self) -> None:
        """Ask for no more deliveries; those under way still arrive at the receiver, which gives them back."""
        self._stopped = True
        self.active = False
        channel = self._channel
        if channel is not None and channel.is_open and self._consumer_tag in channel.consumer_tags:
            channel.basic_cancel(self._consumer_tag, callback=lambda _frame: self._become_quiet())
            # pika would basic.reject what arrives before cancel-ok (Channel._on_deliver); see `settle` for why not.
            channel._cancelled.discard(self._consumer_tag)  # noqa: SLF001 - pika offers no choice in this
        else:
            self._become_quiet()

    def when_taken_in(self, go_on: Callable[[], None]) -> None:
        """Call back once the queue has written down what was settled, and the channel may end (see `intake`).

        If the connection breaks meanwhile the callback may not come.
        """
        channel = self._channel
        if channel is None or not channel.is_open or not self._intake.may_lag:
            go_on()
            return
        # From this answer on the broker has read it all, and only the queue is waited for.
        channel.basic_qos(
            prefetch_count=self._prefetch, callback=lambda _frame: self._loop.later(INTAKE_SECONDS, go_on)
        )

    def _open(self) -> None:
        connection = self._connection
        if connection is not None and connection.is_open and not self._stopped and self._channel is None:
            self._channel = connection.channel(on_open_callback=self._on_open)

    def _on_open(self, channel: Any) -> None:
        self._epoch += 1
        channel.add_on_close_callback(self._on_closed)
        channel.add_on_cancel_callback(lambda _frame: self._on_cancelled(channel))
        # Per consumer: RabbitMQ 4.3 refuses the global form.
        channel.basic_qos(prefetch_count=self._prefetch, callback=lambda _frame: self._consume(channel))

    def _consume(self, channel: Any) -> None:
        if self._stopped or channel is not self._channel:
            return
        epoch = self._epoch

        def deliver(_channel: Any, method: Any, properties: Any, body: bytes) -> None:
            ticket = Ticket(epoch, method.delivery_tag)
            self._receiver.received(ticket, redelivered=bool(method.redelivered), properties=properties, body=body)

        channel.basic_consume(self._queue, deliver, consumer_tag=self._consumer_tag, callback=self._on_consuming)

    def _on_consuming(self, _frame: Any) -> None:
        if not self._stopped:
            log.info("consuming from %s", self._queue)
            self.active = True
            self._retry = FIRST_RETRY
            self.on_active()

    def _on_cancelled(self, channel: Any) -> None:
        """Handle the broker's own cancel: the queue was deleted, or (4.3) the delivery was held for too long."""
        log.warning("the broker cancelled the consumer of %s: was the queue deleted?", self._queue)
        if channel is not self._channel:
            return
        # A new channel, since 4.3 forbids the same consumer tag on the old one, which it still holds there.
        self._lose("cancelled by the broker")
        if channel.is_open:
            channel.close()
        self._open()

    def _on_closed(self, channel: Any, reason: BaseException) -> None:
        if channel is not self._channel:
            return
        text = describe(reason)
        self._lose(text)
        if not isinstance(reason, exceptions.ChannelClosedByBroker) or self._stopped:
            return
        if ACKNOWLEDGEMENT_TIMEOUT in text:
            self.on_broker_timeout()
            log.error("a handler took longer than RabbitMQ's consumer_timeout, the message goes to another: %s", text)
        else:
            log.warning("cannot consume from %s, next try in %.0f s: %s", self._queue, self._retry, text)
        self._loop.later(self._retry, self._open)
        self._retry = min(LAST_RETRY, self._retry * 2)

    def _lose(self, reason: str) -> None:
        had_channel = self._channel is not None
        self._channel = None
        self.active = False
        if had_channel:  # a lost connection closes the channel first, and then says so itself
            self._receiver.epoch_lost(reason)
        self._become_quiet()

    def _become_quiet(self) -> None:
        if self._stopped and not self.quiet:
            self.quiet = True
            self.on_quiet()
