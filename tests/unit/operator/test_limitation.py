"""ScalingLimited and `limitedBy` are one truth: the condition says in words what the limit says in one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qc_operator.conditions import Condition
from qc_operator.limitation import scaling_limited
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.observation import EntryObservation, QueueFacts, QueueObservation
from qc_operator.scaling.pause import parse
from qc_operator.scaling.reasons import Limit
from tests.unit.operator.conftest import Story, entry, known, missing, spec, unknown

SHARED = QueueFacts(type="quorum", single_active_consumer=False, state="running")
ALONE = replace(SHARED, single_active_consumer=True)
LAG = {"scaleUpAbove": 20, "scaleDownBelow": 5}
TWO_QUEUES = [{"name": name, "lag": LAG} for name in ("receipts", "invoices")]


def queue(ready: int, *, facts: QueueFacts = SHARED, name: str = "receipts") -> QueueObservation:
    return replace(known(ready=ready, unacknowledged=0, at=1000.0, name=name), facts=facts)


def decided(
    *queues: QueueObservation, replicas: int, annotations: dict[str, str] | None = None, **changes: Any
) -> tuple[Decision, Condition]:
    """A decision, and what ScalingLimited says of it."""
    story = Story(spec=spec(**changes), replicas=replicas, pause=parse(annotations or {}))
    seen: tuple[EntryObservation, ...] = tuple(entry(queue) for queue in queues)
    decision = story.decide(*seen)
    (told,) = scaling_limited(decision=decision, entries=seen, spec=story.spec, told=None)
    return decision, told


@pytest.mark.parametrize("lost", [unknown(at=1000.0), missing(at=1000.0)], ids=["broker away", "queue gone"])
def test_a_reading_that_is_missing_limits_and_says_so(lost: QueueObservation) -> None:
    decision, told = decided(lost, replicas=4)

    assert Limit.GUARD is decision.limited_by
    assert ("True", "ReadingMissing", decision.message) == (told.status, told.reason, told.message)
    assert told.message.endswith(": replicas stay at 4")


def test_a_pause_limits_and_says_so() -> None:
    decision, told = decided(queue(95), replicas=4, annotations={"queueconsumer.dev/paused": "true"})

    assert Limit.PAUSED is decision.limited_by
    assert ("True", "Paused") == (told.status, told.reason)
    assert "paused by annotation: replicas stay at 4" == told.message


def test_an_object_that_was_never_limited_says_so() -> None:
    decision, told = decided(queue(95), replicas=5)

    assert Limit.NONE is decision.limited_by
    assert ("False", "NotLimited") == (told.status, told.reason)


@pytest.mark.parametrize(
    ("changes", "ready", "replicas", "limit", "reason"),
    [
        ({"maxReplicas": 3}, 95, 1, Limit.MAX, "TooManyReplicas"),
        ({"minReplicas": 3}, 1, 0, Limit.MIN, "TooFewReplicas"),
        ({}, 5, 4, Limit.STABILIZATION, "ScaleDownStabilized"),
        (
            {"behavior": {"scaleUp": {"stabilizationWindowSeconds": 30}}},
            95,
            1,
            Limit.STABILIZATION,
            "ScaleUpStabilized",
        ),
        ({"behavior": {"scaleUp": {"selectPolicy": "Disabled"}}}, 95, 1, Limit.UP_POLICY, "ScaleUpLimited"),
        (
            {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0, "selectPolicy": "Disabled"}}},
            5,
            4,
            Limit.DOWN_POLICY,
            "ScaleDownLimited",
        ),
    ],
)
def test_each_limit_has_its_reason(
    changes: dict[str, Any], ready: int, replicas: int, limit: Limit, reason: str
) -> None:
    decision, told = decided(queue(ready), replicas=replicas, **changes)

    assert limit is decision.limited_by
    assert ("True", reason, decision.message) == (told.status, told.reason, told.message)


def test_a_cap_by_a_schedule_above_a_maximum_of_one_is_told_too() -> None:
    always = {"name": "always", "start": "0 0 * * *", "end": "59 23 31 12 *", "timeZone": "Etc/UTC", "maxReplicas": 5}
    decision, told = decided(queue(95, facts=ALONE), replicas=1, maxReplicas=1, schedules=[always])

    assert Limit.GUARD is decision.limited_by
    assert ("True", "SingleActiveConsumer") == (told.status, told.reason)


def test_a_single_active_consumer_is_warned_of_while_nothing_limits() -> None:
    decision, told = decided(queue(5, facts=ALONE), replicas=1)

    assert Limit.NONE is decision.limited_by
    assert "True" == told.status
    assert told.message == (
        "queue receipts has a single active consumer: of 10 replicas all but one would only stand by; "
        "set maxReplicas to 1, or use a queue without x-single-active-consumer"
    )


def test_beside_a_queue_for_all_it_is_told_what_its_consumers_cannot_share() -> None:
    _, told = decided(queue(5, facts=ALONE), queue(95, name="invoices"), replicas=5, queues=TWO_QUEUES)

    assert told.message == (
        "queue receipts has a single active consumer: one replica does all of its messages, whatever the other queues "
        "ask for; use a queue without x-single-active-consumer"
    )
