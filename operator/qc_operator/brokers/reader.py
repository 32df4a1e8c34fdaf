"""One reader per broker, vhost and login, shared by every QueueConsumer on it.

The cost follows brokers and watched queues, never QueueConsumers times poll rate. Two lanes: passive declares over one
connection (`fast_lane.py`), several times a second where it matters, and the vhost's totals every 5 s (`totals.py`).
A reading goes from the wire to its listeners by a call, with no timer between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from qc_operator.brokers import NOT_READ_YET, Problem
from qc_operator.brokers.agenda import Agenda
from qc_operator.brokers.alarms import Alarms
from qc_operator.brokers.amqp import BrokerError
from qc_operator.brokers.credentials import Credentials
from qc_operator.brokers.declares import Question
from qc_operator.brokers.login import Login
from qc_operator.brokers.matcher import Matcher
from qc_operator.brokers.pace import BrokerPace
from qc_operator.brokers.session import BrokerSession
from qc_operator.brokers.totals import VhostTotals
from qc_operator.brokers.watches import Listener, Watch
from qc_operator.scaling.observation import (
    Depth,
    DepthReading,
    Missing,
    QueueObservation,
    Totals,
    TotalsReading,
    Unavailable,
    Unknown,
)
from qc_operator.scaling.trust import checked
from qc_operator.settings import ReadingSettings

FACTS_AWAITED = 1.5
"""Seconds for which the first reading of a queue waits at most for the slow lane, which is asked at once."""
ASKED_WITHIN = 1.0
"""Seconds that may lie between the moment a turn begins and the one its totals are of, unless they are older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """What the readers of one broker share, whatever their vhosts."""

    login: Login
    pace: BrokerPace
    alarms: Alarms


