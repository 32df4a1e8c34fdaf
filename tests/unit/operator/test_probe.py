"""Finding out what a replica manages: twice as many, once in a start-up time, while messages pile up."""

from __future__ import annotations

from typing import Any

import pytest

from qc_operator.scaling.probe import probe
from qc_operator.scaling.reasons import Reason
from tests.unit.operator.conftest import Story, spec
from tests.unit.operator.situations import NOW, situation

TARGET = {"drain": {"withinSeconds": 600}}
UNKNOWN = "it is not known what a replica manages, until 20 messages were worked off without a pause"


ONCE_STARTED = ", once the last that were added have had 40 s to start"


@pytest.mark.parametrize(
    ("current", "ready", "replicas"),
    [
        (0, 0, 0),
        (0, 1, 1),
        (0, 1000, 1),
        (1, 0, 1),
        (1, 1, 1),
        (1, 2, 2),
        (4, 4, 4),
        (4, 5, 8),
        (24, 10**9, 48),
        (26, 10**9, 50),
        (49, 10**9, 50),
        (50, 10**9, 50),
        (70, 10**9, 70),
    ],
)
def test_replicas_double_while_more_than_one_message_waits_for_each(current: int, ready: int, replicas: int) -> None:
    assert replicas == probe(situation(target=TARGET, current=current), ready=ready)[0]


@pytest.mark.parametrize(
    ("changed_at", "replicas"), [(None, 8), (NOW - 55.0, 8), (NOW - 54.9, 4), (NOW, 4), (NOW - 1000, 8)]
)
def test_those_that_were_added_get_the_time_to_start(changed_at: float | None, replicas: int) -> None:
    assert replicas == probe(situation(target=TARGET, current=4, changed_at=changed_at), ready=100)[0]


@pytest.mark.parametrize(("most", "replicas"), [(6, 6), (5, 5), (4, 4), (3, 4), (100, 8), (None, 8)])
def test_no_more_than_are_known_to_be_enough(most: int | None, replicas: int) -> None:
    assert replicas == probe(situation(target=TARGET, current=4), ready=100, most=most)[0]


@pytest.mark.parametrize(
    ("changes", "ready", "words"),
    [
        ({"current": 0}, 3, f"{UNKNOWN}: one replica to begin with"),
        ({"current": 0}, 0, f"{UNKNOWN}: held at 0"),
        ({"current": 4}, 4, f"{UNKNOWN}: held at 4"),
        ({"current": 4}, 9, f"{UNKNOWN}, and 9 messages wait in receipts: from 4 to 8"),
        (
            {"current": 4, "changed_at": NOW},
            9,
            f"{UNKNOWN}, and 9 messages wait in receipts: from 4 to 8{ONCE_STARTED}",
        ),
    ],
)
def test_what_is_tried_is_told(changes: dict[str, Any], ready: int, words: str) -> None:
    assert words == probe(situation(target=TARGET, **changes), ready=ready)[1]


def test_a_throughput_that_is_not_known_is_no_gap_in_the_readings() -> None:
    """The queue was read all the time, so its being empty counts from when it was."""
    story = Story(spec=spec(queues=[{"name": "receipts"} | TARGET], idleAfterSeconds=20), replicas=1)
    story.pass_time(100, ready=1)
    assert 2 == story.see(ready=10, after=1.0).replicas

    waiting = story.pass_time(19, ready=0)
    gone = story.see(ready=0, after=1.0)

    assert (2, Reason.STEADY) == (waiting.replicas, waiting.reason)
    assert (0, Reason.IDLE) == (gone.replicas, gone.reason)
