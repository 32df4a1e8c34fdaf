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
from qc_operator.brokers.allowance import Allowance
from qc_operator.brokers.amqp import BrokerConnection, BrokerError
from qc_operator.brokers.declares import DeclareChannel, MisplacedAnswerError, Question, depth, no_answer, refusal
from qc_operator.brokers.opener import ChannelOpener
from qc_operator.brokers.pace import BURST
from qc_operator.brokers.pulse import Pulse
from qc_operator.brokers.stuck import StuckChannels
from qc_operator.brokers.tracks import Track
from qc_operator.scaling.observation import DepthReading
from qc_operator.settings import ReadingSettings

WATCHFUL = 0.25
"""Seconds after which waiting questions are looked at again: how exactly the time-out is kept."""
WINDOW = 250
"""Questions under way per channel. More do not make a sweep of 1,000 faster."""
FRESH_CHANNELS = 8
"""For queues that may be missing: after a reconnect that is all of them, and each turn takes a whole way to the broker
and back. 2,000 queues at 100 ms take half a second over these, and 3 s over one."""
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
        per_second = settings.declares_per_second
        allowance = Allowance(per_second=per_second, at_once=max(BURST, per_second / 4), now=self._loop.time())
        # The proven ones are last, as there may be so many of them that nothing is left for the others.
        self._tracks = (
            Track(schedule=agenda.quarantine, channels=1, window=1, allowance=allowance),
            Track(schedule=agenda.fresh, channels=FRESH_CHANNELS, window=FRESH_WINDOW, allowance=allowance),
            Track(schedule=agenda.proven, channels=settings.channels, window=WINDOW, allowance=allowance),
        )
        self._stuck = StuckChannels()
        self._opener = ChannelOpener(
            connection=connection,
            make=lambda: DeclareChannel(on_answer=self._answered, on_end=self._ended),
            on_open=lambda: self.arm(self._loop.time()),
            on_error=self._fail,
        )
        self._pulse = Pulse(self._look)
        self._failed: asyncio.Future[BrokerError] = self._loop.create_future()

    async def run(self) -> NoReturn:
        """Read until the connection is gone. Raises `BrokerError` with the cause."""
        try:
            for track in self._tracks:
                for _ in range(track.wanted):
                    self._opener.open(track)
            await asyncio.wait([self._connection.closed, self._failed], return_when=asyncio.FIRST_COMPLETED)
            raise (self._failed if self._failed.done() else self._connection.closed).result()
        finally:
            self._end()

    def _end(self) -> None:
        """Take no more answers: those that come while the connection is being closed say nothing about now."""
        if not self._failed.done():
            self._failed.cancel()
        self._pulse.stop()
        self._opener.stop()
        for track in self._tracks:
            for channel in tuple(track.channels):
                channel.waiting.clear()
                track.give_up(channel)
        self._stuck.clear()

    def arm(self, due: float) -> None:
        """Have the schedules looked at when this is due, if not before."""
        if not self._failed.done():
            self._pulse.arm(due)

    def _look(self, now: float, held_up: bool) -> None:  # noqa: FBT001 - the callback's arguments
        try:
            if not held_up:
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
            asked = []
            for question in questions:
                if self._stuck.holds(question):
                    self._agenda.set(question, due=now + self._settings.retry_first)
                else:
                    asked.append(question)
            if asked:
                frames.append(channel.ask(asked, now=now))
        if frames:
            self._connection.write(b"".join(frames))

    def _answered(self, channel: DeclareChannel, question: Question, ready: int, consumers: int) -> None:
        now = self._loop.time()
        question.took = now - channel.waiting_since
        channel.waiting_since = now
        if channel in self._stuck:
            # The late answer is good. Those behind it were asked elsewhere since.
            self._stuck.free(channel)
            channel.close()
        self._on_reading(question, depth(ready=ready, consumers=consumers, at=now))
        # Eleven thousand times a second: the channel knows, and is not looked for among all of them.
        track = channel.serving
        if isinstance(track, Track) and track.wants_more(channel, now=now):
            try:
                self._ask(track, now=now)
            except BrokerError as error:
                self._fail(error)

    def _ended(self, channel: DeclareChannel, error: BaseException) -> None:
        """A channel is gone: the first question on it is why, the others are asked again."""
        if isinstance(error, MisplacedAnswerError):
            self._fail(self._connection.unreachable(str(error)))
            return
        track = channel.serving if isinstance(channel.serving, Track) else None
        if not isinstance(error, pika.exceptions.ChannelClosedByBroker) or not (track or channel in self._stuck):
            return  # It was closed from here, or the whole connection is gone, which is told in one piece.
        now = self._loop.time()
        waiting = list(channel.waiting)
        if track is None:
            self._stuck.free(channel)
        else:
            self._replace(channel, track)
            self._ask_again(waiting[1:], now=now)
        if waiting:
            waiting[0].took = now - channel.waiting_since
            self._on_reading(waiting[0], refusal(error, where=self._connection.where, at=now))

    def _find_stuck(self, now: float) -> None:
        timeout = self._settings.declare_timeout
        for track in self._tracks:
            for channel in tuple(track.channels):
                if not channel.waiting or now - channel.waiting_since < timeout:
                    continue
                self._replace(channel, track)
                first, others = self._stuck.hold(channel)
                self._ask_again(others, now=now)
                first.took = now - channel.waiting_since
                self._on_reading(first, no_answer(where=self._connection.where, timeout=timeout, at=now))
        if len(self._stuck) > MOST_STUCK:
            raise self._connection.unreachable(f"{len(self._stuck)} queues have not answered")

    def _ask_again(self, questions: Sequence[Question], *, now: float) -> None:
        for question in questions:
            self._agenda.set(question, due=now)
        self.arm(now)

    def _replace(self, channel: DeclareChannel, track: Track) -> None:
        """Open a new channel in the place of one that is gone or stuck."""
        track.give_up(channel)
        self._opener.open(track)

    def _fail(self, error: BrokerError) -> None:
        if not self._failed.done():
            self._failed.set_result(error)