class BrokerReader:
    """Keeps the readings of the watched queues fresh until it is closed."""

    def __init__(
        self,
        *,
        credentials: Credentials,
        broker: Broker,
        settings: ReadingSettings,
        identity: str,
        session: aiohttp.ClientSession,
    ) -> None:
        self._credentials = credentials
        self._settings = settings
        self._broker = broker
        self._watches: dict[str, Watch] = {}
        self._followers: dict[Listener, Callable[[frozenset[str]], None]] = {}
        self._agenda = Agenda()
        self._matcher = Matcher()
        self._asked_at = self._answered_for = float("-inf")
        self._tried_at = float("-inf")
        """When the last turn of the slow lane that is over began."""
        self._totals = VhostTotals(
            credentials=credentials,
            login=broker.login,
            settings=settings,
            session=session,
            alarms=broker.alarms,
            interest=self,
            on_asked=self._totals_asked,
            on_answered=self._totals_answered,
            on_refused=self._refused,
        )
        self._session = BrokerSession(
            credentials=credentials,
            login=broker.login,
            settings=settings,
            identity=identity,
            agenda=self._agenda,
            on_open=self._opened,
            on_reading=self._apply,
            on_lost=self._lost,
        )
        self.problem: Problem | None = None
        """Why nothing can be read at all, or None."""
        self._tasks = [
            asyncio.create_task(self._session.keep_connected()),
            asyncio.create_task(self._totals.keep_reading()),
        ]

    @property
    def alarmed(self) -> bool:
        """Whether an alarm of the broker blocks its publishers."""
        return self._broker.alarms.alarmed

    @property
    def names(self) -> frozenset[str] | Unknown | Unavailable:
        """All queues of the vhost, as the slow lane listed them last."""
        return self._totals.names()

    def watched(self) -> list[str]:
        """The queues that are read, for the slow lane."""
        return list(self._watches)

    def rated(self) -> list[str]:
        """Those of them whose counters are needed."""
        return [watch.queue for watch in self._watches.values() if watch.rated]

    def listing(self) -> bool:
        """Whether all names of the vhost are needed."""
        return bool(self._followers)

    def watch(self, queue: str, listener: Listener, *, rated: bool = False) -> None:
        """Read a queue from now on and tell the listener of its readings."""
        watch = self._watches.get(queue)
        if watch is None:
            now = asyncio.get_running_loop().time()
            problem = self.problem or Problem(reason=NOT_READ_YET, message="no reading yet")
            unread = Unknown(cause=problem.reason, message=problem.message, at=now)
            watch = self._watches[queue] = Watch(queue=queue, depth=unread, since=now)
            self._read_at(watch, due=now + self._broker.pace.first())
            if self._totals.facts(queue) is None:
                self._totals.hurry()
        watch.rated += rated
        watch.listeners.append(listener)

    def unwatch(self, queue: str, listener: Listener, *, rated: bool = False) -> None:
        """Stop telling a listener; the last one to go ends the reading of the queue."""
        watch = self._watches[queue]
        watch.rated -= rated
        watch.listeners.remove(listener)
        if not watch.listeners:
            del self._watches[queue]
            self._classify(watch, fast=None)
            self._agenda.drop(watch)

    def follow(self, listener: Listener, match: Callable[[frozenset[str]], None]) -> None:
        """Have the vhost's queues listed, and call `match` with their names: soon, and when there are others."""
        self._followers[listener] = match
        self._matcher.add(match)
        if not isinstance(self.names, frozenset):
            self._totals.hurry()

    def unfollow(self, listener: Listener) -> None:
        """Stop calling back."""
        self._matcher.drop(self._followers.pop(listener))

    def observe(self, queue: str) -> QueueObservation:
        """The latest of both lanes, for what it is worth. No I/O."""
        watch = self._watches[queue]
        totals = self._totals_of(watch)
        # The nodes' metrics are of the 5 s before the asking, so what arrived then may not be in them.
        older = isinstance(totals, Totals) and totals.at < self._answered_for
        return checked(
            QueueObservation(
                name=queue,
                vhost=self._credentials.vhost,
                depth=self._depth_of(watch),
                totals=totals,
                arrived=watch.arrived + (watch.arrived_before if older else 0),
                facts=self._totals.facts(queue),
                counters=self._totals.counters(queue),
            )
        )

    def _depth_of(self, watch: Watch) -> DepthReading:
        """What was read, once the slow lane had its chance to say what kind of queue it is.

        A stream with a million messages would have its target at maxReplicas otherwise, before it is refused.
        """
        waits = self._totals.facts(watch.queue) is None and watch.since > self._tried_at
        if waits and isinstance(watch.depth, Depth) and watch.depth.at < watch.since + FACTS_AWAITED:
            return Unknown(cause=NOT_READ_YET, message="no reading yet", at=watch.depth.at)
        return watch.depth

    def _totals_of(self, watch: Watch) -> TotalsReading:
        totals = self._totals.of(watch.queue)
        if isinstance(totals, Unavailable) or totals.at >= watch.appeared_at or not isinstance(watch.depth, Depth):
            return totals
        # They are older than the queue, or than the connection that it is read over.
        return Unknown(cause=NOT_READ_YET, message="no reading of the totals yet", at=totals.at)

    async def close(self) -> None:
        """End both lanes and the connection."""
        for watch in self._watches.values():
            self._classify(watch, fast=None)
        self._matcher.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _opened(self) -> None:
        """A connection is there: read everything anew, what has failed by itself apart from the rest."""
        self.problem = None
        now = asyncio.get_running_loop().time()
        for watch in self._watches.values():
            watch.proven = False
            self._agenda.set(watch, due=now)

    def _apply(self, question: Question, reading: DepthReading) -> None:
        watch = self._watches.get(question.queue)
        if watch is not question:
            return  # It was given up while the question was under way.
        changed = watch.take(reading)
        if isinstance(reading, Depth):
            moving = reading.at - watch.changed_at < self._settings.moving_for
            fast = moving or watch.at_zero
            self._classify(watch, fast=fast)
            self._read_at(watch, due=self._broker.pace.next_due(after=reading.at, fast=fast))
        else:
            self._classify(watch, fast=None)
            self._read_at(watch, due=reading.at + self._broker.pace.retry(failures=watch.failures))
        watch.tell(at=reading.at, changed=changed, interval=self._settings.tell_interval)

    def _read_at(self, watch: Watch, *, due: float) -> None:
        self._agenda.set(watch, due=due)
        self._session.arm(due)

    def _classify(self, watch: Watch, *, fast: bool | None) -> None:
        if fast is watch.fast:
            return
        if watch.fast is not None:
            self._broker.pace.count(fast=watch.fast, change=-1)
        if fast is not None:
            self._broker.pace.count(fast=fast, change=1)
        watch.fast = fast

    def _lost(self, error: BrokerError, *, refused: bool) -> None:
        """Nothing can be read: every reading becomes unknown, with the connection's cause."""
        now = asyncio.get_running_loop().time()
        self.problem = Problem(reason=error.reason, message=str(error))
        for watch in self._watches.values():
            watch.lose(Unknown(cause=error.reason, message=str(error), at=now))
        self._notify_all()
        if refused:
            self._refused()

    def _totals_asked(self) -> None:
        self._asked_at = asyncio.get_running_loop().time()
        for watch in self._watches.values():
            watch.totals_asked()

    def _totals_answered(self, good: bool) -> None:  # noqa: FBT001 - the callback's only argument
        self._tried_at = self._asked_at
        self._look_at_names()
        if good:
            self._answered_for = self._asked_at - ASKED_WITHIN
            now = asyncio.get_running_loop().time()
            for watch in self._watches.values():
                watch.totals_answered()
                if isinstance(watch.depth, Missing) and isinstance(self._totals.of(watch.queue), Totals):
                    self._read_at(watch, due=now)  # It was declared since.
        self._notify_all()

    def _look_at_names(self) -> None:
        """Follow queues that come and go: hold the patterns against them."""
        names = self._totals.names()
        if not isinstance(names, frozenset) or names == self._matcher.names:
            return
        self._matcher.take(names)

    def _refused(self) -> None:
        for listener in self._listeners():
            listener.refused()

    def _notify_all(self) -> None:
        for listener in self._listeners():
            listener.notify()

    def _listeners(self) -> set[Listener]:
        return {listener for watch in self._watches.values() for listener in watch.listeners} | set(self._followers)
