"""What a row says, and which rows stand on top."""

from __future__ import annotations

from typing import Any

import pytest

from bench.page_course import condition, known
from bench.page_scene import waiting
from qc_operator.page.figures import figures, worst
from qc_operator.page.row import MESSAGE, Row, row, worst_first
from qc_operator.page.urgency import urgency

READY = condition("Ready", "True", "Scaling", "well", since="2026-11-27T00:00:00Z")


def status(*conditions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"conditions": [READY, *conditions], **fields}


def held(kind: str, truth: str, reason: str) -> dict[str, Any]:
    return condition(kind, truth, reason, "so it is", since="2026-11-27T00:00:00Z")


@pytest.mark.parametrize(
    ("told", "state", "words"),
    [
        (status(held("ObjectiveMet", "False", "WaitTooLong")), "late", "WaitTooLong: so it is"),
        (
            status(held("ObjectiveMet", "False", "ObjectiveInfeasible")),
            "limited",
            "ObjectiveInfeasible: so it is",
        ),
        ({"conditions": [held("Ready", "False", "QueueMissing")]}, "notReady", "QueueMissing: so it is"),
        ({"conditions": [held("Ready", "Unknown", "Starting")]}, "notReady", "Starting: so it is"),
        ({}, "notReady", "nothing is known of it yet"),
        (status(held("ScalingLimited", "True", "TooManyReplicas")), "limited", "TooManyReplicas: so it is"),
        (status(held("ScalingLimited", "True", "ConsumersStuck")), "limited", "ConsumersStuck: so it is"),
        (status(held("ScalingLimited", "True", "ScaleDownStabilized"), held("Active", "True", "Busy")), "working", ""),
        (status(held("Paused", "True", "Annotation")), "paused", "Annotation: so it is"),
        (status(held("Active", "True", "Busy")), "working", ""),
        (status(held("Active", "False", "Idle")), "idle", ""),
        (status(held("ObjectiveMet", "Unknown", "WaitUnknown")), "idle", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_conditions_say_how_urgent_it_is(told: dict[str, Any], state: str, words: str) -> None:
    assert (state, words) == urgency(told)


def test_what_is_late_and_cannot_be_read_is_late() -> None:
    told = {"conditions": [held("Ready", "False", "QueueMissing"), held("ObjectiveMet", "False", "WaitTooLong")]}

    assert "late" == urgency(told).state


@pytest.mark.parametrize(("silent_for", "state"), [(60.0, "idle"), (60.5, "silent")])
def test_a_minute_without_a_decision_is_silence(silent_for: float, state: str) -> None:
    assert state == urgency(status(), silent_for=silent_for).state


def test_a_silence_is_told_in_words_that_stay_true() -> None:
    """A row is made when it begins, and not again before it ends."""
    told = urgency(status(), silent_for=61.0)

    assert told == urgency(status(), silent_for=7200.0)
    assert told.words.startswith("no decision for more than a minute: ")


def test_an_object_that_waits_for_somebody_is_not_silent() -> None:
    told = {"conditions": [held("Ready", "False", "InvalidSpec")]}

    assert "notReady" == urgency(told, silent_for=9999.0).state


def test_the_worst_come_first() -> None:
    rows = [
        Row(namespace="a", name="idle", state="idle"),
        Row(namespace="a", name="few", state="working", ready=5, unacked=1),
        Row(namespace="a", name="many", state="working", ready=7),
        Row(namespace="b", name="late", state="late", wait_seconds=20.0, objective_seconds=10),
        Row(namespace="a", name="later", state="late", wait_seconds=35.0, objective_seconds=10),
        Row(namespace="a", name="broken", state="notReady"),
        Row(namespace="a", name="limited", state="limited"),
    ]

    assert ["later", "late", "broken", "limited", "many", "few", "idle"] == [
        each.name for each in sorted(rows, key=worst_first)
    ]


def test_a_row_says_what_the_status_says() -> None:
    told = status(
        queues=[
            {"name": "orders", "state": "Read", "ready": 1240, "unacknowledged": 64, "arrivalsPerSecond": "210",
             "throughputPerReplica": "45.0", "waitSeconds": "27.4", "readAt": "2026-11-27T00:00:00Z"}
        ],
        currentReplicas=3,
        desiredReplicas=8,
        lastDecision={"reason": "ObjectiveAtRisk", "limitedBy": "max", "message": "210/s / 45/s"},
        history=[{"time": "2026-11-27T00:00:00Z", "from": 3, "to": 8, "reason": "ObjectiveAtRisk", "message": "m"}],
        columns={"target": "Deployment/orders", "broker": "shop-rabbitmq", "queues": "orders"},
    )  # fmt: skip
    made = row(known("shop", "orders", **waiting("orders", objective=10, maxReplicas=8)), status=told)

    assert (1240, 64, 27.4, 10, 210.0, 135.0) == (
        made.ready, made.unacked, made.wait_seconds, made.objective_seconds, made.arrivals, made.capacity,
    )  # fmt: skip
    assert (3, 8, 0, 8, "ObjectiveAtRisk", "max") == (
        made.current, made.desired, made.min, made.max, made.reason, made.limited_by,
    )  # fmt: skip
    assert made.moved is not None
    assert (3, 8) == (made.moved.before, made.moved.after)
    assert made.read_at is None


def test_of_several_queues_the_one_that_waits_longest_for_its_objective_counts() -> None:
    queues = [
        {"name": "a", "wait": {"objectiveSeconds": 100}},
        {"name": "b", "lag": {"scaleUpAbove": 20}},
        {"name": "c", "wait": {"objectiveSeconds": 10}},
    ]
    about = known("shop", "orders", queues=queues)
    assert about.spec is not None

    told = {"queues": [{"waitSeconds": "50.0"}, {}, {"waitSeconds": "9.0"}]}
    assert (9.0, 10) == worst(about.spec, told)
    assert (None, 100) == worst(about.spec, {"queues": [{}, {}, {}]})
    assert (None, None) == worst(known("shop", "orders").spec or about.spec, {"queues": [{}]})


def test_a_replica_divides_its_time_among_its_queues() -> None:
    """Of messages at 30/s that take 1/60 s each and 10/s that take 1/5 s each, two replicas do 32 in a second."""
    told = {
        "queues": [
            {"arrivalsPerSecond": "30", "throughputPerReplica": "60"},
            {"arrivalsPerSecond": "10", "throughputPerReplica": "5"},
        ],
        "currentReplicas": 2,
    }

    assert (40.0, 32.0) == (figures(None, told).arrivals, figures(None, told).capacity)


def test_what_is_not_known_is_left_out() -> None:
    made = row(known("shop", "orders"), status={"queues": [{"name": "orders", "state": "Unknown"}]})

    assert (None, None, None, None) == (made.ready, made.unacked, made.capacity, made.current)


def test_a_long_sentence_is_cut() -> None:
    made = row(known("shop", "orders"), status=status(lastDecision={"message": "x" * 2000}))

    assert (MESSAGE, "…") == (len(made.message), made.message[-1])
