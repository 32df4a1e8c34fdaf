"""ObjectiveMet says whether messages are taken in time, and what would help where they are not."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from qc_operator.conditions import Condition
from qc_operator.limitation import objective_met, on_time
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.situation import Waiting
from tests.unit.operator.conftest import Story, entry, known, spec

WAIT: list[dict[str, Any]] = [{"name": "receipts", "wait": {"objectiveSeconds": 30}}]
ADVICE = "no scaling keeps waits under 30 s: minReplicas 3 would do"


def decided(*, seconds: float | None, infeasible: str | None = None) -> Decision:
    story = Story(spec=spec(queues=WAIT), replicas=2)
    decision = story.decide(entry(known(ready=10, unacknowledged=0, at=1000.0)))
    return replace(decision, waiting=(Waiting(seconds=seconds, objective=30),), infeasible=infeasible)


def told(decision: Decision) -> Condition:
    (condition,) = objective_met(decision=decision, spec=spec(queues=WAIT), told=None)
    return condition


@pytest.mark.parametrize(
    ("seconds", "infeasible", "status", "reason", "met"),
    [
        (0.0, None, "True", "WaitWithinObjective", True),
        (30.0, None, "True", "WaitWithinObjective", True),
        (30.5, None, "False", "WaitTooLong", False),
        (None, None, "Unknown", "WaitUnknown", None),
        # Nothing waits too long for now, so no time is counted as missed.
        (0.0, ADVICE, "False", "ObjectiveInfeasible", True),
        (None, ADVICE, "False", "ObjectiveInfeasible", None),
        (31.0, ADVICE, "False", "WaitTooLong", False),
    ],
)
def test_it_follows_what_waits_and_whether_scaling_can_help(
    seconds: float | None, infeasible: str | None, status: str, reason: str, *, met: bool | None
) -> None:
    decision = decided(seconds=seconds, infeasible=infeasible)

    assert (status, reason) == (told(decision).status, told(decision).reason)
    assert met is on_time(decision)


def test_who_is_late_is_told_what_would_help() -> None:
    words = "messages in receipts wait about 31 s, objectiveSeconds is 30"

    assert words == told(decided(seconds=31.0)).message
    assert f"{words}: {ADVICE}" == told(decided(seconds=31.0, infeasible=ADVICE)).message


def test_where_there_is_no_objective_any_more_it_is_taken_back() -> None:
    story = Story(spec=spec(), replicas=2)
    decision = story.decide(entry(known(ready=10, unacknowledged=0, at=1000.0)))

    assert () == objective_met(decision=decision, spec=story.spec, told=None)
    (condition,) = objective_met(decision=decision, spec=story.spec, told="WaitTooLong")
    assert ("Unknown", "NoObjective") == (condition.status, condition.reason)
