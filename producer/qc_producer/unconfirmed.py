"""The messages that are not confirmed yet: how many may be, who waits for room, and which are out of time.

Shared by all callers and the I/O thread. Whoever removes a message from here gives its future the result, so each
future gets exactly one.
"""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from qc_producer.errors import ProducerError
from qc_producer.message import Message

NEVER = float("inf")


@dataclass(slots=True, eq=False)
class Pending:
    """One message on its way to its confirm."""

    message: Message
    deadline: float
    """On the monotonic clock."""
    future: Future[str] = field(default_factory=Future)
    done: bool = False
    awaiting: bool = False
    """Whether it is on the wire and the broker has not answered."""
    in_doubt: bool = False
    """Whether a channel or connection was lost while it was on the wire: it may have arrived."""
    refusals: int = 0
    """How often the broker has answered with a nack."""
    returned: ProducerError | None = None
    """Set by a basic.return, which comes before the ack of the same message."""


class Unconfirmed:
    """A bounded set of pending messages."""

    def __init__(self, *, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._entries: dict[Pending, None] = {}  # a set that keeps the order
        self._bytes = 0
        self._room = threading.Condition()
        self._watchers: list[Callable[[], None]] = []
        self.closed = False
        self.earliest = NEVER
        """No message's deadline is before this moment."""

    def __len__(self) -> int:
        return len(self._entries)

    def _fits(self, size: int) -> bool:
        # A message larger than the whole window is let in alone: it could never be sent otherwise.
        if not self._entries:
            return True
        return len(self._entries) < self._max_messages and self._bytes + size <= self._max_bytes

    def admit(self, pending: Pending, *, wait: bool) -> bool:
        """Take the message in, waiting for room until its deadline if told to; False if there was none."""
        size = pending.message.size
        with self._room:
            while not self._fits(size):
                left = pending.deadline - time.monotonic()
                if not wait or left <= 0 or self.closed:
                    return False
                self._room.wait(left)
            if self.closed:
                return False
            self._entries[pending] = None
            self._bytes += size
            self.earliest = min(self.earliest, pending.deadline)
        return True

    def watch_room(self, callback: Callable[[], None]) -> None:
        """Call the function, from any thread, once there may be room again."""
        with self._room:
            if self._entries:
                self._watchers.append(callback)
                return
        callback()

    def settle(self, pendings: Iterable[Pending], error: ProducerError | None = None) -> None:
        """Take the messages out and give them their result; those that are out already are left alone."""
        settled = []
        with self._room:
            for pending in pendings:
                if not pending.done:
                    pending.done = True
                    del self._entries[pending]
                    self._bytes -= pending.message.size
                    settled.append(pending)
            if settled:
                self._room.notify(len(settled))
            # As many as there is new room; all of them once nothing is left whose end would wake the others.
            woken = len(settled) if self._entries else len(self._watchers)
            watchers, self._watchers = self._watchers[:woken], self._watchers[woken:]
        for watcher in watchers:
            watcher()
        for pending in settled:
            if error is None:
                pending.future.set_result(pending.message.message_id)
            else:
                pending.future.set_exception(error)

    def expired(self, now: float) -> list[Pending]:
        """List what is out of time, and move `earliest` to the first deadline among the rest."""
        with self._room:
            late = [entry for entry in self._entries if entry.deadline <= now]
            self.earliest = min((entry.deadline for entry in self._entries if entry.deadline > now), default=NEVER)
        return late

    def entries(self) -> list[Pending]:
        """List all messages, in the order in which they came."""
        with self._room:
            return list(self._entries)

    def close(self) -> None:
        """Take no more messages, and send away those that wait for room."""
        with self._room:
            self.closed = True
            self._room.notify_all()
            watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            watcher()
