"""What is known of queues, and from when on it is enough: to sleep, to go, or to tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from qc_operator.resource import Aggregate
from qc_operator.scaling.backlog import aggregate, ready_of
from qc_operator.scaling.explanation import Step, message
from qc_operator.scaling.idleness import idle, last_busy
from qc_operator.scaling.lag import lag
from qc_operator.scaling.observation import (
    LEFT_OUT,
    Depth,
    QueueObservation,
    Totals,
    TotalsReading,
    Unavailable,
    Unknown,
)
from qc_operator.scaling.situation import Demand
from tests.unit.operator.conftest import entry, known, observed, queue, spec, totals, unknown
from tests.unit.operator.situations import NOW, situation, waiting


@pytest.mark.parametrize(
    ("numbers", "how", "number"),
    [
        ([], "Sum", 0),
        ([], "Max", 0),
        ([], "Average", 0),
        ([7], "Sum", 7),
        ([7], "Average", 7),
        ([7, 2], "Sum", 9),
        ([2, 7], "Max", 7),
        ([2, 7], "Average", 5),
        ([2, 6], "Average", 4),
    ],
)
def test_one_number_for_all_queues_of_a_pattern(numbers: Sequence[int], how: Aggregate, number: int) -> None:
    assert number == aggregate(numbers, how)


@pytest.mark.parametrize(("how", "ready"), [("Sum", 12), ("Max", 9), ("Average", 3)])
def test_queues_that_were_not_read_count_as_none_and_for_an_average(how: Aggregate, ready: int) -> None:
    seen = replace(entry(waiting(9), waiting(3), unknown(at=NOW, name="x"), pattern="^"), awaited=2)

    # 12 in five queues are 2.4 each.
    assert ready == ready_of(seen, how)


def counted(at: float, messages: int = 0) -> QueueObservation:
    return queue(Depth(ready=0, consumers=1, at=NOW), Totals(ready=messages, unacknowledged=0, at=at, answered_at=at))


@pytest.mark.parametrize(
    ("seen", "busy_at", "expected"),
    [
        pytest.param((counted(NOW),), NOW - 60.0, True, id="for the whole time"),
        pytest.param((counted(NOW),), NOW - 59.9, False, id="not yet"),
        pytest.param((counted(NOW - 55.0),), NOW - 60.0, True, id="counted 5 s after the last message"),
        pytest.param((counted(NOW - 55.1),), NOW - 60.0, False, id="a count that may be older than it"),
        pytest.param((counted(NOW), counted(NOW - 55.1)), NOW - 60.0, False, id="one of two"),
        pytest.param(
            (queue(Depth(ready=0, consumers=1, at=NOW), Unknown(cause="X", message="", at=NOW)),),
            NOW - 60.0,
            False,
            id="not counted at all",
        ),
    ],
)
def test_queues_are_idle_when_a_count_proves_it(
    seen: tuple[QueueObservation, ...], busy_at: float, *, expected: bool
) -> None:
    observation = observed(*seen, current=1)

    assert expected is idle(spec=spec(), observation=observation, busy_at=busy_at, now=NOW)


@pytest.mark.parametrize(("busy_at", "expected"), [(NOW, False), (NOW - 0.1, True)])
def test_what_is_busy_now_is_not_idle_however_short_the_time(busy_at: float, *, expected: bool) -> None:
    at_once = spec(idleAfterSeconds=0, idleEvidence="ReadyOnly")

    assert expected is idle(spec=at_once, observation=observed(counted(NOW), current=1), busy_at=busy_at, now=NOW)


def answer(*queues: QueueObservation, **changes: Any) -> Demand:
    target = {"lag": {"scaleUpAbove": 20, "scaleDownBelow": 5}}
    demand = lag(situation(*queues, target=target, **changes))
    assert demand is not None
    return demand


@pytest.mark.parametrize(
    ("ready", "expected"),
    [
        (101, (6, True, "101 messages in receipts / 20 per replica = 6")),
        (100, (5, True, "100 messages in receipts need no other number of replicas than 5")),
        (21, (5, True, "21 messages in receipts need no other number of replicas than 5")),
        (20, (4, True, "20 messages in receipts / 5 per replica = 4")),
    ],
)
def test_lag_says_what_it_rests_on(ready: int, expected: tuple[int, bool, str]) -> None:
    demand = answer(waiting(ready))

    assert expected == (demand.replicas, demand.complete, demand.explanation)


def test_lag_says_what_it_does_not_know() -> None:
    words = "messages in receipts are not known to be so few that replicas may go"
    old = queue(Depth(ready=0, consumers=5, at=NOW), totals(ready=0, unacknowledged=0, at=NOW - 3.0))
    doubted = queue(Depth(ready=0, consumers=0, at=NOW), totals(ready=4, unacknowledged=0, at=NOW))

    assert (5, False, words) == (answer(old).replicas, answer(old).complete, answer(old).explanation)
    assert f"{words}: receipts reads empty, but 4 messages were counted in it" == answer(doubted).explanation
    assert answer(old).complete is False


def outbid(number: int) -> Step:
    return Step(name="drain", replicas=number, words=f"{number}", source=f"q{number}", outbid=True)


WINNER = Step(name="lag", replicas=9, words="the winner", source="q9")
BOUNDS = Step(name="bounds", replicas=8, words="limited", source="spec.maxReplicas")


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (0, "the winner, limited"),
        (1, "the winner, the largest of 2 answers (q1 drain 1), limited"),
        (3, "the winner, the largest of 4 answers (q1 drain 1, q2 drain 2, q3 drain 3), limited"),
        (4, "the winner, the largest of 5 answers (q1 drain 1, q2 drain 2, q3 drain 3 and 1 more), limited"),
    ],
)
def test_three_of_the_other_answers_are_named(others: int, words: str) -> None:
    assert words == message((WINNER, *(outbid(number) for number in range(1, others + 1)), BOUNDS))
    assert "the winner" == message((WINNER,))


def test_a_queue_that_was_read_needs_no_pattern_to_be_told() -> None:
    assert 3 == ready_of(entry(known(ready=3, unacknowledged=9, at=NOW)), "Sum")


@pytest.mark.parametrize(
    ("ready", "expected"),
    [
        (0, (0, "0 messages in receipts / 20 per replica = 0")),
        (1, (1, "1 message in receipts / 20 per replica = 1")),
    ],
)
def test_lag_counts_at_zero_what_is_ready(ready: int, expected: tuple[int, str]) -> None:
    demand = answer(waiting(ready, unacknowledged=50), current=0)

    assert expected == (demand.replicas, demand.explanation)


def test_one_replica_stays_between_the_thresholds() -> None:
    assert (
        "10 messages in receipts need no other number of replicas than 1" == answer(waiting(10), current=1).explanation
    )


LAST = NOW - 500.0
"""When the queue was last busy, before this reading."""
NO_LANE = Unavailable(message="no management API")


@pytest.mark.parametrize(
    ("ready", "consumers", "running", "counts", "evidence", "busy_at"),
    [
        pytest.param(1, 1, 1, totals(ready=0, unacknowledged=0, at=NOW), "ReadyOnly", NOW, id="a message"),
        pytest.param(0, 1, 1, NO_LANE, "ReadyOnly", LAST, id="nothing ready"),
        pytest.param(0, 1, 1, NO_LANE, "ReadyAndUnacked", NOW, id="nobody counts"),
        pytest.param(0, 1, 1, Unknown(cause=LEFT_OUT, message="", at=NOW), "ReadyOnly", NOW, id="left out"),
        pytest.param(0, 0, 1, NO_LANE, "ReadyOnly", NOW, id="pods without consumers"),
        pytest.param(0, 0, 0, NO_LANE, "ReadyOnly", LAST, id="no pods and no consumers"),
        pytest.param(0, 0, 1, totals(ready=0, unacknowledged=0, at=NOW), "ReadyOnly", LAST, id="confirmed"),
        pytest.param(0, 1, 1, totals(ready=0, unacknowledged=0, at=NOW - 15), "ReadyAndUnacked", LAST, id="15 s ago"),
        pytest.param(0, 1, 1, totals(ready=0, unacknowledged=0, at=NOW - 16), "ReadyAndUnacked", NOW, id="too old"),
        pytest.param(0, 1, 1, totals(ready=1, unacknowledged=1, at=NOW - 3), "ReadyAndUnacked", NOW - 3, id="counted"),
        pytest.param(0, 1, 1, totals(ready=0, unacknowledged=1, at=NOW - 3), "ReadyAndUnacked", NOW - 3, id="held"),
        pytest.param(0, 1, 1, totals(ready=0, unacknowledged=1, at=NOW - 3), "ReadyOnly", LAST, id="held by others"),
    ],
)
def test_when_a_queue_was_last_not_known_to_be_empty(  # noqa: PLR0917
    ready: int, consumers: int, running: int, counts: TotalsReading, evidence: str, busy_at: float
) -> None:
    seen = queue(Depth(ready=ready, consumers=consumers, at=NOW), counts)
    observation = observed(seen, current=1, running=running)

    assert busy_at == last_busy(spec=spec(idleEvidence=evidence), observation=observation, before=LAST, now=NOW)
    assert NOW == last_busy(spec=spec(idleEvidence=evidence), observation=observation, before=LAST, moved=True, now=NOW)
