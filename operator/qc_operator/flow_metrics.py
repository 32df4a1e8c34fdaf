"""What the metrics of one QueueConsumer say of the flow through its queues: messages passed, rates, waiting times."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final

from qc_operator import metric_families as family
from qc_operator.limitation import on_time
from qc_operator.message_counts import MessageCounts
from qc_operator.object_series import Series
from qc_operator.objective_time import ObjectiveTime
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling import capacity
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.observation import EntryObservation
from qc_operator.scaling.startup import StartUp
from qc_operator.scaling.trust import TOTALS_MAX_AGE

_COUNTED: Final = (family.PUBLISHED, family.ACKED, family.REDELIVERED)
_ESTIMATED: Final = (family.ARRIVALS, family.SERVICE, family.WAIT, family.START, family.OBJECTIVE_MET)


class FlowMetrics:
    """Of the entries whose counters are read, and of those with an objective. Times are in seconds, monotonic."""

    def __init__(self, *, series: Series) -> None:
        self._series = series
        self._rated: tuple[int, ...] = ()
        """Which entries have counters that are read."""
        self._waiting = False
        """Whether any has an objective."""
        self._counts = MessageCounts()
        self._start_up: StartUp | None = None
        self._objective = ObjectiveTime()

    def specified(self, spec: QueueConsumerSpec | None) -> None:
        """Show the objective, and none where there is none."""
        queues = spec.queues if spec is not None else ()
        objectives = [queue.wait.objective_seconds for queue in queues if queue.wait is not None]
        self._rated = tuple(index for index, queue in enumerate(queues) if queue.rated)
        self._waiting = bool(objectives)
        self._series.set(family.OBJECTIVE, min(objectives, default=None))
        if not objectives:
            self._series.set(family.WAIT, None)
            self._series.set(family.OBJECTIVE_MET, None)
        self._show_objective()

    def observed(self, entries: Sequence[EntryObservation], *, now: float) -> None:
        """Show how many messages have passed."""
        if self._rated:
            rated = [entries[index] for index in self._rated if index < len(entries)]
            passed = self._counts.take(rated, now=now)
            for shown, count in zip(_COUNTED, passed or (None, None, None), strict=True):
                self._series.set(shown, count)

    def decided(self, decision: Decision, *, now: float) -> None:
        """Show what the decision rests on."""
        if self._rated:
            self._estimate(decision, now=now)
        start_up = decision.memory.capacity.start_up
        if start_up is not self._start_up:
            self._start_up = start_up
            start, observed = capacity.start(decision.memory.capacity)
            self._series.set(family.START, start if observed else None)
        if self._waiting:
            self._weigh(decision, now=now)

    def undecided(self) -> None:
        """Nothing is estimated any more, as nothing can be decided."""
        for shown in _ESTIMATED:
            self._series.set(shown, None)
        self._start_up = None
        self._objective.note(None, now=inf)

    def forget_readings(self) -> None:
        """Begin to count anew: other queues are read from now on."""
        for shown in _COUNTED:
            self._series.set(shown, None)
        self._counts = MessageCounts()

    def _estimate(self, decision: Decision, *, now: float) -> None:
        # Those of the memory: a pause decides without them, and they are known all the same.
        rates = decision.memory.rates
        rated = [rates[index] for index in self._rated if index < len(rates)]
        arrivals: float | None = 0.0 if rated else None
        for each in rated:
            fresh = each.at is not None and now - each.at <= TOTALS_MAX_AGE
            known = each.arrivals if fresh else None
            arrivals = None if arrivals is None or known is None else arrivals + known
        self._series.set(family.ARRIVALS, arrivals)
        self._series.set(family.SERVICE, rated[0].throughput if len(rated) == 1 else None)

    def _weigh(self, decision: Decision, *, now: float) -> None:
        """How long messages wait, against the objective."""
        met = on_time(decision)
        waiting = [(wait.seconds, wait.objective) for wait in decision.waiting if wait is not None]
        known = [(seconds, objective) for seconds, objective in waiting if seconds is not None]
        worst = max(known, key=lambda wait: wait[0] / wait[1]) if known and len(known) == len(waiting) else None
        self._series.set(family.WAIT, worst[0] if worst else None)
        if worst:
            self._series.set(family.OBJECTIVE, worst[1])
        self._series.set(family.OBJECTIVE_MET, None if met is None else float(met))
        self._objective.note(met, now=now)
        self._show_objective()

    def _show_objective(self) -> None:
        self._series.set(family.OBJECTIVE_SECONDS, self._objective.known if self._waiting else None)
        self._series.set(family.MISSED_SECONDS, self._objective.missed if self._waiting else None)
