"""The confirmed channel: writes messages, matches confirms and returns, and survives what closes the channel.

Runs in the I/O thread only, but for `queued`, to which callers append.

* Confirms come out of order and for several messages at once (`multiple`); a nack is tried again until the deadline.
* A basic.return precedes the ack of the same message and is matched by message id, exchange and routing key.
* Publishing to a missing exchange closes the channel and loses all confirms under way. So an exchange is first
  checked by a passive declare on a side channel; should it vanish later, its messages fail and the rest is resent.
* When the broker closes the channel for a reason that names no exchange, the messages under way are resent one by
  one: the one that is alone on the channel when it closes again is the culprit.
"""

import logging
import random
import re
from collections import deque
from collections.abc import Callable
from typing import Any

from pika import exceptions

from qc_producer.errors import AccessRefused, ExchangeMissing, ProducerError, Rejected, Unroutable
from qc_producer.message import CHANNEL
from qc_producer.unconfirmed import Pending, Unconfirmed

log = logging.getLogger("qc_producer")

BATCH_BYTES = 256 * 1024
"""Written at once; between batches the loop looks for confirms. Larger ones made no difference."""

NOT_FOUND, ACCESS_REFUSED = 404, 403

NAMED_EXCHANGE = re.compile(r"exchange '(.*)' in vhost")
"""How RabbitMQ's channel errors 403 and 404 name the exchange (3.10 to 4.3)."""


