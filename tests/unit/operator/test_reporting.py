"""What people are told: written on transitions, not each time a number moves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qc_operator import reporting, transitions
from qc_operator.conditions import Condition
from qc_operator.reporting import Change, Findings
from qc_operator.scaling.decision import Decision
from tests.unit.operator.conftest import Story, entries, known, missing, unknown

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
READY = Condition(type="Ready", status="True", reason="Scaling", message="1 queue read")
NO_QUEUE = Condition(type="Ready", status="False", reason="QueueMissing", message="no such queue: receipts")


def found(decision: Decision, story: Story, *, ready: int = 0, change: Change | None = None) -> Findings:
    queues = (known(ready=ready, unacknowledged=1, at=story.now),)
    return Findings(conditions=(READY,), decision=decision, entries=entries(*queues), running=3, change=change)


def report(findings: Findings, previous: dict[str, Any] | None = None, *, at: datetime = NOON) -> dict[str, Any]:
    return reporting.status(
        findings=findings,
        previous=previous or {},
        generation=7,
        target="Deployment/receipts",
        broker="shop-rabbitmq",
        now=at,
    )


@pytest.fixture
def woken(story: Story) -> dict[str, Any]:
    """The status after a wake-up from zero to five."""
    return report(found(story.see(ready=95), story, ready=95, change=Change(before=0, after=5)))


def test_a_change_of_replicas_answers_when_from_to_why_and_limited_by(woken: dict[str, Any]) -> None:
    entry = woken["history"][0]

    assert {
        "time": "2026-11-27T12:00:00Z",
        "from": 0,
        "to": 5,
        "reason": "WokeUp",
        "limitedBy": "none",
        "message": "95 messages in receipts / 20 per replica = 5",
    } == entry
    assert "2026-11-27T12:00:00Z" == woken["lastScaleTime"]
    assert 7 == woken["observedGeneration"]


def test_columns_are_ready_to_print(woken: dict[str, Any]) -> None:
    columns = woken["columns"]

    assert ("95", "1", "0->5/3", "WokeUp", "none") == tuple(
        columns[name] for name in ("ready", "unacked", "replicas", "reason", "limited")
    )


def test_history_keeps_the_last_twenty_changes(story: Story) -> None:
    status: dict[str, Any] = {}
    for index in range(25):
        decision = story.see(ready=95)
        status = report(found(decision, story, change=Change(before=index, after=index + 1)), status)

    assert [25, 6] == [status["history"][0]["to"], status["history"][-1]["to"]]
    assert 20 == len(status["history"])


def test_a_change_is_written_at_once(woken: dict[str, Any]) -> None:
    assert transitions.must_write(status=woken, written={}, numbers_due=False)


def test_the_steady_decision_that_follows_a_change_is_not(woken: dict[str, Any], story: Story) -> None:
    story.replicas = 5
    after = report(found(story.see(ready=90), story, ready=90), woken)

    assert "Steady" == after["lastDecision"]["reason"]
    assert not transitions.must_write(status=after, written=woken, numbers_due=False)
    assert transitions.must_write(status=after, written=woken, numbers_due=True)


def test_nothing_is_written_while_nothing_but_the_time_changes(story: Story) -> None:
    first = report(found(story.see(ready=0), story))
    later = report(found(story.see(ready=0), story), first, at=NOON + timedelta(hours=1))

    assert not transitions.must_write(status=later, written=first, numbers_due=True)


def test_a_condition_that_changes_is_written_at_once_and_keeps_its_time_otherwise(woken: dict[str, Any]) -> None:
    broken = report(Findings(conditions=(NO_QUEUE,)), woken, at=NOON + timedelta(minutes=1))
    still = report(Findings(conditions=(NO_QUEUE,)), broken, at=NOON + timedelta(minutes=2))

    assert transitions.must_write(status=broken, written=woken, numbers_due=False)
    assert "2026-11-27T12:01:00Z" == still["conditions"][0]["lastTransitionTime"]
    assert woken["history"] == still["history"]


def test_a_queue_that_cannot_be_read_keeps_the_time_of_its_last_reading(woken: dict[str, Any], story: Story) -> None:
    queues = (unknown(at=story.now),)
    lost = report(Findings(conditions=(READY,), entries=entries(*queues)), woken, at=NOON + timedelta(minutes=5))

    assert ("Unknown", "2026-11-27T12:00:00Z") == (lost["queues"][0]["state"], lost["queues"][0]["readAt"])
    assert "ready" not in lost["queues"][0]


def test_a_missing_queue_says_so(story: Story) -> None:
    status = report(Findings(conditions=(NO_QUEUE,), entries=entries(missing(at=story.now))))

    assert "Missing" == status["queues"][0]["state"]


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [(0, 5, "Activated"), (5, 0, "ScaledToZero"), (2, 5, "ScaledUp"), (5, 2, "ScaledDown")],
)
def test_one_event_tells_each_change(before: int, after: int, reason: str, story: Story) -> None:
    findings = found(story.see(ready=95), story, change=Change(before=before, after=after))

    (event,) = transitions.events(findings=findings, previous=[])

    assert (reason, False) == (event.reason, event.warning)
    assert event.note.startswith(f"{before} -> {after} replicas, WokeUp: 95 messages")


def test_trouble_is_told_once_and_so_is_recovery() -> None:
    healthy = [{"type": "Ready", "status": "True", "reason": "Scaling"}]
    broken = [{"type": "Ready", "status": "False", "reason": "QueueMissing"}]
    trouble, recovery = Findings(conditions=(NO_QUEUE,)), Findings(conditions=(READY,))

    assert [("QueueMissing", True)] == [
        (e.reason, e.warning) for e in transitions.events(findings=trouble, previous=healthy)
    ]
    assert [] == transitions.events(findings=trouble, previous=broken)
    assert ["Recovered"] == [e.reason for e in transitions.events(findings=recovery, previous=broken)]
    assert [] == transitions.events(findings=recovery, previous=healthy)
    assert [] == transitions.events(findings=recovery, previous=[])
