"""What the metrics of one QueueConsumer say: from a spec, readings, decisions and writes to numbers.

Called at every turn, a thousand times a second with a thousand objects: what has not changed is not worked out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from math import inf
from typing import Final, Literal

from qc_operator import metric_families as family
from qc_operator.conditions import Condition
from qc_operator.flow_metrics import FlowMetrics
from qc_operator.object_series import Labels, Series
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scale_metrics import ScaleMetrics
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.observation import EntryObservation
from qc_operator.scaling.pods import Pods

Phase = Literal["pending", "ready", "not_ready"]
"""Nothing is known of the object yet; or what its condition Ready says."""

PODS_MAX_AGE: Final = 60.0
"""Seconds for which the last look at pods is believed."""
REASONS_MOST: Final = 3
"""Reasons of failures that are told apart; a broker in trouble goes through a few of some thirty."""
OTHER: Final = "Other"
LABEL_MOST: Final = 253
"""Characters of a label that lists names."""

_READINGS: Final = (family.MESSAGES_READY, family.MESSAGES_UNACKED, family.CONSUMERS, family.LAST_READING)
_DECIDED: Final = (family.CURRENT, family.READY, family.RECOMMENDED, family.DESIRED)
_SPECIFIED: Final = (family.MIN_REPLICAS, family.MAX_REPLICAS, family.MESSAGES_PER_REPLICA)
_TRUTH: Final = {"True": 1.0, "False": 0.0, "Unknown": None}
_NO_ANSWERS: Final = frozenset({"reading", "pause"})
"""First steps of decisions in which the targets had no word."""


class ObjectMetrics:
    """The metrics of one QueueConsumer, for as long as it is served. Times are seconds of the operator's clock.

    `moved` is told of each change of phase: from which, to which; None is not served. `completed` is told of changes of
    replicas that have arrived: `ScaleMetrics`.
    """

    def __init__(
        self,
        *,
        series: Series,
        moved: Callable[[Phase | None, Phase | None], None],
        completed: Callable[[str, float], None],
    ) -> None:
        self._series = series
        self.scale = ScaleMetrics(series=series, completed=completed)
        """Those of its changes of replicas."""
        self._flow = FlowMetrics(series=series)
        self._moved = moved
        self._phase: Phase | None = "pending"
        moved(None, "pending")
        self._spec: QueueConsumerSpec | None = None
        self._source: tuple[object, ...] = ()
        self._read_at = -inf
        self._unread: str | None = None
        self._failures: dict[Labels, float] = {}
        self._pair: tuple[str, str] | None = None
        self._conditions: dict[Labels, float] = {}

    def specified(self, spec: QueueConsumerSpec | None) -> None:
        """Show what a person wrote; None where it makes no sense."""
        show = self._series.set
        self._spec, self._source = spec, ()
        self._flow.specified(spec)
        if spec is None:
            for shown in _SPECIFIED:
                show(shown, None)
            self._series.set_rows(family.INFO, {})
            self.forget_readings()
            return
        show(family.MIN_REPLICAS, spec.min_replicas)
        show(family.MAX_REPLICAS, spec.max_replicas)
        lags = {queue.lag.scale_up_above for queue in spec.queues if queue.lag is not None}
        show(family.MESSAGES_PER_REPLICA, lags.pop() if len(lags) == 1 else None)
        self.scale.specified(spec)

    def observed(
        self, entries: Sequence[EntryObservation], *, broker: str, unread: str | None, now: float, at: datetime
    ) -> None:
        """Show what was read. `unread` is the reason why not every queue was, `at` the wall's time of `now`."""
        spec, show = self._spec, self._series.set
        if spec is None:
            return
        source = (broker, *[entry.vhost for entry in entries])
        if source != self._source:
            self._source = source
            self._series.set_rows(family.INFO, {_info(spec, broker=broker, entries=entries): 1})
        ready = consumers = 0
        unacknowledged: int | None = 0
        known, read_at = True, inf
        for entry in entries:
            sums = entry.sums
            known = known and entry.known
            ready += sums.ready
            consumers += sums.consumers
            read_at = min(read_at, sums.read_at)
            each = entry.unacknowledged
            unacknowledged = None if unacknowledged is None or each is None else unacknowledged + each
        show(family.MESSAGES_READY, ready if known else None)
        show(family.CONSUMERS, consumers if known else None)
        show(family.MESSAGES_UNACKED, unacknowledged)
        # Where a pattern matches no queue, that is what was read.
        if known and (read_at != self._read_at or read_at == inf):
            self._read_at = read_at
            show(family.LAST_READING, at.timestamp() - max(now - read_at, 0.0))
        self._flow.observed(entries, now=now)
        if unread is not None and unread != self._unread:
            told = (unread,) if (unread,) in self._failures or len(self._failures) < REASONS_MOST else (OTHER,)
            self._failures[told] = self._failures.get(told, 0) + 1
            self._series.set_rows(family.READING_FAILURES, self._failures)
        self._unread = unread

    def decided(self, decision: Decision, *, wrote: bool, running: int, pods: Pods | None, now: float) -> None:
        """Show what a turn has decided, and written or not, where `running` pods exist."""
        show = self._series.set
        asked = decision.replicas if wrote else decision.current
        self.scale.seen(asked=asked, running=running, pods=pods, now=now)
        show(family.CURRENT, running)
        show(family.READY, pods.ready if pods is not None and now - pods.at <= PODS_MAX_AGE else None)
        show(family.DESIRED, decision.replicas)
        if not decision.between:
            first = decision.steps[0]
            show(family.RECOMMENDED, None if first.name in _NO_ANSWERS else first.replicas)
            pair = (decision.reason.value, decision.limited_by.value)
            if pair != self._pair:
                self._pair = pair
                self._series.set_rows(family.DECISION, {pair: 1})
        self._flow.decided(decision, now=now)

    def undecided(self) -> None:
        """Nothing can be decided any more: the target is not known, or may not be written."""
        for shown in _DECIDED:
            self._series.set(shown, None)
        self._series.set_rows(family.DECISION, {})
        self._pair = None
        self._flow.undecided()

    def forget_readings(self) -> None:
        """What was known of other queues, or of another target, says nothing about these."""
        for shown in _READINGS:
            self._series.set(shown, None)
        self.undecided()
        self._flow.forget_readings()
        self._read_at, self._unread, self._source = -inf, None, ()

    def told(self, conditions: Sequence[Condition]) -> None:
        """Show the conditions that a turn has found."""
        changed = False
        for condition in conditions:
            if condition.type == "ObjectiveMet":
                continue  # which has a metric of its own
            value, labels = _TRUTH[condition.status], (condition.type,)
            if condition.type == "Ready":
                self._series.set_rows(family.READY_REASON, {(condition.reason,): 1})
                self._move("ready" if value else "not_ready")
            if value != self._conditions.get(labels):
                changed = True
                if value is None:
                    del self._conditions[labels]
                else:
                    self._conditions[labels] = value
        if changed:
            self._series.set_rows(family.CONDITION, self._conditions)

    def close(self) -> None:
        """Take all series away: the object is gone, or somebody else's."""
        self._series.close()
        self._move(None)

    def _move(self, phase: Phase | None) -> None:
        if phase != self._phase:
            self._moved(self._phase, phase)
            self._phase = phase


def _info(spec: QueueConsumerSpec, *, broker: str, entries: Sequence[EntryObservation]) -> Labels:
    return (
        spec.scale_target_ref.kind,
        spec.scale_target_ref.name,
        broker,
        _listed(entry.vhost for entry in entries),
        _listed(queue.name or queue.pattern or "" for queue in spec.queues),
        ",".join(sorted({target for queue in spec.queues for target in queue.targets})),
        spec.mode,
    )


def _listed(names: Iterable[str]) -> str:
    return ",".join(dict.fromkeys(name for name in names if name))[:LABEL_MOST]
