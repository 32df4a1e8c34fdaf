"""What the two lanes say of a queue, put together by their ages: the fast one's depth and the slow one's totals."""

from __future__ import annotations

import asyncio
from math import inf

from qc_operator.brokers.totals import VhostTotals
from qc_operator.brokers.watch_list import WatchList
from qc_operator.brokers.watches import Watch
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
from qc_operator.scaling.readings import NOT_READ_YET
from qc_operator.scaling.trust import checked

FACTS_AWAITED = 1.5
"""Seconds for which the first reading of a queue waits at most for the slow lane, which is asked at once."""
ASKED_WITHIN = 1.0
"""Seconds that may lie between the moment a turn begins and the one its totals are of, unless they are older."""

QUORUM = "quorum"


class BothLanes:
    """Observes the watched queues. It is told of the slow lane's turns; the fast one's readings are in the watches."""

    def __init__(self, *, vhost: str, watches: WatchList, totals: VhostTotals) -> None:
        self._vhost = vhost
        self._watches = watches
        self._totals = totals
        self._asked_at = self._answered_for = -inf
        self._tried_at = -inf
        """When the last turn of the slow lane that is over began."""

    def totals_asked(self) -> None:
        """Note that a turn of the slow lane begins."""
        self._asked_at = asyncio.get_running_loop().time()
        for watch in self._watches:
            watch.totals_asked()

    def totals_answered(self, *, good: bool) -> None:
        """Note that it is over; `good` when there are totals."""
        self._tried_at = self._asked_at
        if not good:
            return
        self._answered_for = self._asked_at - ASKED_WITHIN
        now = asyncio.get_running_loop().time()
        for watch in self._watches:
            watch.totals_answered()
            if isinstance(watch.depth, Missing) and isinstance(self._totals.of(watch.queue), Totals):
                self._watches.read_at(watch, due=now)  # It was declared since.

    def observe(self, queue: str) -> QueueObservation:
        """The latest of both lanes, for what it is worth; the very same observation while nothing is new. No I/O."""
        watch = self._watches[queue]
        totals = self._totals_of(watch)
        # The nodes' metrics are of the 5 s before the asking, so what arrived then may not be in them.
        older = isinstance(totals, Totals) and totals.at < self._answered_for
        arrived = watch.arrived + (watch.arrived_before if older else 0)
        depth, facts, counters = self._depth_of(watch), self._totals.facts(queue), self._totals.counters(queue)
        made_of = (depth, totals, arrived, facts, counters)
        if watch.observed is not None and watch.observed[0] == made_of:
            return watch.observed[1]
        observed = checked(
            QueueObservation(
                name=queue,
                vhost=self._vhost,
                depth=depth,
                totals=totals,
                arrived=arrived,
                facts=facts,
                counters=counters,
            )
        )
        watch.observed = made_of, observed
        return observed

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
        if watch.doubtful and isinstance(totals, Totals) and self._may_have_leader(watch):
            message = "the queue reads empty, and no sooner than one whose leader is stuck: its totals may be old ones"
            return Unknown(cause="LeaderSilent", message=message, at=totals.at)
        if isinstance(totals, Unavailable) or totals.at >= watch.appeared_at or not isinstance(watch.depth, Depth):
            return totals
        # They are older than the queue, or than the connection that it is read over.
        return Unknown(cause=NOT_READ_YET, message="no reading of the totals yet", at=totals.at)

    def _may_have_leader(self, watch: Watch) -> bool:
        facts = self._totals.facts(watch.queue)
        return facts is None or facts.type == QUORUM
