"""What the metrics of one QueueConsumer say of changes of replicas: how many, which, when, and how long they took."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from qc_operator import metric_families as family
from qc_operator import scale_record
from qc_operator.object_series import Labels, Series
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scale_record import Kind
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.pods import Pods


class ScaleMetrics:
    """Counts from when the process serves the object. Times are seconds of the operator's clock.

    `completed` is told of each change that has arrived: its direction, and the seconds since it was written.
    """

    def __init__(self, *, series: Series, completed: Callable[[str, float], None]) -> None:
        self._series = series
        self._completed = completed
        self._events: dict[Labels, float] = {}
        self._exemplars: dict[Labels, str] = {}
        self._replicas: dict[Labels, float] = {("up",): 0.0, ("down",): 0.0}
        self._reversals = 0
        self._history: object = None
        self._direction: str | None = None
        self._under_way: tuple[str, int, float] | None = None
        """Direction and replicas of the last change, and when it was written."""

    def specified(self, spec: QueueConsumerSpec) -> None:
        """Show what the spec may bring about, at zero: rate() and increase() see no counter's first value."""
        kinds = scale_record.possible(spec)
        happened = {kind: count for kind, count in self._events.items() if count}
        self._events = dict.fromkeys(kinds, 0.0) | happened
        self._series.set_rows(family.SCALE_EVENTS, self._events, exemplars=self._exemplars)
        self._series.set_rows(family.SCALED_REPLICAS, self._replicas)
        self._series.set(family.REVERSALS, self._reversals)

    def remember(self, history: object) -> None:
        """Show when the changes were that `status.history` tells of, also those that an operator before has made."""
        if history is not self._history:
            self._history = history
            self._series.set_rows(family.LAST_SCALE, scale_record.latest(history))
            self._direction = scale_record.last_direction(history)

    def scaled(self, decision: Decision, *, now: float, at: datetime) -> None:
        """Count a write that the API server accepted; `at` is the wall's time of `now`."""
        before, after = decision.current, decision.replicas
        way = scale_record.direction(before=before, after=after)
        kind: Kind = (way, decision.reason.value)
        self._events[kind] = self._events.get(kind, 0.0) + 1
        words = f'{{from="{before}",to="{after}",limited_by="{decision.limited_by.value}"}}'
        self._exemplars[kind] = f"{words} 1 {at.timestamp():.3f}"
        self._series.set_rows(family.SCALE_EVENTS, self._events, exemplars=self._exemplars)
        self._replicas[way,] += abs(after - before)
        self._series.set_rows(family.SCALED_REPLICAS, self._replicas)
        if self._direction not in (None, way):
            self._reversals += 1
            self._series.set(family.REVERSALS, self._reversals)
        self._direction = way
        self._under_way = (way, after, now)

    def seen(self, *, asked: int, running: int, pods: Pods | None, now: float) -> None:
        """Take in the target as it is: `asked` replicas are asked for, and `running` pods exist."""
        if self._under_way is None:
            return
        way, replicas, since = self._under_way
        if asked != replicas:
            self._under_way = None  # Another change came before this one had arrived.
        elif running == replicas and (way == "down" or _all_ready(replicas, pods=pods, since=since)):
            self._under_way = None
            self._completed(way, now - since)


def _all_ready(replicas: int, *, pods: Pods | None, since: float) -> bool:
    return pods is not None and pods.at > since and pods.ready >= replicas
