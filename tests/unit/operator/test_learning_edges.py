"""Where what is learned of the flow begins to count, and what of it is kept."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any
from zlib import crc32

import pytest

from qc_operator.scaling.arrivals import SHORTEST, Interval, Smoothed, smoothed
from qc_operator.scaling.capacity import EMPTY, learned, rates, start
from qc_operator.scaling.capacity_kept import restored
from qc_operator.scaling.counted import Counted, counted
from qc_operator.scaling.flow import Throughput, known, throughput
from qc_operator.scaling.observation import (
    Counters,
    Depth,
    EntryObservation,
    Observation,
    QueueObservation,
    Unavailable,
)
from qc_operator.scaling.pods import Pods, StartedPod
from qc_operator.scaling.staffing import clearing
from qc_operator.scaling.startup import StartUp, counters_seen
from qc_operator.scaling.throughput import Work, with_prior, worked
from qc_operator.scaling.throughput import throughput as at_full_work
from tests.unit.operator.conftest import entry, spec
from tests.unit.operator.situations import NOW, situation, waiting

TARGET = {"drain": {"withinSeconds": 600}}


@pytest.mark.parametrize(("poll", "age", "read"), [(1.0, 15.0, True), (1.0, 15.5, False), (6.0, 18.0, True)])
def test_counters_count_for_fifteen_seconds_and_three_polls(poll: float, age: float, *, read: bool) -> None:
    seen = situation(target=TARGET, at=NOW - age, poll_seconds=poll)

    assert (3.0 if read else None) == known(seen, 3.0)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"throughput": 0.5, "throughput_from": "lowerBound"}, Throughput(0.5, certain=False, learned=True)),
        ({"throughput": 0.0, "throughput_from": "lowerBound"}, None),
        ({"throughput": 0.5, "throughput_from": "learned"}, Throughput(0.5, certain=True, learned=True)),
        ({"throughput": 0.5, "throughput_from": "spec"}, Throughput(0.5, certain=True, learned=False)),
        ({"throughput": None, "throughput_from": None}, None),
    ],
)
def test_less_than_a_message_a_second_is_a_throughput_too(given: dict[str, Any], expected: Throughput | None) -> None:
    assert expected == throughput(situation(target=TARGET, **given))


@pytest.mark.parametrize(
    ("messages", "words"), [(0.0, "w"), (0.5, "w, which also clear about 0.5 messages within 60 s")]
)
def test_half_a_message_is_worth_telling(messages: float, words: str) -> None:
    assert words == clearing("w", keep=3, messages=messages, seconds=60.0, needed=3)


def pattern(*queues: tuple[str, int, int, int]) -> EntryObservation:
    """Queues by name, with what was published, acknowledged and delivered."""
    read = [
        QueueObservation(
            name=name,
            vhost="/",
            depth=Depth(ready=0, consumers=1, at=NOW),
            totals=Unavailable(message=""),
            counters=Counters(published=published, acknowledged=acknowledged, delivered=delivered, at=NOW),
        )
        for name, published, acknowledged, delivered in queues
    ]
    return EntryObservation(name="^", vhost="/", queues=tuple(read), pattern=True)


def test_what_is_in_queues_that_were_not_read_yet_is_not_known() -> None:
    read = counted(pattern(("a", 3, 2, 2)))
    awaited = counted(replace(pattern(("a", 3, 2, 2)), awaited=1))

    assert read is not None
    assert read.ready == 0.0
    assert read._replace(held=-1.0, ready=-1.0) == awaited


def mark(name: bytes) -> int:
    return crc32(name) & 0xFFFF


@pytest.mark.parametrize(
    ("queues", "members", "unused"),
    [
        ([("a", 1, 1, 1)], mark(b"a"), 0),
        ([("a", 1, 0, 0), ("b", 0, 1, 0), ("c", 0, 0, 1)], mark(b"a") ^ mark(b"b") ^ mark(b"c"), 0),
        (
            [("a", 0, 0, 0), ("b", 0, 0, 0), ("c", 1, 0, 0)],
            mark(b"a") ^ mark(b"b") ^ mark(b"c"),
            mark(b"a") ^ mark(b"b"),
        ),
        ([("\ud800", 1, 0, 0)], mark(b"?"), 0),
    ],
)
def test_which_queues_were_counted_is_told_by_their_names(
    queues: list[tuple[str, int, int, int]], members: int, unused: int
) -> None:
    found = counted(pattern(*queues))

    assert found is not None
    assert (members, unused) == (found.members, found.unused)


def reading(at: float, *, published: float, held: float = 0.0) -> Counted:
    return Counted(at, published, 0.0, 0.0, held, 0.0, 0, 0)


def test_two_readings_that_are_a_tenth_of_a_second_apart_are_two() -> None:
    first, _ = smoothed(before=Smoothed(), now=reading(0.0, published=1.0), tau=20.0)
    after, interval = smoothed(before=first, now=reading(SHORTEST, published=2.0), tau=20.0)

    assert interval is not None
    assert SHORTEST == after.at


def test_one_message_that_was_counted_as_published_is_no_estimate() -> None:
    first, _ = smoothed(before=Smoothed(), now=reading(0.0, published=0.0), tau=20.0)
    after, _ = smoothed(before=first, now=reading(5.0, published=1.0, held=7.0), tau=20.0)

    assert 0.0 == after.guessed
    # One in five seconds.
    assert 0.2 == pytest.approx(after.arrivals / after.covered)


def test_a_first_acknowledgement_ends_the_watch_of_a_wake_up() -> None:
    awake = Observation(entries=(), current=1, running=1, pods=Pods(ready=1, at=NOW))
    watched = StartUp(asleep_at=10, ready_at=100.0)

    after = counters_seen(before=watched, observation=awake, acknowledged=11, at=110.0, read_at=105.0)

    assert StartUp(to_acknowledgement=5.0) == after


def test_falling_asleep_again_forgets_when_a_pod_was_ready() -> None:
    asleep = Observation(entries=(), current=0, running=0, pods=Pods(ready=0, at=NOW))
    watched = StartUp(asleep_at=10, ready_at=100.0)

    after = counters_seen(before=watched, observation=asleep, acknowledged=12, at=110.0, read_at=105.0)

    assert StartUp(asleep_at=12, ready_at=-inf) == after


def test_the_specs_word_does_not_make_a_bound_forgotten() -> None:
    after = with_prior(Work(lower=3.0, full=True), seconds=0.5)

    assert Work(prior=0.5, acknowledged=20.0, seconds=10.0, lower=3.0, full=True) == after


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (Work(prior=1.0, acknowledged=20.0, seconds=20.0, lower=1.0), (1.0, "spec")),
        (Work(prior=1.0, acknowledged=20.0, seconds=20.0, lower=1.1), (1.1, "lowerBound")),
    ],
)
def test_the_specs_word_holds_as_long_as_no_more_was_seen(work: Work, expected: tuple[float, str]) -> None:
    assert expected == at_full_work(work)


def slack(acknowledged: float, *, seconds: float) -> Interval:
    return Interval(0.0, seconds, acknowledged, acknowledged, 1.0, 1.0, 0.0)


def test_a_bound_takes_ten_minutes_of_each_replica_where_little_is_acknowledged() -> None:
    work = Work()
    for _ in range(5):
        work = worked(before=work, interval=slack(1.0, seconds=100.0), replicas=2, settled=True)
    done = worked(before=work, interval=slack(1.0, seconds=100.0), replicas=2, settled=True)

    assert (5.0, 1000.0) == (work.block_acknowledged, work.block_seconds)
    assert (0.0, 0.0, 0.0) == (done.block_acknowledged, done.block_seconds, done.lower)


@pytest.mark.parametrize(
    ("total", "seconds", "lower"),
    [
        # 100 in 60 s, less two standard errors of a tenth each, are 4/3 a second.
        (20, 15.0, 0.0),
        (19, 20.0, 4.0 / 3.0),
    ],
)
def test_a_bound_raises_what_was_learned_from_twenty_acknowledgements_on(
    total: int, seconds: float, lower: float
) -> None:
    before = Work(acknowledged=20.0, seconds=20.0, total=total)
    after = worked(before=before, interval=slack(100.0, seconds=60.0), replicas=1, settled=True)

    assert [seconds, lower] == pytest.approx([after.seconds, after.lower])


def test_a_first_acknowledgement_came_after_the_last_reading_of_any_entry() -> None:
    made = spec(queues=[{"name": name, "wait": {"objectiveSeconds": 60}} for name in ("a", "b")])

    def seen(*at: float, acknowledged: int, pods: Pods) -> Observation:
        entries = []
        for name, time in zip("ab", at, strict=True):
            read = waiting(5)
            counters = Counters(published=0, acknowledged=acknowledged, delivered=0, at=time)
            entries.append(entry(replace(read, name=name, counters=counters)))
        return Observation(entries=tuple(entries), current=pods.ready, running=pods.ready, pods=pods)

    asleep = Pods(ready=0, at=50.0)
    awake = Pods(ready=1, started=(StartedPod(created=90.0, ready=97.0),), at=101.0)
    capacity = EMPTY
    for now, observation in (
        (50.0, seen(50.0, 50.0, acknowledged=7, pods=asleep)),
        (100.0, seen(50.0, 100.0, acknowledged=7, pods=asleep)),
        (101.0, seen(50.0, 100.0, acknowledged=7, pods=awake)),
        (105.0, seen(50.0, 105.0, acknowledged=8, pods=awake)),
    ):
        capacity = learned(before=capacity, spec=made, observation=observation, now=now)

    # Seven seconds to be ready, and three from there to the reading before the one that shows it.
    assert (10.0, True) == start(capacity)


@pytest.mark.parametrize(("weight", "taken"), [(1e14, True), (1e15, False), (0.0, False), (-1.0, False)])
def test_what_no_operator_can_have_written_is_not_taken_back(weight: float, *, taken: bool) -> None:
    capacity = restored({"entries": [{"throughput": 2.0, "acknowledged": 50, "weight": weight}]})

    assert taken is (rates(capacity, 0).throughput is not None)
