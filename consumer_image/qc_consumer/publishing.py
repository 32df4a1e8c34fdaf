"""Confirmed publishing for retries, dead letters and what handlers publish; on a connection of its own.

Its own, because the broker stops reading from a connection that publishes during a memory or disk alarm, and
acknowledgements would wait with the publishes. Opened at the first message: most consumers never publish.

Each message ends in one call of its callback: with None once confirmed, else with PublishFailed. What was not
confirmed when a connection broke is sent again, unless it is no longer wanted: then it is dropped, without a call. In
the I/O thread only.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pika import exceptions

from qc_consumer.connection import Connection, describe
from qc_consumer.delivery import Outgoing
from qc_consumer.errors import PublishFailed
from qc_consumer.io_loop import IoLoop

log = logging.getLogger("qc_consumer")

CONFIRM_SECONDS, CHECK_SECONDS = 30.0, 1.0
"""A quorum queue without a leader takes messages and confirms nothing. The message may still arrive later, so giving
up means at worst that it comes twice; not giving up would hold its delivery, and in the end all slots, for ever."""

DECLARE_SECONDS = 10.0
"""The same for the declaration of a queue."""

Done = Callable[[PublishFailed | None], None]


@dataclass(slots=True, eq=False)
class _Sending:
    message: Outgoing
    done: Done
    wanted: Callable[[], bool]
    returned: str = ""
    written_at: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Declaring:
    queue: str
    arguments: dict[str, object]
    done: Done


class Publishing:
    """Sends messages and declares the queues that they go to."""

    def __init__(self, loop: IoLoop, *, url: str | None, name: str) -> None:
        self._loop = loop
        self.connection = Connection(loop, url=url, name=name, on_open=self._connected, on_lost=self._disconnected)
        self._broker: Any = None
        self._channel: Any = None
        self._blocked = False
        self._queued: deque[_Sending] = deque()
        self._written: dict[int, _Sending] = {}
        self._tag = 0
        self._suspects: set[_Sending] = set()
        self._watching = False
        self._wanted: list[_Declaring] = []
        self._declared: set[str] = set()

    def publish(self, message: Outgoing, done: Done, *, wanted: Callable[[], bool]) -> None:
        """Send a message; `wanted` is asked before each time that it is written."""
        self._queued.append(_Sending(message, done, wanted))
        self.connection.start()
        self._pump()

    def declare(self, queue: str, arguments: dict[str, object], done: Done) -> None:
        """Make sure that a durable queue with these arguments exists; asked once per connection."""
        if queue in self._declared:
            done(None)
            return
        declaring = _Declaring(queue, arguments, done)
        self._wanted.append(declaring)
        self.connection.start()
        self._send_declare(declaring)

    def forget(self, queue: str) -> None:
        """Declare the queue anew next time: it has been deleted."""
        self._declared.discard(queue)

    # -- connection and channel ---------------------------------------------------------------------------------

    def _connected(self, broker: Any) -> None:
        self._broker = broker
        broker.add_on_connection_blocked_callback(lambda _connection, frame: self._block(frame))
        broker.add_on_connection_unblocked_callback(lambda _connection, _frame: self._unblock())
        self._open()
        for declaring in list(self._wanted):
            self._send_declare(declaring)

    def _disconnected(self, _reason: str) -> None:
        self._broker = None
        self._blocked = False
        self._declared.clear()
        self._take_back()

    def _block(self, frame: Any) -> None:
        log.warning("the broker blocks publishers, retries and dead letters wait: %s", frame.method.reason)
        self._blocked = True

    def _unblock(self) -> None:
        self._blocked = False
        self._pump()

    def _open(self) -> None:
        if self._broker is not None and self._broker.is_open:
            self._broker.channel(on_open_callback=self._on_open)

    def _on_open(self, channel: Any) -> None:
        channel.add_on_return_callback(self._on_return)
        channel.add_on_close_callback(self._on_closed)

        def ready(_frame: Any) -> None:
            self._channel = channel
            self._tag = 0
            self._pump()

        channel.confirm_delivery(self._on_confirm, callback=ready)

    def _take_back(self) -> None:
        self._channel = None
        for sending in self._written.values():
            sending.returned = ""
        self._queued.extendleft(reversed(self._written.values()))
        self._written.clear()
        # What stays is asked again when it is written: the other connection may break after this one.
        self._queued = deque(sending for sending in self._queued if self._still_wanted(sending))

    def _still_wanted(self, sending: _Sending) -> bool:
        wanted = sending.wanted()
        if not wanted:
            self._suspects.discard(sending)
        return wanted

    # -- messages -----------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        channel = self._channel
        while self._queued and channel is not None and channel.is_open and not self._blocked:
            if self._suspects and self._written:
                return
            sending = self._queued.popleft()
            if not self._still_wanted(sending):
                continue
            message = sending.message
            try:
                channel.basic_publish(
                    message.exchange, message.routing_key, message.body, message.properties, mandatory=message.mandatory
                )
            except Exception as error:  # noqa: BLE001 - pika has no common base for what it cannot encode
                self._fail(sending, f"it cannot be encoded: {error!r}")
                continue
            self._tag += 1
            self._written[self._tag] = sending
            sending.written_at = time.monotonic()
            self._watch()

    def _watch(self) -> None:
        if not self._watching and self._written:
            self._watching = True
            self._loop.later(CHECK_SECONDS, self._check)

    def _check(self) -> None:
        """Give up what is not confirmed in time, oldest first; an alarm stops the clock."""
        self._watching = False
        latest = time.monotonic() - CONFIRM_SECONDS
        late = [tag for tag, sending in self._written.items() if sending.written_at < latest]
        if late and not self._blocked:
            given_up = [self._written.pop(tag) for tag in late]
            # In the broker the whole channel waits for that queue, and so do the messages behind: on to a new one.
            channel = self._channel
            self._take_back()
            if channel is not None and channel.is_open:
                channel.close()
                self._open()
            for sending in given_up:
                self._fail(sending, f"no confirm in {CONFIRM_SECONDS:.0f} s: has a queue no leader?")
        self._watch()

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        if self._channel is None or frame.channel_number != self._channel.channel_number:
            return  # from a channel that was given up: its tags mean other messages
        last = method.delivery_tag
        tags = [tag for tag in self._written if tag <= last] if method.multiple else [last]
        self.connection.settled()
        for sending in [self._written.pop(tag) for tag in tags if tag in self._written]:
            self._suspects.discard(sending)
            if method.NAME == "Basic.Nack":
                self._fail(sending, "the broker refused it: is the queue full (reject-publish)?")
            elif sending.returned:
                self._fail(sending, sending.returned)
            else:
                sending.done(None)
        self._pump()

    def _fail(self, sending: _Sending, why: str) -> None:
        self._suspects.discard(sending)
        message = sending.message
        sending.done(
            PublishFailed(f"message to exchange {message.exchange!r}, routing key {message.routing_key!r}: {why}")
        )

    def _on_return(self, channel: Any, method: Any, properties: Any, _body: bytes) -> None:
        # A return comes before the ack of the same message.
        if channel is not self._channel:
            return
        for sending in self._written.values():
            message = sending.message
            same = message.properties.message_id == properties.message_id and message.routing_key == method.routing_key
            if same and message.exchange == method.exchange and message.mandatory and not sending.returned:
                sending.returned = f"no queue took it ({method.reply_code} {method.reply_text})"
                return

    def _on_closed(self, channel: Any, reason: BaseException) -> None:
        if not isinstance(reason, exceptions.ChannelClosedByBroker) or channel is not self._channel:
            return
        # A missing exchange, for one. If a single message was under way it is to blame; if several were, they are
        # sent again one by one until the culprit is alone.
        if len(self._written) == 1:
            (sending,) = self._written.values()
            self._written.clear()
            self._fail(sending, describe(reason))
        self._suspects.update(self._written.values())
        self._take_back()
        self._loop.later(0, self._open)

    # -- queues -------------------------------------------------------------------------------------------------

    def _send_declare(self, declaring: _Declaring) -> None:
        """Declare on a channel of its own: the broker closes it if the queue has other arguments (406)."""
        if self._broker is None or not self._broker.is_open:
            return

        def declared(channel: Any) -> None:
            channel.close()
            self._answered(declaring, None)

        def closed(_channel: Any, reason: BaseException) -> None:
            if isinstance(reason, exceptions.ChannelClosedByBroker):
                self._answered(declaring, PublishFailed(f"queue {declaring.queue!r}: {describe(reason)}"))

        def opened(channel: Any) -> None:
            channel.add_on_close_callback(closed)
            channel.queue_declare(
                declaring.queue,
                durable=True,
                arguments=declaring.arguments,
                callback=lambda _frame: declared(channel),
            )

        self._broker.channel(on_open_callback=opened)
        self._expect_answer(declaring, self._broker)

    def _expect_answer(self, declaring: _Declaring, broker: Any) -> None:
        """Give up a declaration that the broker does not answer; on a new connection it is asked again anyway."""

        def expire() -> None:
            if self._broker is broker and self._blocked:
                self._expect_answer(declaring, broker)  # During an alarm the broker does not read it, for as long.
            elif self._broker is broker:
                why = f"no answer in {DECLARE_SECONDS:.0f} s: has it no leader?"
                self._answered(declaring, PublishFailed(f"queue {declaring.queue!r}: {why}"))

        self._loop.later(DECLARE_SECONDS, expire)

    def _answered(self, declaring: _Declaring, error: PublishFailed | None) -> None:
        if declaring in self._wanted:
            self._wanted.remove(declaring)
            if error is None:
                self._declared.add(declaring.queue)
            declaring.done(error)
