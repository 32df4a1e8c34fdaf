"""What is put down as unknown says why, in whole sentences, and since when."""

from __future__ import annotations

import pytest

from qc_operator.scaling.observation import LEFT_OUT, Depth, QueueFacts, QueueObservation, Totals, Unknown
from qc_operator.scaling.trust import TOTALS_MAX_AGE, checked, doubt

NOW = 1000.0
READ = NOW - 3.0
OMITTED = Unknown(cause=LEFT_OUT, message="left out", at=NOW)


def counted(messages: int, *, before: float = 0.0) -> Totals:
    return Totals(ready=messages, unacknowledged=0, at=NOW - before, answered_at=NOW)


def empty(*, totals: Totals | Unknown, kind: str = "quorum", state: str = "running") -> QueueObservation:
    depth = Depth(ready=0, consumers=0, at=READ)
    facts = QueueFacts(type=kind, single_active_consumer=False, state=state)
    return QueueObservation(name="q", vhost="/", depth=depth, totals=totals, facts=facts)


@pytest.mark.parametrize(
    ("seen", "cause", "message"),
    [
        pytest.param(
            empty(totals=counted(0), kind="stream"),
            "StreamNotSupported",
            (
                "it is a stream of vhost /: reading takes nothing out of it, so its length says nothing about lag; "
                "remove it"
            ),
            id="stream",
        ),
        pytest.param(
            empty(totals=OMITTED),
            "QueueWithoutLeader",
            "it reads empty, but the management API leaves it out, as it does with a queue without a leader",
            id="left out",
        ),
        pytest.param(
            empty(totals=counted(0), state="minority"),
            "QueueDown",
            "it reads empty, but its state is minority: its messages cannot be counted",
            id="minority",
        ),
    ],
)
def test_why_a_queue_is_unknown_is_told_with_the_time_of_its_reading(
    seen: QueueObservation, cause: str, message: str
) -> None:
    assert Unknown(cause=cause, message=message, at=READ) == checked(seen).depth


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (TOTALS_MAX_AGE, "q reads empty, but 5 messages were counted in it"),
        (TOTALS_MAX_AGE + 0.5, "q reads empty and without consumers while 3 pods run, which nothing confirms"),
    ],
)
def test_a_count_confirms_nothing_when_it_is_older_than_three_polls(before: float, words: str) -> None:
    assert words == doubt(queue=empty(totals=counted(5, before=before)), running=3, now=NOW)
