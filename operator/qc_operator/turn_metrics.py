"""What the metrics are told of the turns of one QueueConsumer."""

from __future__ import annotations

from collections.abc import Sequence

from qc_operator import scale_record
from qc_operator.actuation import Actuation
from qc_operator.brokers import Feed, Problem
from qc_operator.cluster.client import ApiError
from qc_operator.registry import Known
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.observation import EntryObservation, Missing, Unknown
from qc_operator.scaling.readings import NOT_READ_YET
from qc_operator.surroundings import Surroundings
from qc_operator.targeting import Workplace


class TurnMetrics:
    """From the first turn until `close`. Times are seconds of the surroundings' clock."""

    def __init__(self, *, known: Known, around: Surroundings) -> None:
        self._key = known.key
        self._clock = around.clock
        self._all = around.metrics
        self._metrics = around.metrics.of(known.key)
        self._metrics.scale.remember(known.status.get("history"))

    def specified(self, spec: QueueConsumerSpec | None) -> None:
        """Show what a person wrote; None where it makes no sense."""
        self._metrics.specified(spec)

    def forget_readings(self) -> None:
        """What was known of other queues, or of another target, says nothing about these."""
        self._metrics.forget_readings()

    def observed(self, entries: tuple[EntryObservation, ...], *, feed: Feed, now: float) -> None:
        """Show what was read."""
        unread = _unread(problem=feed.problem, entries=entries)
        self._metrics.observed(entries, broker=feed.broker, unread=unread, now=now, at=self._clock.utcnow())

    def acted(self, acted: Actuation, *, place: Workplace) -> None:
        """Show what was decided and written."""
        decision, now = acted.decision, self._clock.monotonic()
        change = acted.wrote and decision.replicas != decision.current
        result = scale_record.direction(before=decision.current, after=decision.replicas) if change else "hold"
        self._all.evaluations.labels(result).inc()
        pods = place.target.pods(now=now)
        self._metrics.decided(decision, wrote=acted.wrote, running=acted.scale.running, pods=pods, now=now)

    def refused(self, error: ApiError, *, resource: str) -> None:
        """Count a turn in which the API server refused what had to be done."""
        self._all.api_errors.labels(resource=resource, reason=error.reason).inc()
        self._all.evaluations.labels("error").inc()
        if not error.passing:
            self._metrics.undecided()

    def turn_ended(self, seconds: float) -> None:
        """Count a turn of whatever kind, which took so long."""
        self._all.turn.observe(seconds)
        self._all.last_turn.at = self._clock.utcnow().timestamp()

    def close(self) -> None:
        """Take all series of the object away."""
        self._all.forget(self._key)


def _unread(*, problem: Problem | None, entries: Sequence[EntryObservation]) -> str | None:
    """The reason why not every queue can be read, as Ready has it; None while they are read, or about to be."""
    if problem is not None:
        return problem.reason
    for entry in entries:
        if entry.unmatched is not None:
            return None if entry.unmatched.cause == NOT_READ_YET else entry.unmatched.cause
        for queue in () if entry.known else entry.queues:
            if isinstance(queue.depth, Missing):
                return "QueueMissing"
            if isinstance(queue.depth, Unknown) and queue.depth.cause != NOT_READ_YET:
                return queue.depth.cause
    return None
