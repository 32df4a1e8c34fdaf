"""The queues that a reader watches: when each is due, at which of the two intervals, and who is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from qc_operator.brokers.agenda import Agenda
from qc_operator.brokers.declares import Question
from qc_operator.brokers.pace import BrokerPace
from qc_operator.brokers.watches import Listener, Watch
from qc_operator.scaling.observation import Depth, DepthReading, Unknown
from qc_operator.settings import ReadingSettings

STALLED = 180.0
"""Seconds without any reading. The longest pause of a queue that fails is 60 s."""


class WatchList:
    """Takes in each reading and has the queue read again: soon, later, or much later, by what was read."""

    def __init__(
        self, *, agenda: Agenda, pace: BrokerPace, settings: ReadingSettings, arm: Callable[[float], None]
    ) -> None:
        self._agenda = agenda
        self._pace = pace
        self._phase = pace.phase()
        self._settings = settings
        self._arm = arm
        self._watches: dict[str, Watch] = {}
        self.taken_at = asyncio.get_running_loop().time()
        """When the last reading was taken in, or a connection was opened, on the loop's clock."""

    def __iter__(self) -> Iterator[Watch]:
        """All queues that are watched."""
        return iter(self._watches.values())

    def __getitem__(self, queue: str) -> Watch:
        """One of them."""
        return self._watches[queue]

    def names(self) -> list[str]:
        """The queues that are read."""
        return list(self._watches)

    def rated(self) -> list[str]:
        """Those of them whose counters are needed."""
        return [watch.queue for watch in self if watch.rated]

    def stalled(self, *, now: float) -> bool:
        """Whether there are queues, and none was read for longer than can be explained. Failures are readings, too."""
        return bool(self._watches) and now - self.taken_at > STALLED

    def listeners(self) -> set[Listener]:
        """Whoever listens to any of them."""
        return {listener for watch in self for listener in watch.listeners}

    def add(self, queue: str, listener: Listener, *, rated: bool, unread: Unknown) -> bool:
        """Read a queue from now on and tell the listener of its readings; whether nobody watched it before."""
        watch = self._watches.get(queue)
        new = watch is None
        if watch is None:
            watch = self._watches[queue] = Watch(queue=queue, depth=unread, since=unread.at)
            self.read_at(watch, due=unread.at + self._pace.first())
        watch.rated += rated
        watch.listeners.append(listener)
        return new

    def remove(self, queue: str, listener: Listener, *, rated: bool) -> None:
        """Stop telling a listener; the last one to go ends the reading of the queue."""
        watch = self._watches[queue]
        watch.rated -= rated
        watch.listeners.remove(listener)
        if not watch.listeners:
            del self._watches[queue]
            self._classify(watch, fast=None)
            self._agenda.drop(watch)

    def read_at(self, watch: Watch, *, due: float) -> None:
        """Have a queue read at this time of the loop's clock."""
        self._agenda.set(watch, due=due)
        self._arm(due)

    def opened(self) -> None:
        """A connection is there: read everything anew, what has failed by itself apart from the rest."""
        self.taken_at = now = asyncio.get_running_loop().time()
        for watch in self:
            watch.proven = False
            self._agenda.set(watch, due=now)

    def take(self, question: Question, reading: DepthReading) -> None:
        """Take in a reading, tell the listeners, and have the queue read again."""
        watch = self._watches.get(question.queue)
        if watch is not question:
            return  # It was given up while the question was under way.
        self.taken_at = reading.at
        changed = watch.take(reading)
        if isinstance(reading, Depth):
            moving = reading.at - watch.changed_at < self._settings.moving_for
            fast = moving or watch.at_zero
            self._classify(watch, fast=fast)
            self.read_at(watch, due=self._pace.next_due(after=reading.at, fast=fast, phase=self._phase))
        else:
            self._classify(watch, fast=None)
            self.read_at(watch, due=reading.at + self._pace.retry(failures=watch.failures))
        watch.tell(
            at=reading.at,
            changed=changed,
            interval=self._settings.tell_interval,
            rest_interval=self._settings.rest_interval,
        )

    def lose(self, reading: Unknown) -> None:
        """Take in that nothing at all can be read."""
        for watch in self:
            watch.lose(reading)

    def close(self) -> None:
        """Leave the broker's pace to its other readers."""
        for watch in self:
            self._classify(watch, fast=None)

    def _classify(self, watch: Watch, *, fast: bool | None) -> None:
        if fast is watch.fast:
            return
        if watch.fast is not None:
            self._pace.count(fast=watch.fast, change=-1)
        if fast is not None:
            self._pace.count(fast=fast, change=1)
        watch.fast = fast
