"""Deciding on all queues that a pattern matches: taken together, and never on half of them downwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qc_operator.limitation import scaling_limited
from qc_operator.readiness import readiness
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.observation import Depth, EntryObservation, QueueFacts, QueueObservation, Unavailable, Unknown
from qc_operator.scaling.reasons import Reason
from tests.unit.operator.conftest import Story, entry, known, queue, spec, unknown

PATTERN = "^receipts"


def matching(*ready: int, at: float = 1000.0) -> tuple[QueueObservation, ...]:
    return tuple(known(ready=count, unacknowledged=0, at=at, name=f"receipts.{i}") for i, count in enumerate(ready))


def pattern_spec(**fields: Any) -> QueueConsumerSpec:
    return spec(queues=[{"pattern": PATTERN, "lag": {"scaleUpAbove": 20, "scaleDownBelow": 5}} | fields])


def matched(*queues: QueueObservation, unmatched: Unknown | None = None) -> EntryObservation:
    return entry(*queues, pattern=PATTERN, unmatched=unmatched)


@pytest.mark.parametrize(
    ("aggregate", "replicas", "words"),
    [
        ("Sum", 8, "150 messages in the 3 queues that match ^receipts / 20 per replica = 8"),
        ("Max", 5, "100 messages in the longest of the 3 queues that match ^receipts / 20 per replica = 5"),
        ("Average", 3, "50 messages in the average of the 3 queues that match ^receipts / 20 per replica = 3"),
    ],
)
def test_the_queues_are_taken_together_as_asked(aggregate: str, replicas: int, words: str) -> None:
    story = Story(spec=pattern_spec(aggregate=aggregate))

    decision = story.decide(matched(*matching(100, 40, 10)))

    assert (replicas, Reason.WOKE_UP, words) == (decision.replicas, decision.reason, decision.message)


def test_an_average_is_rounded_up() -> None:
    story = Story(spec=pattern_spec(aggregate="Average"))

    assert 3 == story.decide(matched(*matching(41, 40))).replicas


def running(*ready: int, replicas: int = 4, seconds: int = 100, **fields: Any) -> Story:
    """A target that has been seen to be busy for longer than a window."""
    story = Story(spec=pattern_spec(**fields), replicas=replicas)
    for _ in range(seconds):
        story.decide(matched(*matching(*ready, at=story.now + 1)), after=1.0)
    return story


def test_half_of_the_queues_may_scale_up_and_never_down() -> None:
    story = running(60, 0)
    down = matched(*matching(0, at=story.now + 1), unknown(at=story.now + 1, name="receipts.b"))

    held = story.decide(down, after=1.0)
    assert (4, Reason.READING_MISSING) == (held.replicas, held.reason)

    up = matched(*matching(200, at=story.now + 1), unknown(at=story.now + 1, name="receipts.b"))
    assert 10 == story.decide(up, after=1.0).replicas


@pytest.mark.parametrize(
    ("aggregate", "replicas", "words"),
    [
        # 150 of 2,000 queues hold 50 messages, and these are read first. The average of all is 3.75.
        ("Average", 1, "4 messages in the average of the 2000 queues that match ^receipts (150 read)"),
        ("Max", 3, "50 messages in the longest of the 2000 queues that match ^receipts (150 read)"),
        ("Sum", 10, "7500 messages in the 2000 queues that match ^receipts (150 read)"),
    ],
)
@pytest.mark.parametrize("before", [0, 1])
def test_the_queues_that_were_read_first_raise_no_average(
    before: int, aggregate: str, replicas: int, words: str
) -> None:
    story = Story(spec=pattern_spec(aggregate=aggregate), replicas=before)
    part = matching(*[50] * 150)

    decision = story.decide(replace(matched(*part), awaited=1850))

    assert replicas == decision.replicas
    assert words in decision.message
    assert replicas == story.decide(matched(*part, *matching(*[0] * 1850))).replicas


@pytest.mark.parametrize("aggregate", ["Sum", "Max", "Average"])
def test_nothing_goes_down_while_a_queue_was_not_read_once(aggregate: str) -> None:
    story = running(60, 0, aggregate=aggregate)
    for _ in range(200):
        part = replace(matched(*matching(1, at=story.now + 1)), awaited=1)
        decision = story.decide(part, after=1.0)

    assert 4 == decision.replicas
    assert "the 2 queues that match ^receipts (1 read), not known to be so few" in decision.message


def test_how_many_match_is_known_once_each_was_read() -> None:
    seen = matched(*matching(1, 2))

    assert 2 == seen.matched
    assert replace(seen, awaited=1).matched is None
    assert entry(*matching(1)).matched is None


@pytest.mark.parametrize("aggregate", ["Sum", "Max", "Average"])
def test_one_queue_that_matches_is_told_as_one(aggregate: str) -> None:
    story = Story(spec=pattern_spec(aggregate=aggregate))

    decision = story.decide(matched(*matching(100)))

    assert "100 messages in the queue that matches ^receipts / 20 per replica = 5" == decision.message


def test_a_queue_that_cannot_be_counted_is_not_told_as_counted() -> None:
    story = Story(spec=pattern_spec(), replicas=1)

    decision = story.decide(matched(*matching(100, 0, 0), unknown(at=story.now, name="receipts.log")))

    assert "100 messages in the 4 queues that match ^receipts (3 read) / 20 per replica = 5" == decision.message


def test_while_the_list_of_queues_is_not_known_nothing_goes_down() -> None:
    story = running(60, 0)
    lost = Unknown(cause="ManagementUnreachable", message="connection refused", at=story.now)

    for _ in range(200):
        seen = matched(*matching(0, 0, at=story.now + 1), unmatched=lost)
        decision = story.decide(seen, after=1.0)

    assert 4 == decision.replicas
    assert "the queues that match ^receipts are not known" in decision.message


def test_no_queues_are_no_messages() -> None:
    story = running(60, 0)
    for _ in range(200):
        decision = story.decide(matched(), after=1.0)

    assert 0 == decision.replicas


def test_an_alarm_of_the_broker_holds_replicas() -> None:
    story = running(60, 0)
    for _ in range(200):
        quiet = replace(matched(*matching(0, 0, at=story.now + 1)), alarmed=True)
        decision = story.decide(quiet, after=1.0)

    assert 4 == decision.replicas
    assert "an alarm of the broker blocks what publishes" in decision.message


def test_an_empty_queue_that_nothing_confirms_holds_replicas() -> None:
    story = Story(spec=spec(idleEvidence="ReadyOnly"), replicas=4)
    no_lane = Unavailable(message="no management API")
    for _ in range(200):
        story.now += 1.0
        doubtful = queue(Depth(ready=0, consumers=0, at=story.now), no_lane)
        decision = story.decide(entry(doubtful))

    assert 4 == decision.replicas
    assert "without consumers while 4 pods run" in decision.message


def test_no_match_is_told_and_counts_as_nothing() -> None:
    condition = readiness(problem=None, entries=(matched(),), spec=pattern_spec())

    assert ("False", "NoQueues") == (condition.status, condition.reason)
    assert "no queue of vhost shop matches pattern ^receipts" in condition.message


def test_a_pattern_without_a_list_is_told() -> None:
    lost = Unknown(cause="PatternNeedsManagement", message="a pattern needs the list of queues", at=0.0)

    condition = readiness(problem=None, entries=(matched(unmatched=lost),), spec=pattern_spec())

    assert ("False", "PatternNeedsManagement") == (condition.status, condition.reason)


def test_of_many_unread_queues_one_is_named_and_the_others_counted() -> None:
    lost = [unknown(at=0.0, name=f"receipts.{i}") for i in range(40)]

    condition = readiness(problem=None, entries=(matched(*lost),), spec=pattern_spec())

    assert "queue receipts.0: connection refused (and 39 more queues)" == condition.message


def single_active(*, consumer: bool) -> EntryObservation:
    (seen,) = matching(5)
    facts = QueueFacts(type="quorum", single_active_consumer=consumer, state="running")
    return entry(replace(seen, facts=facts))


def limitation(*, consumer: bool, most: int = 4, told: str | None = None) -> list[tuple[str, str]]:
    """Status and reason of ScalingLimited after five messages were seen in such a queue."""
    story = Story(spec=spec(maxReplicas=most))
    seen = single_active(consumer=consumer)
    told_now = scaling_limited(decision=story.decide(seen), entries=(seen,), spec=story.spec, told=told)
    return [(condition.status, condition.reason) for condition in told_now]


def test_standby_replicas_are_warned_of_and_the_warning_is_taken_back() -> None:
    assert [("True", "SingleActiveConsumer")] == limitation(consumer=True)
    assert [("False", "NotLimited")] == limitation(consumer=True, most=1)
    assert [("False", "NotLimited")] == limitation(consumer=False, told="SingleActiveConsumer")


def test_the_warning_stays_while_it_is_not_known_what_the_queue_is() -> None:
    story = Story(spec=spec(maxReplicas=4))
    seen = entry(*matching(5))

    told = scaling_limited(decision=story.decide(seen), entries=(seen,), spec=story.spec, told="SingleActiveConsumer")

    assert () == told
