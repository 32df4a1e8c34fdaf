"""What the queues of an entry come to together: added up once, and only trusted where nothing is missing."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from qc_operator.scaling.observation import (
    Counters,
    Depth,
    Observation,
    QueueFacts,
    QueueObservation,
    Totals,
    Unavailable,
    Unknown,
)
from qc_operator.scaling.sums import EntrySums, summed
from qc_operator.scaling.trust import TOTALS_MAX_AGE, certain
from tests.unit.operator.conftest import entry, known, missing, unknown

NOW = 1000.0
SINGLE = QueueFacts(type="classic", single_active_consumer=True, state="running")
LOST = Unknown(cause="ManagementUnreachable", message="refused", at=NOW)


def counted(ready: int, *, acknowledged: int = 0, at: float = NOW) -> QueueObservation:
    counters = Counters(published=9, acknowledged=acknowledged, delivered=9, at=at)
    return replace(known(ready=ready, unacknowledged=2, at=at), counters=counters, facts=SINGLE)


def test_queues_are_added_up() -> None:
    older = replace(counted(3, at=NOW - 4), depth=Depth(ready=7, consumers=1, at=NOW), arrived=4)

    assert summed([counted(1), older]) == EntrySums(
        read=2,
        ready=8,
        consumers=2,
        read_at=NOW,
        unacknowledged=4,
        least=3 + 7,
        most=3 + (7 + 2 + 4),
        asked_at=NOW - 4,
        answered_at=NOW - 4,
        busy_at=NOW,
        counters_at=2 * NOW - 4,
        single=True,
        plain=True,
    )


def test_no_queue_is_no_messages() -> None:
    nothing = summed([])

    assert (0, 0, 0, 0, 0) == (nothing.read, nothing.ready, nothing.unacknowledged, nothing.most, nothing.consumers)
    assert (inf, inf, -inf, True) == (nothing.read_at, nothing.asked_at, nothing.busy_at, nothing.plain)


@pytest.mark.parametrize("totals", [LOST, Unavailable(message="no management API")])
def test_totals_that_one_queue_lacks_are_lacking_of_all(totals: Unknown | Unavailable) -> None:
    sums = summed([counted(1), replace(counted(2), totals=totals)])

    assert (2, 3) == (sums.read, sums.ready)
    assert (None, -inf, -inf, False) == (sums.unacknowledged, sums.asked_at, sums.answered_at, sums.plain)


@pytest.mark.parametrize(
    ("depth", "ready", "plain"),
    [
        (Depth(ready=0, consumers=0, at=NOW), 1, False),
        (Depth(ready=0, consumers=0, at=NOW), 0, True),
        (Depth(ready=0, consumers=1, at=NOW), 1, True),
        (Depth(ready=1, consumers=0, at=NOW), 1, True),
    ],
)
def test_a_queue_that_reads_empty_and_was_counted_otherwise_is_not_plain(
    depth: Depth, ready: int, *, plain: bool
) -> None:
    totals = Totals(ready=ready, unacknowledged=0, at=NOW, answered_at=NOW)

    assert summed([counted(5), replace(counted(0), depth=depth, totals=totals)]).plain is plain


def test_one_queue_without_a_single_active_consumer_is_enough() -> None:
    shared = replace(SINGLE, single_active_consumer=False)

    assert summed([counted(1)]).single
    assert not summed([counted(1), replace(counted(1), facts=shared)]).single
    assert not summed([counted(1), replace(counted(1), facts=None)]).single


def test_the_time_of_the_last_message_is_that_of_the_youngest_totals_with_any() -> None:
    empty = replace(counted(0, at=NOW + 1), totals=Totals(ready=0, unacknowledged=0, at=NOW + 1, answered_at=NOW + 1))

    assert NOW - 1 == summed([counted(0, at=NOW - 1), counted(0, at=NOW - 3), empty]).busy_at


def test_sums_are_certain_while_nothing_is_missing_old_or_blocked() -> None:
    seen = entry(counted(1), counted(2), pattern="^r")

    assert certain(entry=seen, now=NOW + TOTALS_MAX_AGE)
    assert not certain(entry=seen, now=NOW + TOTALS_MAX_AGE + 0.1)
    assert not certain(entry=replace(seen, alarmed=True), now=NOW)
    assert not certain(entry=replace(seen, awaited=1), now=NOW)
    assert not certain(entry=replace(seen, unmatched=LOST), now=NOW)
    assert not certain(entry=entry(counted(1), unknown(at=NOW), pattern="^r"), now=NOW)


def test_an_observation_is_known_when_every_queue_is() -> None:
    read, lost = entry(counted(1)), entry(missing(at=NOW))

    assert Observation(entries=(read, read), current=1, running=1).known
    assert not Observation(entries=(read, lost), current=1, running=1).known
    assert not Observation(entries=(replace(read, unmatched=LOST),), current=1, running=1).known
    assert 2 * NOW == Observation(entries=(read, lost, read), current=1, running=1).counters_at
