"""One reader per broker, vhost and login, shared by every QueueConsumer on it.

The cost follows brokers and watched queues, never QueueConsumers times poll rate. Two lanes: passive declares over one
connection (`fast_lane.py`), several times a second where it matters, and the vhost's totals every 5 s (`totals.py`).
A reading goes from the wire to its listeners by a call, with no timer between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

from qc_operator.brokers import Problem
from qc_operator.brokers.agenda import Agenda
from qc_operator.brokers.amqp import BrokerError
from qc_operator.brokers.asked import Asked, nobody
from qc_operator.brokers.both_lanes import BothLanes
from qc_operator.brokers.broker import Broker
from qc_operator.brokers.credentials import Credentials
from qc_operator.brokers.declares import Question
from qc_operator.brokers.holders import ASKED_WITHIN, Holders
from qc_operator.brokers.management import ManagementApi
from qc_operator.brokers.matcher import Matcher
from qc_operator.brokers.session import BrokerSession
from qc_operator.brokers.totals import VhostTotals
from qc_operator.brokers.watch_list import STALLED, WatchList
from qc_operator.brokers.watches import Listener
from qc_operator.scaling.observation import DepthReading, QueueObservation, Unavailable, Unknown
from qc_operator.scaling.readings import NOT_READ_YET
from qc_operator.settings import ReadingSettings


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
        asked: Asked = nobody,
    ) -> None:
        self._asked = asked
        self._agenda = agenda = Agenda()
        self._broker = broker
        self._vhost = credentials.vhost
        self._watches = WatchList(agenda=agenda, pace=broker.pace, settings=settings, arm=self._arm)
        self._followers: dict[Listener, Callable[[frozenset[str]], None]] = {}
        self._matcher = Matcher()
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
            asked=asked,
        )
        api = ManagementApi(credentials=credentials, login=broker.login, session=session, within=ASKED_WITHIN)
        self.holders = Holders(api=api)
        self._lanes = BothLanes(vhost=credentials.vhost, watches=self._watches, totals=self._totals)
        self._session = BrokerSession(
            credentials=credentials,
            login=broker.login,
            settings=settings,
            identity=identity,
            agenda=agenda,
            on_open=self._opened,
            on_reading=self._take,
            on_lost=self._lost,
        )
        self.problem: Problem | None = None
        """Why nothing can be read at all, or None."""
        self.connected: bool | None = None
        """Whether the connection is there; None before the first try has ended."""
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

    def stalled(self, *, now: float) -> str | None:
        """Why nothing is read although the broker is there, as a sentence; else None.

        A failure to read is a reading, too, so there is always one to come. Only a mistake of ours is silent.
        """
        if any(task.done() for task in self._tasks):
            return f"the reader of vhost {self._vhost} has ended"
        if self.problem is None and self._watches.stalled(now=now):
            return f"no queue of vhost {self._vhost} was read for {STALLED:.0f} s or longer"
        return None

    def watched(self) -> list[str]:
        """The queues that are read, for the slow lane."""
        return self._watches.names()

    def rated(self) -> list[str]:
        """Those of them whose counters are needed."""
        return self._watches.rated()

    def listing(self) -> bool:
        """Whether all names of the vhost are needed."""
        return bool(self._followers)

    def watch(self, queue: str, listener: Listener, *, rated: bool = False) -> None:
        """Read a queue from now on and tell the listener of its readings."""
        problem = self.problem or Problem(reason=NOT_READ_YET, message="no reading yet")
        now = asyncio.get_running_loop().time()
        unread = Unknown(cause=problem.reason, message=problem.message, at=now)
        new = self._watches.add(queue, listener, rated=rated, unread=unread)
        if new and self._totals.facts(queue) is None:
            self._totals.hurry()

    def unwatch(self, queue: str, listener: Listener, *, rated: bool = False) -> None:
        """Stop telling a listener; the last one to go ends the reading of the queue."""
        self._watches.remove(queue, listener, rated=rated)

    def follow(self, listener: Listener, match: Callable[[frozenset[str]], None]) -> None:
        """Have the vhost's queues listed, and call `match` with their names: soon, and when there are others."""
        self._followers[listener] = match
        self._matcher.add(match)
        if not isinstance(self.names, frozenset):
            self._totals.hurry()

    def unfollow(self, listener: Listener) -> None:
        """Stop calling back."""
        self._matcher.drop(self._followers.pop(listener))

    def work_waits(self, queue: str) -> bool:
        """Whether there are messages in a queue, as far as is known."""
        return self._watches[queue].work_waits

    def observe(self, queue: str) -> QueueObservation:
        """The latest of both lanes, for what it is worth. No I/O."""
        return self._lanes.observe(queue)

    async def close(self) -> None:
        """End both lanes and the connection."""
        self._watches.close()
        self._matcher.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take(self, question: Question, reading: DepthReading) -> None:
        self._asked("declare", question.took, good=not isinstance(reading, Unknown))
        self._watches.take(question, reading)

    def _opened(self) -> None:
        self.problem, self.connected = None, True
        self._watches.opened()

    def _lost(self, error: BrokerError, *, refused: bool) -> None:
        """Nothing can be read: every reading becomes unknown, with the connection's cause."""
        self.problem, self.connected = Problem(reason=error.reason, message=str(error)), False
        now = asyncio.get_running_loop().time()
        self._watches.lose(Unknown(cause=error.reason, message=str(error), at=now))
        for listener in self._listeners():
            listener.notify()
        if refused:
            self._refused()

    def _arm(self, due: float) -> None:
        self._session.arm(due)

    def _totals_asked(self) -> None:
        self._lanes.totals_asked()

    def _totals_answered(self, good: bool) -> None:  # noqa: FBT001 - the callback's only argument
        names = self._totals.names()
        if isinstance(names, frozenset):
            # Follow queues that come and go: hold the patterns against them.
            self._matcher.take(names)
        self._lanes.totals_answered(good=good)
        for listener in self._listeners():
            if not listener.at_rest:  # which hears of the queue soon enough
                listener.notify()

    def _refused(self) -> None:
        for listener in self._listeners():
            listener.refused()

    def _listeners(self) -> set[Listener]:
        return self._watches.listeners() | set(self._followers)
