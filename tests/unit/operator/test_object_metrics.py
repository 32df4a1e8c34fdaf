"""What the metrics of a QueueConsumer say of its spec, readings and decisions, and what they do not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from struct import pack
from typing import Any

import pytest
from msgspec.structs import replace as changed

from qc_operator import metric_families as family
from qc_operator.conditions import Condition, Truth
from qc_operator.metric_families import FAMILIES, Family
from qc_operator.metrics import PHASES, Metrics
from qc_operator.object_metrics import ObjectMetrics
from qc_operator.registry import Key
from qc_operator.scaling.capacity import Capacity
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.explanation import Step, StepName
from qc_operator.scaling.forbidden import Forbidden
from qc_operator.scaling.memory import remember_nothing
from qc_operator.scaling.observation import Counters, Depth, EntryObservation, QueueObservation
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.reasons import Limit, Reason
from qc_operator.scaling.situation import Waiting
from qc_operator.scaling.startup import StartUp
from tests.unit.operator.conftest import entry, known, missing, spec, unknown

NOW, KEY = 1000.0, Key("shop", "receipts")
AT = datetime(2026, 11, 27, 12, tzinfo=UTC)
LAG = {"name": "receipts", "lag": {"scaleUpAbove": 20}}
WAIT = {"name": "receipts", "wait": {"objectiveSeconds": 60}}


def decision(replicas: int = 5, *, current: int = 3, step: StepName = "lag", answer: int = 7, **more: Any) -> Decision:
    usual = Decision(
        current=current,
        replicas=replicas,
        reason=Reason.BACKLOG_ABOVE_TARGET,
        limited_by=Limit.MAX,
        steps=(Step(name=step, replicas=answer, words="as it is", source="receipts"),),
        memory=remember_nothing(now=NOW),
    )
    return changed(usual, **more)


def flow(*rates: Rates) -> Any:
    return changed(remember_nothing(now=NOW), rates=rates)


class Scene:
    def __init__(self, **changes: Any) -> None:
        self.metrics = Metrics()
        self.object: ObjectMetrics = self.metrics.of(KEY)
        self.object.specified(spec(**changes))

    def __getitem__(self, what: Family) -> Any:
        return self.metrics.objects.of(KEY).value(what)

    def see(
        self, *entries: EntryObservation, unread: str | None = None, now: float = NOW, broker: str = "rmq:5672"
    ) -> None:
        self.object.observed(entries, broker=broker, unread=unread, now=now, at=AT + timedelta(seconds=now - NOW))

    def decide(
        self, made: Decision, *, running: int = 3, pods: Pods | None = None, now: float = NOW, wrote: bool = True
    ) -> None:
        self.object.decided(made, wrote=wrote, running=running, pods=pods, now=now)

    def tell(self, **statuses: Truth) -> None:
        self.object.told(
            [Condition(type=name, status=status, reason="Because", message="") for name, status in statuses.items()]
        )

    @property
    def phases(self) -> dict[str, float]:
        samples = {phase: self.metrics.resources.labels(phase)._value.get() for phase in PHASES}
        return {phase: value for phase, value in samples.items() if value}


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_the_spec_is_shown_as_it_was_written() -> None:
    scene = Scene(minReplicas=2, maxReplicas=9, queues=[LAG, WAIT | {"name": "b"}])

    assert (2, 9, 20, 60) == tuple(
        scene[each]
        for each in (family.MIN_REPLICAS, family.MAX_REPLICAS, family.MESSAGES_PER_REPLICA, family.OBJECTIVE)
    )


def test_what_the_spec_does_not_have_has_no_series() -> None:
    scene = Scene(queues=[{"name": "a", "publishRate": {"perReplica": "0.5"}}])

    for each in (family.MESSAGES_PER_REPLICA, family.OBJECTIVE, family.OBJECTIVE_SECONDS, family.MISSED_SECONDS):
        assert scene[each] is None


def test_two_thresholds_that_differ_are_no_threshold() -> None:
    scene = Scene(queues=[LAG, {"name": "b", "lag": {"scaleUpAbove": 30}}])

    assert scene[family.MESSAGES_PER_REPLICA] is None


def test_a_spec_that_makes_no_sense_shows_nothing_of_the_one_before() -> None:
    scene = Scene(queues=[WAIT])
    scene.see(entry(known(ready=3, unacknowledged=0, at=NOW)))
    scene.decide(decision(waiting=(Waiting(seconds=3.0, objective=60),)))

    scene.object.specified(None)

    left = {each.name for each in FAMILIES if scene[each] not in (None, {})}
    assert {
        "queueconsumer_scale_events_total",
        "queueconsumer_scaled_replicas_total",
        "queueconsumer_direction_reversals_total",
    } == left


def test_info_says_what_is_scaled_read_and_how() -> None:
    scene = Scene(
        scaleTargetRef={"name": "workers", "kind": "StatefulSet"},
        queues=[LAG, {"pattern": "^mail-", "wait": {"objectiveSeconds": 5}, "lag": {"scaleUpAbove": 2}}],
        mode="Observe",
    )
    first = entry(known(ready=1, unacknowledged=0, at=NOW))
    scene.see(replace(first, vhost=""), first, broker="")
    assert {("StatefulSet", "workers", "", "shop", "receipts,^mail-", "lag,wait", "Observe"): 1} == scene[family.INFO]

    scene.see(first, replace(first, vhost="bank"), broker="a:5671, b:5671")

    labels = ("StatefulSet", "workers", "a:5671, b:5671", "shop,bank", "receipts,^mail-", "lag,wait", "Observe")
    assert {labels: 1} == scene[family.INFO]


def test_a_list_of_names_is_no_longer_than_a_label_should_be() -> None:
    scene = Scene(queues=[{"name": f"{number}-{'x' * 200}", "lag": {"scaleUpAbove": 2}} for number in range(9)])
    scene.see(entry(known(ready=1, unacknowledged=0, at=NOW)))

    ((labels, _),) = scene[family.INFO].items()
    assert 253 == len(labels[4])


def test_messages_are_the_sums_of_all_entries(scene: Scene) -> None:
    scene.see(
        entry(known(ready=3, unacknowledged=1, at=NOW)), entry(known(ready=40, unacknowledged=20, at=NOW, name="b"))
    )

    assert (43, 21, 2) == (scene[family.MESSAGES_READY], scene[family.MESSAGES_UNACKED], scene[family.CONSUMERS])


@pytest.mark.parametrize("lost", [unknown(at=NOW, name="b"), missing(at=NOW, name="b")])
def test_a_sum_of_which_a_part_is_unknown_is_unknown(scene: Scene, lost: QueueObservation) -> None:
    good = entry(known(ready=3, unacknowledged=1, at=NOW))
    scene.see(good, good)
    scene.see(good, entry(lost), unread="QueueMissing")

    assert (None, None, None) == (
        scene[family.MESSAGES_READY], scene[family.MESSAGES_UNACKED], scene[family.CONSUMERS],
    )  # fmt: skip


def test_without_totals_the_ready_messages_are_known_all_the_same(scene: Scene) -> None:
    queue = known(ready=3, unacknowledged=1, at=NOW)
    scene.see(entry(replace(queue, totals=unknown(at=NOW).totals)))

    assert (3, None) == (scene[family.MESSAGES_READY], scene[family.MESSAGES_UNACKED])


def test_the_last_reading_is_that_of_the_queue_that_was_read_first_and_stays_while_one_is_not(scene: Scene) -> None:
    older = replace(known(ready=1, unacknowledged=0, at=NOW), depth=Depth(ready=1, consumers=1, at=NOW - 2.5))
    scene.see(entry(known(ready=1, unacknowledged=0, at=NOW)), entry(older), now=NOW + 1)
    assert scene[family.LAST_READING] == AT.timestamp() - 2.5

    scene.see(entry(unknown(at=NOW + 9)), entry(older), unread="BrokerUnreachable", now=NOW + 9)

    assert scene[family.LAST_READING] == AT.timestamp() - 2.5


def test_the_same_reading_is_not_written_again_though_both_clocks_have_moved(scene: Scene) -> None:
    scene.see(entry(known(ready=1, unacknowledged=0, at=NOW)))
    b"".join(scene.metrics.objects.pieces(openmetrics=False))
    scene.object.observed(
        [entry(known(ready=1, unacknowledged=0, at=NOW))], broker="rmq:5672", unread=None, now=NOW + 1,
        at=AT + timedelta(seconds=1, milliseconds=3),
    )  # fmt: skip

    assert not any(scene.metrics.objects.changed)


def test_a_pattern_that_matches_nothing_was_read_now(scene: Scene) -> None:
    for seconds in (1, 6):
        scene.see(entry(pattern="^mail-"), now=NOW + seconds)

        assert (0, AT.timestamp() + seconds) == (scene[family.MESSAGES_READY], scene[family.LAST_READING])


def test_a_failure_that_lasts_counts_once_and_each_new_one_again(scene: Scene) -> None:
    for reason in ("A", "A", None, "A", "B", "A", "C", "D", "D", "E", "A"):
        scene.see(entry(known(ready=1, unacknowledged=0, at=NOW)), unread=reason)

    assert {("A",): 4, ("B",): 1, ("C",): 1, ("Other",): 2} == scene[family.READING_FAILURES]


def counted(published: int, acknowledged: int, *, at: float) -> EntryObservation:
    counters = Counters(published=published, acknowledged=acknowledged, delivered=0, redelivered=published // 10, at=at)
    return entry(replace(known(ready=0, unacknowledged=0, at=at), counters=counters))


def test_messages_that_pass_are_counted_where_counters_are_read() -> None:
    scene = Scene(queues=[WAIT, LAG | {"name": "b"}])
    other = entry(known(ready=0, unacknowledged=0, at=NOW, name="b"))
    scene.see(counted(100, 90, at=NOW), other)
    scene.see(counted(150, 120, at=NOW + 5), other, now=NOW + 5)
    passed = (family.PUBLISHED, family.ACKED, family.REDELIVERED)
    assert (50, 30, 5) == tuple(scene[each] for each in passed)

    scene.see(counted(150, 120, at=NOW + 5), other, now=NOW + 21)

    assert (None, None, None) == tuple(scene[each] for each in passed)


def test_where_no_target_needs_counters_there_are_none(scene: Scene) -> None:
    scene.see(counted(100, 90, at=NOW))

    assert (None, None) == (scene[family.PUBLISHED], scene[family.ARRIVALS])


def test_replicas_are_those_that_exist_are_ready_were_asked_for_and_decided(scene: Scene) -> None:
    scene.decide(decision(5, answer=7), running=4, pods=Pods(ready=2, at=NOW))

    assert (4, 2, 7, 5) == tuple(
        scene[each] for each in (family.CURRENT, family.READY, family.RECOMMENDED, family.DESIRED)
    )
    assert {("BacklogAboveTarget", "max"): 1} == scene[family.DECISION]


@pytest.mark.parametrize(
    ("pods", "shown"), [(None, None), (Pods(ready=2, at=NOW - 60), 2), (Pods(ready=2, at=NOW - 60.5), None)]
)
def test_ready_pods_are_shown_as_long_as_they_are_known(scene: Scene, pods: Pods | None, shown: int | None) -> None:
    scene.decide(decision(), pods=pods)

    assert shown == scene[family.READY]


@pytest.mark.parametrize(
    ("step", "shown"),
    [("lag", 7), ("wait", 7), ("fallback", 7), ("idle", 7), ("wakeUp", 7), ("reading", None), ("pause", None)],
)
def test_what_the_targets_had_no_word_in_is_no_recommendation(scene: Scene, step: StepName, shown: int | None) -> None:
    scene.decide(decision(step=step))

    assert shown == scene[family.RECOMMENDED]


def test_between_two_complete_readings_the_decision_before_holds(scene: Scene) -> None:
    scene.decide(decision(5, answer=7))
    scene.decide(decision(5, current=5, answer=3, reason=Reason.STEADY, limited_by=Limit.NONE, between=True), running=5)

    assert (7, {("BacklogAboveTarget", "max"): 1}) == (scene[family.RECOMMENDED], scene[family.DECISION])
    assert scene[family.CURRENT] == 5


def test_only_the_current_decision_is_shown(scene: Scene) -> None:
    scene.decide(decision())
    scene.decide(decision(reason=Reason.STEADY, limited_by=Limit.NONE))

    assert {("Steady", "none"): 1} == scene[family.DECISION]


def test_a_target_that_is_not_known_has_no_replicas_and_no_decision() -> None:
    scene = Scene(queues=[WAIT])
    scene.see(entry(known(ready=3, unacknowledged=0, at=NOW)))
    made = decision(waiting=(Waiting(seconds=3.0, objective=60),), memory=flow(Rates(arrivals=4.0, at=NOW)))
    scene.decide(made, pods=Pods(ready=2, at=NOW))
    scene.decide(made, now=NOW + 10)

    scene.object.undecided()

    for each in (family.CURRENT, family.READY, family.RECOMMENDED, family.DESIRED, family.ARRIVALS, family.WAIT,
                 family.OBJECTIVE_MET):  # fmt: skip
        assert scene[each] is None
    assert {} == scene[family.DECISION]
    assert (3, 10.0) == (scene[family.MESSAGES_READY], scene[family.OBJECTIVE_SECONDS])
    scene.decide(made, now=NOW + 20)
    assert ({("BacklogAboveTarget", "max"): 1}, 10.0) == (scene[family.DECISION], scene[family.OBJECTIVE_SECONDS])


def test_rates_are_those_that_decisions_rest_on_while_they_are_fresh() -> None:
    scene = Scene(queues=[WAIT])
    made = decision(memory=flow(Rates(arrivals=210.5, throughput=45.0, at=NOW - 5)), rates=())
    scene.decide(made)
    assert (210.5, 45.0) == (scene[family.ARRIVALS], scene[family.SERVICE])

    scene.decide(made, now=NOW + 10.5)

    assert (None, 45.0) == (scene[family.ARRIVALS], scene[family.SERVICE])


def test_arrivals_of_several_entries_are_added_up_and_throughputs_are_not() -> None:
    scene = Scene(queues=[WAIT, LAG | {"name": "b"}, WAIT | {"name": "c"}])
    rates = (Rates(arrivals=2.0, throughput=5.0, at=NOW), Rates(), Rates(arrivals=3.0, throughput=6.0, at=NOW))
    scene.decide(decision(memory=flow(*rates)))
    assert (5.0, None) == (scene[family.ARRIVALS], scene[family.SERVICE])

    scene.decide(decision(memory=flow(*rates[:2], Rates(throughput=6.0, at=NOW))))

    assert scene[family.ARRIVALS] is None


def test_the_start_is_shown_once_it_was_observed(scene: Scene) -> None:
    scene.decide(decision())
    assert scene[family.START] is None

    seen = StartUp(took=pack("<H", 650), to_ready=6.5, to_acknowledgement=1.5)
    scene.decide(decision(memory=changed(remember_nothing(now=NOW), capacity=Capacity(start_up=seen))))

    assert scene[family.START] == 8.0


@pytest.mark.parametrize(
    ("waits", "wait", "objective", "met"),
    [
        ([(27.0, 60)], 27.0, 60, 1),
        ([(60.0, 60)], 60.0, 60, 1),
        ([(60.5, 60)], 60.5, 60, 0),
        ([(50.0, 60), (9.0, 10)], 9.0, 10, 1),
        ([(50.0, 60), None, (12.0, 10)], 12.0, 10, 0),
        ([(50.0, 60), (None, 10)], None, 10, None),
        ([(61.0, 60), (None, 10)], None, 10, 0),
        ([], None, 10, None),
    ],
)
def test_the_wait_is_that_of_the_entry_furthest_behind_its_objective(
    waits: list[tuple[float | None, int] | None], wait: float | None, objective: int, met: float | None
) -> None:
    objectives = [60] if len(waits) == 1 else [60, 10]
    scene = Scene(queues=[{"name": f"q{each}", "wait": {"objectiveSeconds": each}} for each in objectives])
    scene.decide(decision(waiting=tuple(each and Waiting(seconds=each[0], objective=each[1]) for each in waits)))

    assert (wait, objective, met) == (scene[family.WAIT], scene[family.OBJECTIVE], scene[family.OBJECTIVE_MET])


def test_consumers_that_are_stuck_miss_the_objective_whatever_the_estimate_says() -> None:
    scene = Scene(queues=[WAIT])
    stuck = Forbidden(reason="ConsumersStuck", message="they are stuck", replicas=3)
    scene.decide(decision(waiting=(Waiting(seconds=1.0, objective=60),), guard=stuck))

    assert scene[family.OBJECTIVE_MET] == 0


def test_an_objective_that_cannot_be_met_by_reacting_is_met_while_nothing_waits() -> None:
    scene = Scene(queues=[WAIT])
    scene.decide(decision(waiting=(Waiting(seconds=0.0, objective=60),), infeasible="starting takes longer"))

    assert scene[family.OBJECTIVE_MET] == 1


def test_seconds_of_the_objective_begin_at_zero_and_add_up() -> None:
    scene = Scene(queues=[WAIT])
    assert (0, 0) == (scene[family.OBJECTIVE_SECONDS], scene[family.MISSED_SECONDS])
    for now, seconds in ((NOW, 5.0), (NOW + 4, 70.0), (NOW + 7, 5.0), (NOW + 8, 5.0)):
        scene.decide(decision(waiting=(Waiting(seconds=seconds, objective=60),)), now=now)

    assert (8.0, 3.0) == (scene[family.OBJECTIVE_SECONDS], scene[family.MISSED_SECONDS])


def test_a_spec_without_an_objective_any_more_shows_none() -> None:
    scene = Scene(queues=[WAIT])
    scene.decide(decision(waiting=(Waiting(seconds=5.0, objective=60),)))

    scene.object.specified(spec())

    for each in (family.WAIT, family.OBJECTIVE, family.OBJECTIVE_MET, family.OBJECTIVE_SECONDS, family.MISSED_SECONDS):
        assert scene[each] is None


def test_a_condition_is_one_zero_or_absent(scene: Scene) -> None:
    scene.tell(Ready="False", Active="Unknown", ScalingLimited="True", ObjectiveMet="True")
    assert {("Ready",): 0.0, ("ScalingLimited",): 1.0} == scene[family.CONDITION]

    scene.tell(Ready="True", Active="True", ScalingLimited="Unknown")

    assert {("Ready",): 1.0, ("Active",): 1.0} == scene[family.CONDITION]


def test_why_it_is_ready_or_not_is_one_series(scene: Scene) -> None:
    for reason in ("QueueMissing", "Conflict"):
        scene.object.told([Condition(type="Ready", status="False", reason=reason, message="")])

    assert {("Conflict",): 1} == scene[family.READY_REASON]


def test_objects_are_counted_by_phase_until_they_go() -> None:
    scene = Scene()
    assert {"pending": 1.0} == scene.phases
    scene.tell(Ready="True")
    other = scene.metrics.of(Key("shop", "invoices"))
    other.told([Condition(type="Ready", status="False", reason="InvalidSpec", message="")])
    assert {"ready": 1.0, "not_ready": 1.0} == scene.phases

    scene.metrics.forget(KEY)
    scene.metrics.forget(KEY)

    assert ({"not_ready": 1.0}, 1) == (scene.phases, len(scene.metrics.objects))


def test_what_was_read_of_other_queues_is_shown_no_more_and_counts_begin_anew() -> None:
    scene = Scene(queues=[WAIT])
    scene.see(counted(100, 90, at=NOW))
    scene.see(counted(150, 90, at=NOW + 5), now=NOW + 5)
    scene.decide(decision())

    scene.object.forget_readings()

    for each in (family.MESSAGES_READY, family.PUBLISHED, family.LAST_READING, family.DESIRED):
        assert scene[each] is None
    scene.see(counted(7, 0, at=NOW + 6), now=NOW + 6)
    assert (0, AT.timestamp() + 6) == (scene[family.PUBLISHED], scene[family.LAST_READING])


def test_no_label_can_hold_a_secret() -> None:
    assert {
        "target_kind", "target_name", "broker", "vhost", "queue", "policy", "mode", "condition", "reason",
        "limited_by", "direction",
    } == {label for each in FAMILIES for label in each.labels}  # fmt: skip


def test_a_usual_object_has_no_more_than_45_series_and_5_kb() -> None:
    scene = Scene(queues=[LAG | WAIT], fallback={"afterSeconds": 60, "replicas": 3})
    scene.see(counted(100, 90, at=NOW))
    scene.see(counted(150, 90, at=NOW + 5), unread="BrokerUnreachable", now=NOW + 5)
    scene.decide(
        decision(
            waiting=(Waiting(seconds=12.345678, objective=60),),
            memory=flow(Rates(arrivals=210.416667, throughput=45.123456, at=NOW)),
        ),
        pods=Pods(ready=2, at=NOW),
    )
    scene.tell(Ready="True", Active="True", ScalingLimited="True", FallbackActive="False", Paused="False")
    scene.object.scale.remember(
        [
            {"time": "2026-11-27T12:00:00Z", "from": 1, "to": 2, "reason": str(reason)}
            for reason in (Reason.OBJECTIVE_AT_RISK, Reason.BACKLOG_ABOVE_TARGET, Reason.WOKE_UP, Reason.OVERRIDE)
        ]
    )
    lines = [
        line
        for line in b"".join(scene.metrics.objects.pieces(openmetrics=False)).splitlines()
        if not line.startswith(b"#")
    ]

    shown: Mapping[str, Any] = {each.name: scene[each] for each in FAMILIES}
    assert {"queueconsumer_estimated_start_seconds"} == {name for name, value in shown.items() if value in (None, {})}
    assert len(lines) + 1 <= 45
    assert sum(len(line) + 1 for line in lines) + 110 <= 5000
