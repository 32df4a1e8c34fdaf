"""What the fallback does when the queues cannot be read."""

from __future__ import annotations

from typing import Literal

import pytest

from qc_operator.scaling.fallback import FallbackAnswer, answer, unread_since
from qc_operator.spec_policy import Fallback

Policy = Literal["AtLeast", "AtMost", "Exactly", "KeepCurrent"]


def fallback(policy: Policy = "AtLeast", replicas: int | None = 5) -> Fallback:
    return Fallback(after_seconds=180, replicas=None if policy == "KeepCurrent" else replicas, policy=policy)


@pytest.mark.parametrize(
    ("policy", "current", "expected"),
    [
        ("AtLeast", 0, 5),
        ("AtLeast", 3, 5),
        ("AtLeast", 10, 10),
        ("AtMost", 0, 0),
        ("AtMost", 3, 3),
        ("AtMost", 10, 5),
        ("Exactly", 0, 5),
        ("Exactly", 3, 5),
        ("Exactly", 10, 5),
        ("KeepCurrent", 0, 0),
        ("KeepCurrent", 3, 3),
        ("KeepCurrent", 10, 10),
    ],
)
def test_an_outage_from_any_count(policy: Policy, current: int, expected: int) -> None:
    """Read every second until 1000, then not at all for 300 s, then read again."""
    since: float | None = None
    seen: dict[int, int] = {}
    replicas = current
    for second in range(990, 1320):
        since = unread_since(before=since, unread=1000 <= second < 1300, now=float(second))
        found = answer(fallback(policy), unread_since=since, current=replicas, now=float(second))
        if found is not None:
            replicas = seen[second] = found.replicas

    assert (1180, 1299) == (min(seen), max(seen))
    assert {expected} == set(seen.values())


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("AtLeast", "queues not read for 180 s or longer: at least 5 replicas (fallback)"),
        ("AtMost", "queues not read for 180 s or longer: at most 5 replicas (fallback)"),
        ("Exactly", "queues not read for 180 s or longer: exactly 5 replicas (fallback)"),
        ("KeepCurrent", "queues not read for 180 s or longer: replicas stay at 3 (fallback)"),
    ],
)
def test_it_says_what_it_does_and_why(policy: Policy, words: str) -> None:
    found = answer(fallback(policy), unread_since=1000.0, current=3, now=1185.9)

    assert found is not None
    assert words == found.words


def test_one_replica_is_one_replica() -> None:
    assert FallbackAnswer(1, "queues not read for 180 s or longer: at least 1 replica (fallback)") == answer(
        fallback(replicas=1), unread_since=0.0, current=0, now=180.0
    )


def test_zero_is_a_number_that_a_fallback_may_ask_for() -> None:
    found = answer(fallback("Exactly", 0), unread_since=0.0, current=3, now=180.0)

    assert found is not None
    assert (0, "queues not read for 180 s or longer: exactly 0 replicas (fallback)") == found


def test_nothing_happens_before_its_time() -> None:
    assert answer(fallback(), unread_since=1000.0, current=0, now=1179.9) is None
    assert answer(fallback(), unread_since=1000.0, current=0, now=1180.0) is not None


def test_nothing_happens_while_the_queues_are_read_or_without_a_fallback() -> None:
    assert answer(fallback(), unread_since=None, current=0, now=10_000.0) is None
    assert answer(None, unread_since=0.0, current=0, now=10_000.0) is None


def test_one_good_reading_begins_the_time_anew() -> None:
    since = unread_since(before=None, unread=True, now=10.0)
    assert 10.0 == since
    assert 10.0 == unread_since(before=since, unread=True, now=100.0)
    assert unread_since(before=since, unread=False, now=101.0) is None
    assert 102.0 == unread_since(before=None, unread=True, now=102.0)


def test_a_memory_from_the_future_counts_from_now() -> None:
    assert 50.0 == unread_since(before=99.0, unread=True, now=50.0)
