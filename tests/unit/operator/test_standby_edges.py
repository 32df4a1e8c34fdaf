"""A queue that serves one consumer at a time gets one replica, and a second one is not asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qc_operator.scaling.decision import Decision
from qc_operator.scaling.explanation import Step
from qc_operator.scaling.observation import EntryObservation, QueueFacts, QueueObservation
from qc_operator.scaling.reasons import Limit, Reason
from tests.unit.operator.conftest import Story, entry, known, spec, unknown

ALONE = QueueFacts(type="quorum", single_active_consumer=True, state="running")
SHARED = replace(ALONE, single_active_consumer=False)


def served(ready: int, *, facts: QueueFacts | None = ALONE, at: float = 1000.0, name: str = "q") -> QueueObservation:
    return replace(known(ready=ready, unacknowledged=0, at=at, name=name), facts=facts)


def capped(decision: Decision) -> bool:
    return "SingleActiveConsumer" in {step.source for step in decision.steps}


def story(*, current: int) -> Story:
    return Story(spec=spec(), replicas=current)


@pytest.mark.parametrize(
    ("current", "ready", "replicas"),
    [
        pytest.param(0, 100, 1, id="from zero one starts"),
        pytest.param(1, 100, 1, id="and stays alone"),
        pytest.param(1, 21, 1, id="where two were asked for"),
        pytest.param(3, 100, 3, id="those that are there go only once the queue asks for no more"),
        pytest.param(3, 61, 3, id="four are more than three"),
    ],
)
def test_no_replica_is_added_that_would_only_stand_by(current: int, ready: int, replicas: int) -> None:
    decision = story(current=current).decide(entry(served(ready)))

    assert (replicas, True) == (decision.replicas, capped(decision))
    assert Limit.GUARD is decision.limited_by


def test_why_is_told_after_the_answer_that_was_capped() -> None:
    decision = story(current=1).decide(entry(served(100)))

    words = "limited to 1: only one consumer at a time is served (single active consumer)"
    assert ["lag", "guard"] == [step.name for step in decision.steps]
    assert Step(name="guard", replicas=1, words=words, source="SingleActiveConsumer") == decision.steps[-1]
    assert f"100 messages in q / 20 per replica = 5, {words}" == decision.message


@pytest.mark.parametrize(("ready", "after"), [(60, 1), (50, 1), (61, 3)])
def test_those_beside_the_one_go_when_the_queue_asks_for_no_more_than_there_are(ready: int, after: int) -> None:
    seen = story(current=3)
    for _ in range(130):
        decision = seen.decide(entry(served(ready, at=seen.now + 1.0)), after=1.0)

    assert after == decision.replicas
    assert capped(decision)


def test_one_that_is_enough_is_not_told_as_a_limit() -> None:
    decision = story(current=1).decide(entry(served(20)))

    assert (1, False, Reason.STEADY, Limit.NONE) == (
        decision.replicas,
        capped(decision),
        decision.reason,
        decision.limited_by,
    )


@pytest.mark.parametrize(
    "others",
    [
        pytest.param((served(0, facts=SHARED, name="r"),), id="another queue serves many"),
        pytest.param((served(0, facts=None, name="r"),), id="it is not known of another"),
        pytest.param((unknown(at=1000.0, name="r"),), id="nothing is known of another"),
    ],
)
def test_a_second_replica_has_work_unless_every_queue_serves_one_at_a_time(others: tuple[QueueObservation]) -> None:
    seen: EntryObservation = entry(served(100), *others, pattern="^.$")
    decision = story(current=1).decide(seen)

    assert (5, False) == (decision.replicas, capped(decision))
