"""What a pause says of annotations that cannot be understood."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from qc_operator.scaling.pause import PAUSED, REPLICAS, UNTIL, parse

MOMENT = datetime(2026, 11, 27, tzinfo=UTC)


def test_every_annotation_that_cannot_be_understood_is_named() -> None:
    pause = parse({PAUSED: "maybe", REPLICAS: "many", UNTIL: "tomorrow"}).at(MOMENT)

    assert pause is not None
    assert (
        "paused by annotation (queueconsumer.dev/paused and queueconsumer.dev/paused-replicas and "
        "queueconsumer.dev/paused-until cannot be understood): replicas stay at 3"
    ) == pause.words(current=3, min_replicas=0, max_replicas=10)


def test_each_rule_that_a_value_breaks_is_told() -> None:
    date = "must be a date and time with its offset as RFC 3339 has it, such as 2026-11-27T06:00:00+01:00"

    assert (
        ("metadata.annotations[queueconsumer.dev/paused]", "must be true or false", "maybe"),
        ("metadata.annotations[queueconsumer.dev/paused-replicas]", "must be a number from 0 to 100000", "many"),
        ("metadata.annotations[queueconsumer.dev/paused-until]", date, "tomorrow"),
    ) == parse({PAUSED: "maybe", REPLICAS: "many", UNTIL: "tomorrow"}).problems


def test_an_end_that_cannot_be_understood_is_not_told_as_an_end() -> None:
    pause = parse({UNTIL: "tomorrow"})

    assert pause.until is None
    assert pause.until_words is None
    assert pause.paused


@pytest.mark.parametrize(
    "name", [f"{PAUSED}-replica", f"{PAUSED}-untill", "queueconsumer.dev/pause", "queueconsumer.dev/pause-until"]
)
def test_an_annotation_that_is_almost_one_pauses_and_is_told(name: str) -> None:
    pause = parse({name: "3", "other.dev/paused": "true", "queueconsumer.dev/example": "shop"})

    rule = f"is none of {PAUSED}, {REPLICAS} and {UNTIL}"
    assert ((f"metadata.annotations[{name}]", rule, "3"),) == pause.problems
    assert pause.paused
    assert parse({name: "false"}) == parse({})
