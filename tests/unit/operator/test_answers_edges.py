"""What the answers of many targets come to together, and what is told of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qc_operator.scaling.capacity import EMPTY, Capacity
from qc_operator.scaling.capacity_kept import restored
from qc_operator.scaling.decision import Decision, decide
from qc_operator.scaling.idleness import passed
from qc_operator.scaling.lag import lag
from qc_operator.scaling.memory import remember_nothing
from qc_operator.scaling.observation import Counters, Observation, QueueObservation
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.reasons import Limit
from tests.unit.operator.conftest import Story, entry, known, spec, wall
from tests.unit.operator.situations import situation, waiting


def decided(
    *targets: dict[str, Any],
    ready: int = 0,
    current: int = 2,
    turns: int = 7,
    capacity: Capacity = EMPTY,
    **fields: Any,
) -> Decision:
    """The last of some decisions, 5 s apart, while three messages come and go in each entry in that time."""
    queues = [{"name": f"q{number}"} | target for number, target in enumerate(targets)]
    told = Story(spec=spec(queues=queues, **fields), replicas=current)
    told.memory = remember_nothing(now=told.now, capacity=capacity)
    for step in range(turns):
        told.replicas = current
        at = told.now + 5.0

        def seen(name: str, at: float = at, step: int = step) -> QueueObservation:
            flow = Counters(published=3 * step, acknowledged=3 * step, delivered=3 * step, at=at)
            return replace(known(ready=ready, unacknowledged=0, at=at, name=name), counters=flow)

        decision = told.turn(*(seen(f"q{number}") for number in range(len(targets))), after=5.0)
    return decision


def test_eight_of_the_other_answers_are_kept() -> None:
    decision = decided(*({"lag": {"scaleUpAbove": 10 + number}} for number in range(12)), ready=100, turns=1)

    assert [f"q{number}" for number in range(9)] == [step.source for step in decision.steps]
    assert [False, *[True] * 8] == [step.outbid for step in decision.steps]


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        (({"wait": {"objectiveSeconds": 600}, "secondsPerMessage": 1}, {"lag": {"scaleUpAbove": 20}}), False),
        (({"lag": {"scaleUpAbove": 20}}, {"wait": {"objectiveSeconds": 2}, "secondsPerMessage": 1}), True),
        (({"wait": {"objectiveSeconds": 2}, "secondsPerMessage": 1}, {"lag": {"scaleUpAbove": 20}}), True),
    ],
)
def test_an_objective_that_cannot_be_met_is_told_of_any_entry(
    targets: tuple[dict[str, Any], ...], *, told: bool
) -> None:
    decision = decided(*targets)

    assert told is (decision.infeasible is not None)
    assert told is (decision.infeasible or "").startswith("no scaling keeps waits under 2 s: ")


@pytest.mark.parametrize(
    ("target", "observed"),
    [
        ({"lag": {"scaleUpAbove": 20}}, True),
        ({"publishRate": {"perReplica": 1}}, True),
        ({"drain": {"withinSeconds": 60}, "secondsPerMessage": 1}, False),
    ],
)
def test_a_step_says_whether_it_rests_on_what_was_seen(target: dict[str, Any], *, observed: bool) -> None:
    assert observed is decided(target).steps[0].observed


@pytest.mark.parametrize(
    ("targets", "waiting"),
    [
        (({"lag": {"scaleUpAbove": 20}},), [None]),
        (
            ({"lag": {"scaleUpAbove": 20}}, {"wait": {"objectiveSeconds": 600}, "secondsPerMessage": 1}),
            [None, (4.5, 600.0)],
        ),
        (
            ({"lag": {"scaleUpAbove": 20}, "wait": {"objectiveSeconds": 600}, "secondsPerMessage": 1},),
            [(4.5, 600.0)],
        ),
    ],
)
def test_how_long_messages_wait_is_told_where_there_is_an_objective(
    targets: tuple[dict[str, Any], ...], waiting: list[tuple[float, float] | None]
) -> None:
    # Nine messages, of which two replicas take one each a second.
    found = decided(*targets, ready=9).waiting

    assert waiting == [None if each is None else (each.seconds, each.objective) for each in found]


def test_a_policy_that_holds_a_step_is_the_limit() -> None:
    pods = {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}], "stabilizationWindowSeconds": 0}
    lag = {"lag": {"scaleUpAbove": 20}}
    up = decided(lag, ready=100, current=2, turns=1, behavior={"scaleUp": pods})
    down = decided(lag, ready=20, current=5, turns=1, behavior={"scaleDown": pods})

    assert [(3, Limit.UP_POLICY), (4, Limit.DOWN_POLICY)] == [(each.replicas, each.limited_by) for each in (up, down)]


@pytest.mark.parametrize(
    ("aggregate", "awaited", "where"),
    [
        ("Sum", 0, "112 messages in the 2 queues that match ^r"),
        ("Max", 0, "109 messages in the longest of the 2 queues that match ^r"),
        ("Max", 1, "109 messages in the longest of the 3 queues that match ^r (2 read)"),
        ("Average", 1, "38 messages in the average of the 3 queues that match ^r (2 read)"),
    ],
)
def test_the_queues_of_a_pattern_are_told_with_how_they_are_put_together(
    aggregate: str, awaited: int, where: str
) -> None:
    target = {"name": None, "pattern": "^r", "aggregate": aggregate, "lag": {"scaleUpAbove": 20}}
    seen = replace(entry(waiting(109), waiting(3), pattern="^r"), awaited=awaited)
    demand = lag(situation(target=target, seen=seen, current=1))

    assert demand is not None
    assert demand.explanation.startswith(f"{where} / 20 per replica = ")


@pytest.mark.parametrize(
    ("kept", "observed"),
    [
        ({"entries": [{"throughput": 1.0, "acknowledged": 50, "weight": 50}], "startSeconds": [5.0]}, True),
        ({"entries": [{"throughput": 1.0, "acknowledged": 50, "weight": 50}]}, False),
        ({"startSeconds": [5.0]}, False),
    ],
)
def test_an_answer_is_observed_where_throughput_and_start_up_are(kept: dict[str, object], *, observed: bool) -> None:
    target = {"drain": {"withinSeconds": 60}, "secondsPerMessage": 1}
    decision = decided(target, capacity=restored(kept), current=1)

    assert observed is decision.steps[0].observed


@pytest.mark.parametrize(("least", "told"), [(0, True), (1, True), (2, False), (3, False)])
def test_an_objective_that_the_minimum_meets_is_not_told(least: int, *, told: bool) -> None:
    target = {"wait": {"objectiveSeconds": 2}, "secondsPerMessage": 1}

    assert told is (decided(target, minReplicas=least).infeasible is not None)


def test_it_is_tried_what_a_replica_manages_each_time_that_pods_had_the_time_to_start() -> None:
    told = Story(spec=spec(queues=[{"name": "receipts", "drain": {"withinSeconds": 60}}], maxReplicas=7), replicas=1)
    replicas = [told.see(ready=1000, after=5.0).replicas for _ in range(14)]

    # Each time after 15 s, which a pod takes to start until another time was seen, and three looks.
    assert [*[1] * 5, *[2] * 6, *[4] * 3] == replicas


def test_pods_that_start_count_half_for_three_start_up_times() -> None:
    made = spec(queues=[{"name": "receipts", "wait": {"objectiveSeconds": 600}, "secondsPerMessage": 1}])

    def waits(created: float) -> float | None:
        pods = Pods(ready=1, starting=(created, created), at=1000.0)
        seen = entry(known(ready=90, unacknowledged=0, at=1000.0))
        decision = decide(
            spec=made,
            observation=Observation(entries=(seen,), current=3, running=3, pods=pods),
            memory=remember_nothing(now=1000.0),
            now=1000.0,
            at=wall(1000.0),
        )
        assert decision.waiting[0] is not None
        return decision.waiting[0].seconds

    assert [45.0, 45.0, 90.0] == [waits(created) for created in (1000.0, 955.0, 954.9)]


def test_when_replicas_were_changed_is_remembered_with_the_change() -> None:
    policy = {"policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}]}
    told = Story(spec=spec(behavior={"scaleUp": policy}), replicas=1)

    before = told.see(ready=20).memory
    up = told.see(ready=100, after=10.0).memory
    held = told.see(ready=100, after=10.0).memory
    later = told.see(ready=100, after=50.0).memory

    assert [1000.0, 1010.0, 1010.0, 1010.0] == [memory.changed_at for memory in (before, up, held, later)]
    # A change counts for as long as the longest period.
    assert [0, 4, 4, 0] == [sum(change.by for change in memory.changes) for memory in (before, up, held, later)]
    assert held.changes is up.changes


def test_a_decision_says_from_where_it_went_and_what_is_known_of_the_flow() -> None:
    decision = decided({"publishRate": {"perReplica": 1}}, {"lag": {"scaleUpAbove": 20}}, current=2)

    assert 2 == decision.current
    assert decision.memory.rates is decision.rates
    # Three messages in five seconds.
    assert [0.6, 0.6] == pytest.approx([each.arrivals for each in decision.rates])


@pytest.mark.parametrize(
    ("target", "counted"),
    [
        # Of three that were published and four that were delivered, and of five and seven.
        ({"publishRate": {"perReplica": 1}}, 8),
        ({"deliverRate": {"perReplica": 1}}, 11),
        ({"drain": {"withinSeconds": 60}}, 8),
        ({"lag": {"scaleUpAbove": 20}}, None),
    ],
)
def test_what_shows_that_something_moves(target: dict[str, Any], counted: int | None) -> None:
    made = spec(queues=[{"pattern": "^q"} | target])
    queues = [
        replace(waiting(0), counters=Counters(published=published, acknowledged=0, delivered=delivered, at=1000.0))
        for published, delivered in ((3, 4), (5, 7))
    ]
    seen = Observation(entries=(entry(*queues, waiting(0), pattern="^q"),), current=0, running=0)

    assert (counted,) == passed(spec=made, observation=seen)


def test_a_window_for_steps_up_fills_also_where_steps_down_have_none() -> None:
    told = Story(
        spec(
            behavior={"scaleUp": {"stabilizationWindowSeconds": 10}, "scaleDown": {"stabilizationWindowSeconds": 0}},
            maxReplicas=20,
        ),
        replicas=3,
    )
    replicas = [told.turn(known(ready=200, unacknowledged=0, at=told.now + 2.0), after=2.0).replicas for _ in range(7)]

    assert [3, 3, 3, 3, 3, 10, 10] == replicas
