"""The fast lane: asks about each queue when it is due, over a few channels, many questions at a time.

Everything here is a callback of the event loop; no task waits per queue or per channel. A missing queue ends its
channel and a stuck one holds it up, so queues that are not known to be neither have channels of their own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import NoReturn

import pika.exceptions

from qc_operator.brokers.agenda import Agenda
from qc_operator.brokers.amqp import BrokerConnection, BrokerError
from qc_operator.brokers.declares import DeclareChannel, MisplacedAnswerError, Question, depth, no_answer, refusal
from qc_operator.brokers.tracks import Track
from qc_operator.scaling.observation import DepthReading
from qc_operator.settings import ReadingSettings

PULSE = 0.05
"""Seconds between two looks at the schedules at least: what is due by then goes out in one write. With 1,000 queues at
zero a write of 250 questions costs the broker 25 us each, one of 50 costs 35."""
WATCHFUL = 0.25
"""Seconds after which waiting questions are looked at again: how exactly the time-out is kept."""
HELD_UP = 0.5
"""Seconds by which a look at the schedules may be late. Beyond, this process itself was held up, and the answers that
seem to be missing are waiting in its socket."""
WINDOW = 250
"""Questions under way per channel. More do not make a sweep of 1,000 faster."""
FRESH_WINDOW = 64
"""The same where a queue among them may be missing: those behind it have to be asked again."""
MOST_STUCK = 32
"""Channels held up by a stuck queue each. More, and it is the broker that is stuck."""

log = logging.getLogger(__name__)


class FastLane:
    """Reads what an agenda says over one open connection, until that is gone."""

    def __init__(
        self,
        *,
        connection: BrokerConnection,
        settings: ReadingSettings,
        agenda: Agenda,
        on_reading: Callable[[Question, DepthReading], None],
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._agenda = agenda
        self._on_reading = on_reading
        self._loop = asyncio.get_running_loop()
        self._tracks = (
            Track(schedule=agenda.proven, channels=settings.channels, window=WINDOW, early=PULSE / 2),
            Track(schedule=agenda.fresh, channels=1, window=FRESH_WINDOW),
            Track(schedule=agenda.quarantine, channels=1, window=1),
        )
        self._stuck: dict[DeclareChannel, Question] = {}
        """Channels whose first question is not answered in time. Its answer may still come, and frees them."""
        self._opening: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._pulsed_at = self._loop.time()
        self._failed: asyncio.Future[BrokerError] = self._loop.create_future()

    async def run(self) -> NoReturn:
        """Read until the connection is gone. Raises `BrokerError` with the cause."""
        try:
            for track in self._tracks:
                for _ in range(track.wanted):
                    self._open(track)
            await asyncio.wait([self._connection.closed, self._failed], return_when=asyncio.FIRST_COMPLETED)
            ended = self._failed if self._failed.done() else self._connection.closed
            raise ended.result()
        finally:
            self._end()

    def _end(self) -> None:
        """Take no more answers: those that come while the connection is being closed say nothing about now."""
        if not self._failed.done():
            self._failed.cancel()
        if self._timer is not None:
            self._timer.cancel()
        for task in self._opening:
            task.cancel()
        for track in self._tracks:
            for channel in track.channels:
                channel.waiting.clear()
            track.channels.clear()
        for channel in self._stuck:
            channel.waiting.clear()
        self._stuck.clear()

    def arm(self, due: float) -> None:
        """Have the schedules looked at when this is due, if not before."""
        if self._failed.done():
            return
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
            for track in self._tracks:
                self._ask(track, now=now)
        except BrokerError as error:
            self._fail(error)
            return
        except Exception:
            # Without a timer nothing would be read any more, and nobody would know.
            log.exception("the lane failed")
            self._fail(BrokerError("ReaderFailed", "the reader failed and starts again"))
            return
        nexts = [due for track in self._tracks if (due := track.next_look()) is not None]
        if self._stuck or any(channel.waiting for track in self._tracks for channel in track.channels):
            nexts.append(now + WATCHFUL)
        if nexts:
            self.arm(min(nexts))

    def _ask(self, track: Track, *, now: float) -> None:
        frames = []
        for channel, questions in track.deal(now=now):
            asked = [question for question in questions if not self._is_stuck(question)]
            for question in questions:
                if question not in asked:
                    # Its late answer is still waited for; to ask again would hold up one more channel.
                    self._agenda.set(question, due=now + self._settings.retry_first)
            if asked:
                frames.append(channel.ask(asked, now=now))
        if frames:
            self._connection.write(b"".join(frames))

    def _is_stuck(self, question: Question) -> bool:
        return bool(self._stuck) and any(question.queue == waiting.queue for waiting in self._stuck.values())

    def _answered(self, channel: DeclareChannel, question: Question, ready: int, consumers: int) -> None:
        now = self._loop.time()
        channel.waiting_since = now
        if channel in self._stuck:
            # The late answer is good. Those behind it were asked elsewhere since.
            del self._stuck[channel]
            channel.close()
        self._on_reading(question, depth(ready=ready, consumers=consumers, at=now))
        if len(channel.waiting) in {0, WINDOW // 2}:
            self._refill(channel, now=now)

    def _refill(self, channel: DeclareChannel, *, now: float) -> None:
        """Go on at once where questions are overdue for which there was no room."""
        for track in self._tracks:
            if channel in track.channels and track.overdue(now=now):
                try:
                    self._ask(track, now=now)
                except BrokerError as error:
                    self._fail(error)

    def _ended(self, channel: DeclareChannel, error: BaseException) -> None:
        """A channel is gone: the first question on it is why, the others are asked again."""
        if isinstance(error, MisplacedAnswerError):
            self._fail(self._connection.unreachable(str(error)))
            return
        track = next((track for track in self._tracks if channel in track.channels), None)
        if not isinstance(error, pika.exceptions.ChannelClosedByBroker) or not (track or channel in self._stuck):
            return  # It was closed from here, or the whole connection is gone, which is told in one piece.
        now = self._loop.time()
        waiting = list(channel.waiting)
        if track is None:
            del self._stuck[channel]
        else:
            self._replace(channel, track)
            self._ask_again(waiting[1:], now=now)
        if waiting:
            self._on_reading(waiting[0], refusal(error, at=now))

    def _find_stuck(self, now: float) -> None:
        timeout = self._settings.declare_timeout
        for track in self._tracks:
            for channel in tuple(track.channels):
                if not channel.waiting or now - channel.waiting_since < timeout:
                    continue
                first, *others = channel.waiting
                self._replace(channel, track)
                self._stuck[channel] = first
                channel.waiting.clear()
                channel.waiting.append(first)
                self._ask_again(others, now=now)
                self._on_reading(first, no_answer(timeout=timeout, at=now))
        if len(self._stuck) > MOST_STUCK:
            raise self._connection.unreachable(f"{len(self._stuck)} queues have not answered")

    def _ask_again(self, questions: Sequence[Question], *, now: float) -> None:
        for question in questions:
            self._agenda.set(question, due=now)
        self.arm(now)

    def _replace(self, channel: DeclareChannel, track: Track) -> None:
        """Open a new channel in the place of one that is gone or stuck."""
        track.channels.remove(channel)
        self._open(track)

    def _open(self, track: Track) -> None:
        task = self._loop.create_task(self._open_channel(track))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open_channel(self, track: Track) -> None:
        channel = DeclareChannel(on_answer=self._answered, on_end=self._ended)
        try:
            await channel.open(self._connection)
        except BrokerError as error:
            self._fail(error)
            return
        track.channels.append(channel)
        self.arm(self._loop.time())

    def _fail(self, error: BrokerError) -> None:
        if not self._failed.done():
            self._failed.set_result(error)
