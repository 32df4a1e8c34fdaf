"""What holds for the guards, whatever is seen: they rest on knowledge, let go in time, and never raise."""

from __future__ import annotations

import math
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from qc_operator.scaling.downstream_limit import LONGEST_BLOCK
from qc_operator.scaling.guards import NOTHING_GUARDED, GuardMemory, forbids, watched
from qc_operator.scaling.observation import (
    Counters,
    Depth,
    EntryObservation,
    Missing,
    Observation,
    QueueObservation,
    Totals,
    Unavailable,
    Unknown,
)
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.rates import Rates
from tests.guarded_target import Target, spec_of

ENTRIES = 2
SPEC = spec_of({}, {})

counts = st.one_of(st.integers(0, 50), st.integers(0, 10**18))
replicas = st.one_of(st.integers(0, 20), st.integers(0, 10**9))
times = st.one_of(st.floats(0, 200), st.floats(-1e12, 1e12))
texts = st.text(max_size=300)
depths = st.one_of(
    st.builds(Depth, ready=counts, consumers=counts, at=times),
    st.builds(Missing, message=texts, at=times),
    st.builds(Unknown, cause=st.just("Refused"), message=texts, at=times),
)
totals = st.one_of(
    st.builds(Totals, ready=counts, unacknowledged=counts, at=times, answered_at=times),
    st.builds(Unknown, cause=st.just("Refused"), message=texts, at=times),
    st.just(Unavailable(message="none")),
)
counters = st.builds(Counters, published=counts, acknowledged=counts, delivered=counts, at=times)
queues = st.builds(
    QueueObservation,
    name=st.just("q"),
    vhost=st.just("v"),
    depth=depths,
    totals=totals,
    counters=st.none() | counters,
)
entries = st.builds(
    EntryObservation,
    name=st.just("q"),
    vhost=st.just("v"),
    queues=st.lists(queues, max_size=3).map(tuple),
    unmatched=st.none() | st.builds(Unknown, cause=st.just("Refused"), message=texts, at=times),
    alarmed=st.booleans(),
)
some_pods = st.builds(
    Pods,
    ready=replicas,
    starting=st.lists(times, max_size=3).map(tuple),
    unschedulable=replicas,
    why_unschedulable=texts,
    at=times,
)
observations = st.builds(
    Observation,
    entries=st.lists(entries, min_size=ENTRIES, max_size=ENTRIES).map(tuple),
    current=replicas,
    running=replicas,
    pods=st.none() | some_pods,
)
some_rates = st.builds(
    Rates,
    throughput=st.none() | st.floats(0, 1e9),
    throughput_from=st.sampled_from([None, "learned", "spec", "lowerBound"]),
)


@given(
    seen=st.lists(st.tuples(observations, times), min_size=1, max_size=8),
    rates=st.lists(some_rates, min_size=ENTRIES, max_size=ENTRIES).map(tuple),
    start=st.floats(-1e9, 1e9),
)
def test_no_input_raises_and_memory_holds_only_numbers(
    seen: list[tuple[Observation, float]], rates: tuple[Rates, ...], start: float
) -> None:
    memory = NOTHING_GUARDED
    for observation, now in seen:
        memory = watched(before=memory, spec=SPEC, observation=observation, rates=rates, start_seconds=start, now=now)
        for index in range(ENTRIES):
            forbidden = forbids(memory=memory, index=index, observation=observation, now=now)
            assert forbidden is None or (forbidden.replicas >= observation.current > 0 and forbidden.message)

        assert all(math.isfinite(number) for number in _numbers(msgspec.to_builtins((memory, memory.seen))))


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict | list | tuple):
        each = value.values() if isinstance(value, dict) else value
        return [number for part in each for number in _numbers(part)]
    return [value] if isinstance(value, int | float) else []


@given(observation=observations, now=times, rates=some_rates)
def test_the_same_reading_twice_is_the_same_memory(observation: Observation, now: float, rates: Rates) -> None:
    def take(before: GuardMemory) -> GuardMemory:
        return watched(
            before=before, spec=SPEC, observation=observation, rates=(rates,) * 2, start_seconds=30.0, now=now
        )

    once = take(NOTHING_GUARDED)

    assert take(once) is once


# Whole lives of a target: what flows, what is known and how many pods there are changes every so often.

phases = st.tuples(
    st.integers(1, 30),  # turns
    st.sampled_from([0.0, 0.5, 2.0, 40.0]),  # acknowledged per second
    st.sampled_from([1.0, 1.0, 2.5]),  # delivered for each
    st.sampled_from([1, 3, 8, 16, 40]),  # replicas
    st.sampled_from([0, 0, 1]),  # of which find no node
    st.sampled_from(["known", "known", "known", "known", "uncounted", "alarmed", "empty", "unconsumed"]),
)


def lived(life: list[tuple[int, float, float, int, int, str]]) -> Target:
    target = Target(start_seconds=10.0)
    target.line.ready = 1e9
    for turns, acks, repeats, count, unplaced, state in life:
        line = target.line
        line.acks, line.delivers = acks, 5.0 if repeats > 1 and not acks else acks * repeats
        target.scale(count, ready=count - unplaced, unschedulable=unplaced)
        line.counted, line.alarmed = state != "uncounted", state == "alarmed"
        line.consumers = 0 if state == "unconsumed" else count
        line.unacknowledged = 0.0 if state in {"empty", "unconsumed"} else 10.0 * count
        line.ready = 0.0 if state == "empty" else 1e9
        target.run(turns * 5.0)
        limit = target.limit
        assert limit is None or limit.until - target.now <= LONGEST_BLOCK
        assert limit is None or limit.low <= limit.enough <= limit.high
    return target


lives = st.lists(phases, min_size=1, max_size=8)


@given(life=lives)
@settings(deadline=None)
def test_what_is_not_known_forbids_nothing(life: list[tuple[int, float, float, int, int, str]]) -> None:
    target = lived(life)
    target.line.counted = False
    target.pods = None

    assert target.run(20) is None


@given(life=lives)
@settings(deadline=None)
def test_after_everything_healed_nothing_is_forbidden(life: list[tuple[int, float, float, int, int, str]]) -> None:
    target = lived(life)
    line = target.line
    line.counted, line.alarmed, line.ready, line.consumers, line.unacknowledged = True, False, 1e9, 40, 40.0
    line.acks, line.delivers = 1000.0, None
    target.scale(40)

    # A loop needs two minutes, a block no longer than until the higher throughput has been measured or it ends.
    target.run(180)
    assert 0 == target.memory.stuck
    assert target.run(LONGEST_BLOCK) is None


@given(life=lives)
@settings(deadline=None)
def test_an_empty_memory_forbids_nothing(life: list[tuple[int, float, float, int, int, str]]) -> None:
    target = lived(life)
    target.memory = NOTHING_GUARDED

    assert target.look() is None