class Publishing:
    """What happens on one connection after the other between a message's admission and its confirm."""

    def __init__(self, unconfirmed: Unconfirmed, *, later: Callable[[float, Callable[[], None]], object]) -> None:
        self.queued: deque[Pending] = deque()
        self.blocked = False
        self.confirmed_once = False
        """Whether this connection has confirmed anything: then it works, and the back-off begins anew."""
        self._unconfirmed = unconfirmed
        self._later = later
        self._connection: Any = None
        self._ready = False
        self._frame_max = 0
        self._tag = 0
        self._written: dict[int, Pending] = {}
        self._known_exchanges: set[str] = set()
        self._checking = False
        self._suspects: set[Pending] = set()

    # -- connection and channel -------------------------------------------------------------------------------

    def connected(self, connection: Any) -> None:
        """Open the channel on a new connection."""
        self._connection = connection
        self._frame_max = connection.params.frame_max
        self.confirmed_once = False
        self._open_channel()

    def disconnected(self) -> None:
        """Take all that was written and not confirmed back to the front of the queue, in order."""
        self._connection = None
        self.confirmed_once = False
        self.blocked = False
        self._checking = False
        self._known_exchanges.clear()
        self._take_back()

    def _open_channel(self) -> None:
        if self._connection is not None and self._connection.is_open:
            self._connection.channel(CHANNEL, on_open_callback=self._on_channel_open)

    def _on_channel_open(self, channel: Any) -> None:
        channel.add_on_return_callback(self._on_return)
        channel.add_on_close_callback(self._on_channel_closed)
        channel.confirm_delivery(self._on_confirm, callback=self._on_confirm_mode)

    def _on_confirm_mode(self, _frame: Any) -> None:
        self._ready = True
        self._tag = 0
        self.pump()

    def _take_back(self) -> None:
        self._ready = False
        waiting = [pending for pending in self._written.values() if not pending.done]
        for pending in waiting:
            pending.awaiting = False
            pending.in_doubt = True
            pending.returned = None  # it will be returned again
        self._written.clear()
        self.queued.extendleft(reversed(waiting))

    # -- writing ------------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Write what is queued, as far as the state of broker and channel allows."""
        # What is done was given up by its deadline; here it would pile up while the broker is away.
        while self.queued and self.queued[0].done:
            self.queued.popleft()
        if not self._ready or self.blocked or self._checking or not self._connection.is_open:
            return
        pieces = self._next_batch()
        if pieces:
            # One buffer per batch: pika's transport makes a system call per buffer, and three frames per message.
            # basic_publish would encode in this thread what the caller's thread has encoded already.
            self._connection._output_marshaled_frames([b"".join(pieces)])  # noqa: SLF001 - the only way, see above
            if self.queued:
                self._later(0, self.pump)

    def _next_batch(self) -> list[bytes]:
        pieces: list[bytes] = []
        size = 0
        while self.queued and size < BATCH_BYTES:
            pending = self.queued.popleft()
            if pending.done:
                continue
            exchange = pending.message.exchange
            if not self._may_write(pending):
                self.queued.appendleft(pending)
                break
            if exchange not in self._known_exchanges and exchange and not exchange.startswith("amq."):
                self.queued.appendleft(pending)
                self._check_exchange(exchange)
                break
            self._tag += 1
            self._written[self._tag] = pending
            pending.awaiting = True
            pieces += pending.message.wire(self._frame_max)
            size += pending.message.size
        return pieces

    def _may_write(self, _pending: Pending) -> bool:
        if not self._suspects:
            return True
        self._suspects = {suspect for suspect in self._suspects if not suspect.done}
        return not self._suspects or not self._written

    # -- confirms and returns -----------------------------------------------------------------------------------

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        last = method.delivery_tag
        # Tags are written in order, and a dict keeps it: those up to the last one stand in front.
        tags = [last]
        if method.multiple:
            tags = []
            for tag in self._written:
                if tag > last:
                    break
                tags.append(tag)
        pendings = [self._written.pop(tag) for tag in tags if tag in self._written]
        if method.NAME == "Basic.Nack":
            self._refused(pendings)
        else:
            self.confirmed_once = True
            self._unconfirmed.settle(pending for pending in pendings if pending.returned is None)
            for pending in pendings:
                if pending.returned is not None:
                    self._unconfirmed.settle([pending], pending.returned)
        if self._suspects:
            self.pump()

    def _refused(self, pendings: list[Pending]) -> None:
        for pending in pendings:
            pending.awaiting = False
            pending.refusals += 1
            # 0.1 s, doubling to 2 s, with full jitter: a full queue must not be hammered by all its producers.
            delay = random.uniform(0.01, min(2.0, 0.1 * 2 ** min(pending.refusals, 5)))  # noqa: S311 - no secret
            self._later(delay, lambda pending=pending: self._again(pending))  # type: ignore[misc]

    def _again(self, pending: Pending) -> None:
        self.queued.appendleft(pending)
        self.pump()

    def _on_return(self, _channel: Any, method: Any, properties: Any, _body: bytes) -> None:
        for pending in self._written.values():
            message = pending.message
            # The id alone may belong to several: one order goes to two queues under one id.
            same = message.message_id == properties.message_id and message.routing_key == method.routing_key
            if same and message.exchange == method.exchange and message.mandatory and pending.returned is None:
                pending.returned = Unroutable(
                    f"no queue took the message: exchange {message.exchange!r}, routing key {message.routing_key!r} "
                    f"({method.reply_code} {method.reply_text}); declare and bind the queue, or check the names",
                    message_id=message.message_id,
                )
                return

    # -- missing exchanges and closed channels ------------------------------------------------------------------

    def _check_exchange(self, exchange: str) -> None:
        self._checking = True

        def exists(channel: Any) -> None:
            if channel.is_open:
                channel.close()
            done()

        def closed(_channel: Any, reason: BaseException) -> None:
            if isinstance(reason, exceptions.ChannelClosedByBroker):
                if reason.reply_code == NOT_FOUND:
                    self._fail_exchange(exchange, reason)
                # Anything else (403: no right even to look) leaves the answer to the publish itself.
                done(known=reason.reply_code != NOT_FOUND)

        def done(*, known: bool = True) -> None:
            if self._checking:
                self._checking = False
                if known:
                    self._known_exchanges.add(exchange)
                self._later(0, self.pump)

        def opened(channel: Any) -> None:
            channel.add_on_close_callback(closed)
            channel.exchange_declare(exchange, passive=True, callback=lambda _frame: exists(channel))

        self._connection.channel(on_open_callback=opened)

    def _on_channel_closed(self, _channel: Any, reason: BaseException) -> None:
        if not isinstance(reason, exceptions.ChannelClosedByBroker):
            return  # the connection goes with it and `disconnected` will be called
        named = NAMED_EXCHANGE.search(reason.reply_text)
        if named and reason.reply_code in {NOT_FOUND, ACCESS_REFUSED}:
            self._fail_exchange(named[1], reason)
        elif len(self._written) == 1:
            text = f"the broker closed the channel over this message: {reason.reply_code} {reason.reply_text}"
            self._fail(list(self._written.values()), lambda pending: _error(Rejected, text, pending))
        else:
            log.warning("channel closed by the broker, looking for the message that did it: %s", reason.reply_text)
            self._suspects.update(pending for pending in self._written.values() if not pending.done)
        self._take_back()
        # Not at once: pika frees the channel's number only after this callback.
        self._later(0, self._open_channel)

    def _fail_exchange(self, exchange: str, reason: Any) -> None:
        self._known_exchanges.discard(exchange)
        text = f"cannot publish to exchange {exchange!r}: {reason.reply_code} {reason.reply_text}"
        kind = ExchangeMissing if reason.reply_code == NOT_FOUND else AccessRefused
        under_way = [*self._written.values(), *self.queued]
        victims = [pending for pending in under_way if pending.message.exchange == exchange]
        self._fail(victims, lambda pending: _error(kind, text, pending))

    def _fail(self, pendings: list[Pending], error: Callable[[Pending], ProducerError]) -> None:
        for pending in pendings:
            self._unconfirmed.settle([pending], error(pending))


def _error(kind: type[ProducerError], text: str, pending: Pending) -> ProducerError:
    return kind(text, message_id=pending.message.message_id)
