"""Passive declares, many under way at once on one channel.

A passive `queue.declare` is answered from the queue process itself, so it is live where the management API's statistics
are 5 to 10 s old. A channel answers in the order of the questions (AMQP 0-9-1, section 4.7), and it ends with the
first question that the broker refuses: those behind it must be asked again elsewhere.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pika.exceptions
from pika import frame, spec

from qc_operator.brokers.amqp import BrokerConnection
from qc_operator.scaling.observation import Depth, DepthReading, Missing, Unknown

ACCESS_REFUSED = 403
NOT_FOUND = 404
RESOURCE_LOCKED = 405

_FRAME_START = struct.Struct(">BH")
"""A frame begins with its type and its channel (AMQP 0-9-1, section 2.3.5); all behind them is the queue's own."""


@dataclass(eq=False, slots=True, kw_only=True)
class Question:
    """A queue to be asked about again and again."""

    queue: str
    frame_end: bytes = b""
    """A passive declare of the queue as it goes over the wire, less the frame's type and channel."""
    proven: bool = False
    """Whether the last answer over this connection was a depth."""
    failures: int = 0
    """Readings in a row that were none."""
    took: float = 0.0
    """Seconds from when the broker began to work on it to the last answer, as far as can be told from here."""

    def __post_init__(self) -> None:
        """Encode the declare once: that costs as much as all the rest of a reading."""
        whole = frame.Method(0, spec.Queue.Declare(queue=self.queue, passive=True)).marshal()
        self.frame_end = whole[_FRAME_START.size :]


class MisplacedAnswerError(Exception):
    """The broker, or who passes its answers on, told of another queue than the one that it was asked about."""


class DeclareChannel:
    """One channel and the questions under way on it, in order."""

    def __init__(
        self,
        *,
        on_answer: Callable[[DeclareChannel, Question, int, int], None],
        on_end: Callable[[DeclareChannel, BaseException], None],
    ) -> None:
        self._on_answer = on_answer
        self._on_end = on_end
        self._channel: Any = None
        self.serving: object = None
        """Whose questions it is open for; None before that, and once it is given up."""
        self._frame_start = b""
        self.waiting: deque[Question] = deque()
        """The questions that are not answered yet."""
        self.waiting_since = 0.0
        """When the broker began to work on the first of them, as far as can be told from here."""

    async def open(self, connection: BrokerConnection) -> None:
        """Open the channel. Raises `BrokerError`."""
        self._channel = await connection.channel(on_close=lambda error: self._on_end(self, error))
        self._channel.add_callback(self._answered, [spec.Queue.DeclareOk], one_shot=False)
        self._frame_start = _FRAME_START.pack(spec.FRAME_METHOD, self._channel.channel_number)

    def ask(self, questions: Sequence[Question], *, now: float) -> bytes:
        """Note questions as asked, and give the frames to be written."""
        if not self.waiting:
            self.waiting_since = now
        self.waiting.extend(questions)
        start = self._frame_start
        return b"".join([start + question.frame_end for question in questions])

    def _answered(self, answer: Any) -> None:
        if not self.waiting:
            return  # It was asked elsewhere since, because this channel was stuck.
        method, question = answer.method, self.waiting[0]
        if method.queue != question.queue:
            # No answer of this channel can be believed any more, those that are still to come neither.
            self.waiting.clear()
            told = f"asked about queue {question.queue!r}, it told of {method.queue!r}"
            self._on_end(self, MisplacedAnswerError(told))
            return
        self.waiting.popleft()
        self._on_answer(self, question, method.message_count, method.consumer_count)

    def close(self) -> None:
        """Close the channel; answers that are still to come are dropped with it."""
        if self._channel is not None and self._channel.is_open:
            self._channel.close()


def depth(*, ready: int, consumers: int, at: float) -> Depth:
    """The reading that an answer is."""
    return Depth(ready=ready, consumers=consumers, at=at)


def no_answer(*, where: str, timeout: float, at: float) -> Unknown:
    """The reading that a missing answer is. `where` is the broker and the vhost, as in a sentence."""
    message = f"{where}: no answer to a passive declare within {timeout:g} s; its process is stuck, or the broker is"
    return Unknown(cause="DeclareTimeout", message=message, at=at)


def refusal(error: pika.exceptions.ChannelClosedByBroker, *, where: str, at: float) -> DepthReading:
    """The reading that a channel's end is for the queue that caused it. Not every 404 means that it is missing.

    `where` is the broker and the vhost, as in a sentence.
    """
    text = str(error.reply_text)
    # The words come first, and then the queue's name, in which anything may stand.
    if error.reply_code == NOT_FOUND and text.startswith("NOT_FOUND - no queue "):
        return Missing(message=f"{where}: no such queue", at=at)
    if error.reply_code == NOT_FOUND:
        # "process is stopped by supervisor", or "home node 'x' of durable queue 'y' ... is down or inaccessible".
        cause = "NodeDown" if text.startswith("NOT_FOUND - home node ") else "QueueDown"
        return Unknown(cause=cause, message=f"{text}; its messages are safe and cannot be counted", at=at)
    if error.reply_code == RESOURCE_LOCKED:
        words = "it is exclusive to another connection, so no consumer of the target can read it"
        return Unknown(cause="QueueExclusive", message=f"{where}: {words}", at=at)
    if error.reply_code == ACCESS_REFUSED:
        # 4.2.6 and later ask for a permission on the queue itself; before, being let into the vhost was enough.
        words = "grant the operator's user any of configure, write and read on it"
        return Unknown(cause="AccessRefused", message=f"{text}: {words}", at=at)
    return Unknown(cause="ChannelClosed", message=f"{where}: {error.reply_code} {text}", at=at)
