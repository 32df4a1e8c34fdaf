"""The fast lane: asks about each queue when it is due, over a few channels, many questions at a time.

Everything here is a callback of the event loop; no task waits per queue or per channel. A missing queue ends its
channel and a stuck one holds it up, so those that have failed have a channel of their own: the quarantine.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import NoReturn

import pika.exceptions

from qc_operator.brokers.amqp import BrokerConnection, BrokerError
from qc_operator.brokers.declares import DeclareChannel, Question, depth, no_answer, refusal
from qc_operator.brokers.schedule import Schedule
from qc_operator.scaling.observation import DepthReading
from qc_operator.settings import ReadingSettings

PULSE = 0.05
"""Seconds between two looks at the schedule at least: what is due by then goes out in one write. With 1,000 queues at
zero a write of 250 questions costs the broker 25 us each, one of 50 costs 35."""
WATCHFUL = 0.25
"""Seconds after which waiting questions are looked at again: how exactly the time-out is kept."""
HELD_UP = 0.5
"""Seconds by which a look at the schedule may be late. Beyond, this process itself was held up, and the answers that
seem to be missing are waiting in its socket."""
WINDOW = 250
"""Questions under way per channel. More do not make a sweep of 1,000 faster."""
FEW = 128
"""Questions that go to one channel together before the next gets any: their answers then come in one packet."""
UNPROVEN_WINDOW = 16
"""The same with a queue among them that may be missing: those behind it would have to be asked again."""
MOST_STUCK = 32
"""Channels held up by a stuck queue each. More, and it is the broker that is stuck."""


class FastLane:
    """Reads what two schedules say over one open connection, until that is gone."""

    def __init__(
        self,
        *,
        connection: BrokerConnection,
        settings: ReadingSettings,
        due: Schedule[Question],
        quarantine: Schedule[Question],
        on_reading: Callable[[Question, DepthReading], None],
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._due = due
        self._quarantine = quarantine
        self._on_reading = on_reading
        self._loop = asyncio.get_running_loop()
        self._channels: list[DeclareChannel] = []
        self._solitary: DeclareChannel | None = None
        """The quarantine's channel while it is open: one question at a time."""
        self._stuck: set[DeclareChannel] = set()
        """Channels whose first question is not answered in time. Its answer may still come, and frees them."""
        self._opening: set[asyncio.Task[None]] = set()
        self._full = False
        """Whether queues are due that no channel had room for."""
        self._timer: asyncio.TimerHandle | None = None
        self._pulsed_at = self._loop.time()
        self._failed: asyncio.Future[BrokerError] = self._loop.create_future()

    async def run(self) -> NoReturn:
        """Read until the connection is gone. Raises `BrokerError` with the cause."""
        try:
            for _ in range(self._settings.channels):
                self._open(self._channels.append)
            self._open(self._isolate)
            await asyncio.wait([self._connection.closed, self._failed], return_when=asyncio.FIRST_COMPLETED)
            ended = self._failed if self._failed.done() else self._connection.closed
            raise ended.result()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for task in self._opening:
                task.cancel()
            self._forget_channels()

    def _forget_channels(self) -> None:
        """Take no more answers: those that come while the connection is being closed say nothing about now."""
        for channel in self._all_channels():
            channel.waiting.clear()
        self._channels.clear()
        self._stuck.clear()
        self._solitary = None

    def arm(self, due: float) -> None:
        """Have the schedules looked at when this is due, if not before."""
        when = max(due, self._pulsed_at + PULSE)
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._pulse)

    def _pulse(self) -> None:
        now = self._loop.time()
        late = now - self._timer.when() if self._timer is not None else 0.0
        self._timer, self._pulsed_at = None, now
        try:
            if late < HELD_UP:
                self._find_stuck(now)
            self._ask_due(now)
            self._ask_quarantined(now)
        except BrokerError as error:
            self._fail(error)
            return
        waiting = any(channel.waiting for channel in self._all_channels())
        nexts = [due for due in (self._next(self._due), self._next(self._quarantine)) if due is not None]
        if waiting:
            nexts.append(now + WATCHFUL)
        if nexts:
            self.arm(min(nexts))

    def _next(self, schedule: Schedule[Question]) -> float | None:
        """When a schedule next needs a look. Not at all while nothing more can be asked: an answer brings one."""
        if schedule is self._due:
            free = any(len(channel.waiting) < WINDOW for channel in self._channels)
        else:
            free = self._solitary is not None and not self._solitary.waiting
        return schedule.next_due() if free else None

    def _ask_due(self, now: float) -> None:
        # Another one begins each time.
        if not self._channels:
            return
        self._channels.append(self._channels.pop(0))
        rooms = [(channel, WINDOW - len(channel.waiting)) for channel in self._channels]
        # Half of them are early and half of them late, so that intervals are on average what they should be.
        batch = self._due.take(until=now + PULSE / 2, most=sum(room for _, room in rooms))
        proven = [question for question in batch if question.proven]
        unproven = [question for question in batch if not question.proven]
        frames = []
        for position, (channel, room) in enumerate(rooms):
            share = max(FEW, -(-len(proven) // (len(rooms) - position)))
            mine, proven = proven[: min(share, room)], proven[min(share, room) :]
            probes = max(0, min(room - len(mine), UNPROVEN_WINDOW - len(channel.waiting) - len(mine)))
            mine, unproven = [*mine, *unproven[:probes]], unproven[probes:]
            if mine:
                frames.append(channel.ask(mine, now=now))
        for question in (*proven, *unproven):
            self._due.set(question, due=now)
        self._full = (self._due.next_due() or math.inf) <= now
        if frames:
            self._connection.write(b"".join(frames))

    def _ask_quarantined(self, now: float) -> None:
        if self._solitary is None or self._solitary.waiting:
            return
        for question in self._quarantine.take(until=now, most=1):
            if any(question in channel.waiting for channel in self._stuck):
                # Its late answer is still waited for; to ask again would hold up one more channel.
                self._quarantine.set(question, due=now + self._settings.retry_first)
            else:
                self._connection.write(self._solitary.ask([question], now=now))

    def _answered(self, channel: DeclareChannel, question: Question, ready: int, consumers: int) -> None:
        now = self._loop.time()
        channel.waiting_since = now
        if channel in self._stuck:
            # The late answer is good. Those behind it were asked elsewhere since.
            self._stuck.discard(channel)
            channel.close()
        self._on_reading(question, depth(ready=ready, consumers=consumers, at=now))
        if self._full and len(channel.waiting) < WINDOW // 2:
            self._full = False
            self.arm(now)

    def _ended(self, channel: DeclareChannel, error: BaseException) -> None:
        """A channel is gone: the first question on it is why, the others are asked again."""
        if not isinstance(error, pika.exceptions.ChannelClosedByBroker) or channel not in self._all_channels():
            return  # It was closed from here, or the whole connection is gone, which is told in one piece.
        now = self._loop.time()
        if channel in self._stuck:
            self._stuck.discard(channel)
        else:
            self._replace(channel)
        if channel.waiting:
            first, *others = channel.waiting
            self._ask_again(others, now=now)
            self._on_reading(first, refusal(error, at=now))

    def _find_stuck(self, now: float) -> None:
        timeout = self._settings.declare_timeout
        for channel in (*self._channels, *([self._solitary] if self._solitary else [])):
            if not channel.waiting or now - channel.waiting_since < timeout:
                continue
            self._stuck.add(channel)
            self._replace(channel)
            first, *others = channel.waiting
            channel.waiting.clear()
            channel.waiting.append(first)
            self._ask_again(others, now=now)
            self._on_reading(first, no_answer(timeout=timeout, at=now))
        if len(self._stuck) > MOST_STUCK:
            raise self._connection.unreachable(f"{len(self._stuck)} queues have not answered")

    def _ask_again(self, questions: Sequence[Question], *, now: float) -> None:
        for question in questions:
            self._due.set(question, due=now)
        self.arm(now)

    def _replace(self, channel: DeclareChannel) -> None:
        """Open a new channel in the place of one that is gone or stuck."""
        if channel is self._solitary:
            self._solitary = None
            self._open(self._isolate)
        else:
            self._channels.remove(channel)
            self._open(self._channels.append)

    def _isolate(self, channel: DeclareChannel) -> None:
        self._solitary = channel

    def _all_channels(self) -> list[DeclareChannel]:
        return [*self._channels, *self._stuck, *([self._solitary] if self._solitary else [])]

    def _open(self, use: Callable[[DeclareChannel], None]) -> None:
        task = self._loop.create_task(self._open_channel(use))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open_channel(self, use: Callable[[DeclareChannel], None]) -> None:
        channel = DeclareChannel(on_answer=self._answered, on_end=self._ended)
        try:
            await channel.open(self._connection)
        except BrokerError as error:
            self._fail(error)
            return
        use(channel)
        self.arm(self._loop.time())

    def _fail(self, error: BrokerError) -> None:
        if not self._failed.done():
            self._failed.set_result(error)
