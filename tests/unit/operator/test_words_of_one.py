"""One message, one pod, one replica: a sentence about one is not that about many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qc_operator.readiness import readiness
from qc_operator.scaling.observation import Depth, Unknown
from qc_operator.scaling.rounding import number_of
from qc_operator.scaling.trust import doubt
from tests.unit.operator.conftest import Story, entries, entry, known, queue, spec, totals, unknown

NOW = 1000.0


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 messages"), (1, "1 message"), (2, "2 messages"), (21, "21 messages")]
)
def test_a_count_has_its_noun(count: int, words: str) -> None:
    assert words == number_of(count, "message")


@pytest.mark.parametrize(
    ("replicas", "ready", "words"),
    [
        (0, 1, "1 message in receipts / 20 per replica = 1"),
        (1, 1, "1 message in receipts needs no other number of replicas than 1"),
        (1, 2, "2 messages in receipts need no other number of replicas than 1"),
        (
            3,
            1,
            "1 message in receipts / 5 per replica = 1, held at 3 until readings have been known for 60 s",
        ),
    ],
)
def test_a_queue_with_one_message(replicas: int, ready: int, words: str) -> None:
    assert words == Story(spec=spec(), replicas=replicas).see(ready=ready).message


def test_at_least_one_message() -> None:
    story = Story(spec=spec(), replicas=3)
    seen = queue(Depth(ready=1, consumers=3, at=NOW), totals(ready=0, unacknowledged=0, at=NOW - 3.0))

    words = "at least 1 message in receipts, not known to be so few that replicas may go"
    assert words == story.turn(seen).message


@pytest.mark.parametrize(
    ("ready", "words"),
    [(1, "1 message is no more than activateAbove 5"), (5, "5 messages are no more than activateAbove 5")],
)
def test_a_message_that_wakes_nobody(ready: int, words: str) -> None:
    assert words == Story(spec=spec(activateAbove=5)).see(ready=ready).message


@pytest.mark.parametrize(("counted", "words"), [(1, "1 message was counted"), (2, "2 messages were counted")])
def test_a_message_in_a_queue_that_reads_empty(counted: int, words: str) -> None:
    seen = queue(Depth(ready=0, consumers=0, at=NOW), totals(ready=counted, unacknowledged=0, at=NOW))

    assert f"receipts reads empty, but {words} in it" == doubt(queue=seen, running=1, now=NOW)


@pytest.mark.parametrize(("running", "words"), [(1, "1 pod runs"), (2, "2 pods run")])
def test_a_pod_without_a_consumer(running: int, words: str) -> None:
    not_counted = Unknown(cause="ManagementUnreachable", message="refused", at=NOW)
    seen = queue(Depth(ready=0, consumers=0, at=NOW), not_counted)

    told = f"receipts reads empty and without consumers while {words}, which nothing confirms"
    assert told == doubt(queue=seen, running=running, now=NOW)


def test_a_pattern_with_one_queue_that_is_yet_to_be_read() -> None:
    seen = replace(entry(pattern="^receipts"), awaited=1)

    told = readiness(problem=None, entries=(seen,), spec=spec())

    assert "0 of 1 queue read, Deployment receipts scaled" == told.message


@pytest.mark.parametrize(("others", "words"), [(1, "(and 1 more queue)"), (2, "(and 2 more queues)")])
def test_a_queue_that_cannot_be_read_and_others(others: int, words: str) -> None:
    lost = [unknown(at=NOW, name=f"receipts-{number}") for number in range(others + 1)]

    told = readiness(problem=None, entries=(entry(*lost, pattern="^receipts"),), spec=spec())

    assert f"queue receipts-0: connection refused {words}" == told.message


def test_one_queue_is_read() -> None:
    seen = entries(known(ready=1, unacknowledged=0, at=NOW))

    assert "1 queue read, Deployment receipts scaled" == readiness(problem=None, entries=seen, spec=spec()).message
