"""What the turns of one QueueConsumer tell the metrics: what was read, decided, refused, and how long it took."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from qc_operator import metric_families as family
from qc_operator.actuation import Actuation
from qc_operator.brokers import Feed, Problem
from qc_operator.cluster import Scale
from qc_operator.cluster.client import ApiError
from qc_operator.metric_families import Family
from qc_operator.metrics import RESULTS, Metrics
from qc_operator.registry import Known, read
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.explanation import Step
from qc_operator.scaling.memory import remember_nothing
from qc_operator.scaling.observation import EntryObservation, Unknown
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.readings import NOT_READ_YET
from qc_operator.scaling.reasons import Limit, Reason
from qc_operator.surroundings import Surroundings
from qc_operator.targeting import Workplace
from qc_operator.turn_metrics import TurnMetrics
from tests.unit.operator.conftest import body, entry, known, missing, queue, spec, unknown

NOW = 1000.0
AT = datetime(2026, 11, 27, 12, tzinfo=UTC)
SCALED = {"time": "2026-11-27T11:00:00Z", "from": 0, "to": 3, "reason": "WokeUp", "message": "12 messages"}


def about(*, history: list[dict[str, Any]] | None = None) -> Known:
    metadata = {"namespace": "shop", "name": "receipts", "uid": "1", "generation": 1}
    return read({"metadata": metadata, "spec": body(), "status": {"history": history or []}})


@dataclass
class Clock:
    now: float = NOW

    def monotonic(self) -> float:
        return self.now

    def utcnow(self) -> datetime:
        return AT + timedelta(seconds=self.now - NOW)


@dataclass
class Scene:
    """The metrics of one process, in which one object takes its turns."""

    known: Known = field(default_factory=about)
    metrics: Metrics = field(default_factory=Metrics)
    clock: Clock = field(default_factory=Clock)
    pods: Pods | None = None
    asked_for_pods: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Of all that is around an autoscaler, the clock and the metrics are what is told here.
        around = SimpleNamespace(clock=self.clock, metrics=self.metrics)
        self.turn = TurnMetrics(known=self.known, around=cast(Surroundings, around))
        self.turn.specified(self.known.spec)

    def __getitem__(self, what: Family) -> Any:
        return self.metrics.objects.of(self.known.key).value(what)

    def see(self, *entries: EntryObservation, problem: Problem | None = None) -> None:
        feed = SimpleNamespace(problem=problem, broker="rmq:5672")
        self.turn.observed(entries, feed=cast(Feed, feed), now=self.clock.now)

    def act(self, before: int, after: int, *, wrote: bool = True, running: int = 0) -> None:
        scale = Scale(replicas=after if wrote else before, running=running, resource_version="1")
        made = Actuation(decision=decision(before, after), scale=scale, wrote=wrote)
        place = SimpleNamespace(target=SimpleNamespace(pods=self._pods))
        self.turn.acted(made, place=cast(Workplace, place))

    def _pods(self, *, now: float) -> Pods | None:
        self.asked_for_pods.append(now)
        return self.pods

    @property
    def evaluations(self) -> dict[str, float]:
        counts = {result: self.sample("evaluations_total", result=result) for result in RESULTS}
        return {result: count for result, count in counts.items() if count}

    def sample(self, name: str, **labels: str) -> float | None:
        return self.metrics.process.get_sample_value(f"queueconsumer_operator_{name}", labels)


def decision(before: int, after: int) -> Decision:
    return Decision(
        current=before,
        replicas=after,
        reason=Reason.BACKLOG_ABOVE_TARGET,
        limited_by=Limit.NONE,
        steps=(Step(name="lag", replicas=after, words="as it is", source="receipts"),),
        memory=remember_nothing(now=NOW),
    )


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    ("before", "after", "wrote", "result"),
    [
        (3, 5, True, "up"),
        (5, 3, True, "down"),
        (5, 5, True, "hold"),
        (3, 5, False, "hold"),
        (5, 3, False, "hold"),
    ],
)
def test_a_decision_is_counted_by_what_came_of_it(
    scene: Scene, before: int, after: int, *, wrote: bool, result: str
) -> None:
    scene.act(before, after, wrote=wrote)

    assert {result: 1} == scene.evaluations


def test_a_decision_is_shown_with_the_pods_there_are_at_that_moment(scene: Scene) -> None:
    scene.clock.now = NOW + 7
    scene.pods = Pods(ready=2, at=NOW + 6)
    scene.act(3, 5, running=4)

    assert (4, 2, 5) == (scene[family.CURRENT], scene[family.READY], scene[family.DESIRED])
    assert [NOW + 7] == scene.asked_for_pods


@pytest.mark.parametrize(("wrote", "completed"), [(True, 1), (False, 0)])
def test_a_change_that_somebody_else_has_undone_is_not_completed(scene: Scene, *, wrote: bool, completed: int) -> None:
    """What was decided and not written is not what is asked for."""
    scene.metrics.of(scene.known.key).scale.scaled(decision(3, 5), now=NOW, at=AT)
    scene.clock.now, scene.pods = NOW + 10, Pods(ready=5, at=NOW + 9)
    scene.act(3, 5, wrote=wrote, running=5)

    assert (completed, 10.0 * completed) == (
        scene.sample("scale_completion_seconds_count", direction="up"),
        scene.sample("scale_completion_seconds_sum", direction="up"),
    )


def test_pods_seen_too_long_ago_are_not_counted_as_ready(scene: Scene) -> None:
    scene.pods = Pods(ready=2, at=NOW - 61)
    scene.act(3, 5, running=4)

    assert scene[family.READY] is None


def test_changes_before_this_process_are_remembered_by_their_times() -> None:
    """Else an annotation in a dashboard would end with a restart."""
    remembering = Scene(known=about(history=[SCALED]))

    assert {("up", "WokeUp"): datetime(2026, 11, 27, 11, tzinfo=UTC).timestamp()} == remembering[family.LAST_SCALE]
    assert not Scene()[family.LAST_SCALE]


def test_what_was_read_is_shown_with_its_broker_and_the_wall_s_time(scene: Scene) -> None:
    scene.clock.now = NOW + 2
    scene.see(entry(known(ready=3, unacknowledged=1, at=NOW + 1.5)))

    assert (3, 1) == (scene[family.MESSAGES_READY], scene[family.MESSAGES_UNACKED])
    assert AT.timestamp() + 1.5 == scene[family.LAST_READING]
    ((labels, _),) = scene[family.INFO].items()
    assert "rmq:5672" in labels


CANNOT = Unknown(cause="PermissionDenied", message="no right", at=NOW)
NOT_YET = Unknown(cause=NOT_READ_YET, message="no reading yet", at=NOW)
GOOD = known(ready=3, unacknowledged=0, at=NOW)
DOWN = Problem(reason="BrokerUnreachable", message="connection refused")


@pytest.mark.parametrize(
    ("entries", "problem", "reason"),
    [
        pytest.param([entry(GOOD)], None, None, id="all is read"),
        pytest.param([entry(GOOD)], DOWN, "BrokerUnreachable", id="the broker is away, whatever is known of before"),
        pytest.param([entry(missing(at=NOW))], None, "QueueMissing", id="there is no such queue"),
        pytest.param([entry(queue(CANNOT, CANNOT))], None, "PermissionDenied", id="one queue cannot be read"),
        pytest.param([entry(queue(NOT_YET, NOT_YET))], None, None, id="the first reading is to come"),
        pytest.param(
            [entry(queue(NOT_YET, NOT_YET)), entry(missing(at=NOW))], None, "QueueMissing", id="that of another entry"
        ),
        pytest.param(
            [entry(GOOD, queue(NOT_YET, NOT_YET, name="b"), queue(CANNOT, CANNOT, name="c"), pattern="^")],
            None, "PermissionDenied", id="the third of a pattern",
        ),
        pytest.param([entry(pattern="^a", unmatched=CANNOT)], None, "PermissionDenied", id="no list of queues"),
        pytest.param([entry(pattern="^a", unmatched=NOT_YET)], None, None, id="the list is to come"),
        pytest.param(
            [entry(queue(GOOD.depth, CANNOT))], None, None, id="ready is known, and unacknowledged alone is not"
        ),
        pytest.param(
            [entry(GOOD), entry(unknown(at=NOW)), entry(missing(at=NOW))], None, "BrokerUnreachable", id="the first"
        ),
    ],
)  # fmt: skip
def test_a_reading_that_fails_is_counted_by_its_reason(
    scene: Scene, entries: list[EntryObservation], problem: Problem | None, reason: str | None
) -> None:
    scene.see(*entries, problem=problem)

    assert ({} if reason is None else {(reason,): 1}) == (scene[family.READING_FAILURES] or {})


@pytest.mark.parametrize(
    ("status", "stays"), [(0, True), (429, True), (500, True), (403, False), (404, False), (409, False)]
)
def test_a_refusal_is_counted_and_ends_what_was_decided_unless_it_may_pass(
    scene: Scene, status: int, *, stays: bool
) -> None:
    scene.act(3, 5, running=4)
    scene.turn.refused(ApiError(status=status, reason="Because", message="no"), resource="scale")

    assert 1 == scene.sample("api_errors_total", resource="scale", reason="Because")
    assert {"up": 1, "error": 1} == scene.evaluations
    assert (5 if stays else None) == scene[family.DESIRED]


def test_a_turn_is_timed_whatever_came_of_it(scene: Scene) -> None:
    assert scene.sample("last_turn_timestamp_seconds") is None
    scene.clock.now = NOW + 3
    scene.turn.turn_ended(0.25)
    scene.turn.turn_ended(0.5)

    assert (2, 0.75) == (scene.sample("turn_duration_seconds_count"), scene.sample("turn_duration_seconds_sum"))
    assert AT.timestamp() + 3 == scene.sample("last_turn_timestamp_seconds")


def test_what_is_specified_is_shown(scene: Scene) -> None:
    scene.turn.specified(spec(minReplicas=2, maxReplicas=9))
    assert (2, 9) == (scene[family.MIN_REPLICAS], scene[family.MAX_REPLICAS])
    scene.turn.specified(None)

    assert scene[family.MAX_REPLICAS] is None


def test_of_other_queues_nothing_is_known(scene: Scene) -> None:
    scene.see(entry(GOOD))
    scene.act(3, 5)
    scene.turn.forget_readings()

    assert (None, None, None) == (scene[family.MESSAGES_READY], scene[family.LAST_READING], scene[family.DESIRED])


def test_the_series_of_an_object_end_with_it(scene: Scene) -> None:
    scene.see(entry(GOOD))
    assert b'queueconsumer="receipts"' in b"".join(scene.metrics.objects.pieces(openmetrics=False))
    scene.turn.close()

    assert b'queueconsumer="receipts"' not in b"".join(scene.metrics.objects.pieces(openmetrics=False))
