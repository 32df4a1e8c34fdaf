"""Pause by annotation."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from qc_operator.scaling.pause import NO_PAUSE, Pause, PauseNow, parse

SIX = "2026-11-27T06:00:00+01:00"
BEFORE = datetime(2026, 11, 27, 4, 59, 59, tzinfo=UTC)
AFTER = datetime(2026, 11, 27, 5, 0, 0, tzinfo=UTC)


def pause(*, paused: str | None = None, replicas: str | None = None, until: str | None = None) -> Pause:
    values = {"paused": paused, "paused-replicas": replicas, "paused-until": until}
    return parse({f"queueconsumer.dev/{key}": value for key, value in values.items() if value is not None})


@pytest.mark.parametrize("value", ["true", "True", "TRUE", " true "])
def test_paused_keeps_replicas_as_they_are(value: str) -> None:
    found = pause(paused=value)

    assert () == found.problems
    assert PauseNow(replicas=None, until=None) == found.at(BEFORE)


@pytest.mark.parametrize("value", ["false", "False", "", "  "])
@pytest.mark.parametrize("key", ["paused", "paused-replicas", "paused-until"])
def test_false_and_empty_are_the_same_as_not_there(key: str, value: str) -> None:
    found = parse({f"queueconsumer.dev/{key}": value, "other.dev/paused": "true"})

    assert NO_PAUSE == found
    assert found.at(BEFORE) is None


@pytest.mark.parametrize(("value", "replicas"), [("0", 0), ("3", 3), (" 3 ", 3), ("03", 3), ("100000", 100_000)])
def test_paused_replicas_are_exactly_so_many_zero_included(value: str, replicas: int) -> None:
    assert PauseNow(replicas=replicas, until=None) == pause(replicas=value).at(BEFORE)


def test_paused_replicas_do_not_need_the_word_paused_and_are_not_lifted_by_false() -> None:
    assert pause(replicas="3").at(BEFORE) == pause(paused="false", replicas="3").at(BEFORE)
    assert pause(replicas="3").at(BEFORE) == pause(paused="true", replicas="3").at(BEFORE)


@pytest.mark.parametrize(
    ("others", "replicas"),
    [({}, None), ({"paused": "true"}, None), ({"replicas": "3"}, 3), ({"paused": "false"}, None)],
)
def test_paused_until_ends_whatever_is_paused(others: dict[str, str], replicas: int | None) -> None:
    found = pause(until=SIX, **others)

    assert PauseNow(replicas=replicas, until=SIX) == found.at(BEFORE)
    assert found.at(AFTER) is None


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-27T05:00:00Z",
        "2026-11-27t05:00:00z",
        "2026-11-27 05:00:00Z",
        "2026-11-27T05:00:00.000Z",
        "2026-11-27T05:00:00.0000000001Z",
        "2026-11-27T10:30:00+05:30",
        "2026-11-26T22:00:00-07:00",
    ],
)
def test_times_as_rfc_3339_writes_them(value: str) -> None:
    found = pause(until=value)

    assert (AFTER, ()) == (found.until, found.problems)


@pytest.mark.parametrize(
    "value",
    [
        "tomorrow",
        "2026-11-27",
        "2026-11-27T06:00",
        "2026-11-27T06:00:00",
        "2026-11-27T06:00:00+0100",
        "2026-02-30T06:00:00Z",
        "2026-11-27T25:00:00Z",
        "1795932000",
        "2026-W48-5T06:00:00Z",
        "\u0662026-11-27T06:00:00Z",
    ],
)
def test_a_time_that_cannot_be_understood_is_told_and_pauses(value: str) -> None:
    found = pause(until=value)

    ((path, rule, told),) = found.problems
    assert ("metadata.annotations[queueconsumer.dev/paused-until]", value) == (path, told)
    assert "RFC 3339, " not in rule
    assert "2026-11-27T06:00:00+01:00" in rule
    now = found.at(AFTER)
    assert now is not None
    assert now.replicas is None


@pytest.mark.parametrize("value", ["three", "-1", "+3", "3.0", "1_000", "100001", "9" * 5000, "\u0663", "true"])
def test_replicas_that_cannot_be_understood_are_told_and_pause_at_what_is_there(value: str) -> None:
    found = pause(replicas=value)

    ((path, rule, told),) = found.problems
    assert ("metadata.annotations[queueconsumer.dev/paused-replicas]", value[:80]) == (path, told)
    assert "must be a number from 0 to 100000" == rule
    now = found.at(BEFORE)
    assert now is not None
    assert now.replicas is None


@pytest.mark.parametrize("value", ["yes", "1", "no", "on", "ture"])
def test_a_word_that_cannot_be_understood_is_told_and_pauses(value: str) -> None:
    found = pause(paused=value)

    assert (("metadata.annotations[queueconsumer.dev/paused]", "must be true or false", value),) == found.problems
    assert found.at(BEFORE) is not None


def test_what_can_be_understood_holds_beside_what_cannot() -> None:
    found = pause(paused="ja", replicas="3", until=SIX)

    now = found.at(BEFORE)
    assert now is not None
    assert (3, SIX) == (now.replicas, now.until)
    assert found.at(AFTER) is None


def words(found: Pause, *, current: int = 4) -> str:
    now = found.at(BEFORE)
    assert now is not None
    return now.words(current=current, min_replicas=2, max_replicas=10)


def test_it_says_what_holds_until_when_and_against_which_bound() -> None:
    assert "paused by annotation: replicas stay at 4" == words(pause(paused="true"))
    assert f"paused by annotation until {SIX}: replicas stay at 4" == words(pause(until=SIX))
    assert "paused by annotation: exactly 3 replicas" == words(pause(replicas="3"))
    assert "paused by annotation: exactly 1 replica, although minReplicas is 2" == words(pause(replicas="1"))
    assert "paused by annotation: exactly 2 replicas" == words(pause(replicas="2"))
    assert "paused by annotation: exactly 10 replicas" == words(pause(replicas="10"))
    assert "paused by annotation: exactly 11 replicas, although maxReplicas is 10" == words(pause(replicas="11"))
    assert "paused by annotation (queueconsumer.dev/paused cannot be understood): replicas stay at 4" == words(
        pause(paused="yes")
    )
