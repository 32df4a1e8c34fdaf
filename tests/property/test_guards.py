"""What holds for the guards, whatever is seen: they rest on knowledge, let go in time, and never raise."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qc_operator.scaling.downstream_limit import LONGEST_BLOCK
from qc_operator.scaling.forbidden import forbids
from qc_operator.scaling.guard_memory import NOTHING_GUARDED, GuardMemory
from qc_operator.scaling.guards import watched
from qc_operator.scaling.guards_kept import remembered, restored
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
from qc_operator.scaling.tally import LOST_FOR
from tests.guarded_target import Target, spec_of
from tests.unit.operator.conftest import spec
from tests.unit.operator.limited_loop import LimitedLoop

ENTRIES = 2
SPEC = spec_of({}, {})

counts = st.one_of(st.integers(0, 50), st.integers(0, 10**18), st.integers(0, 2**70))
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
        assert limit is None or not limit.times or 1 <= limit.enough <= limit.high
    return target


lives = st.lists(phases, min_size=1, max_size=8)


@given(life=lives)
@settings(deadline=None)
def test_what_was_never_known_forbids_nothing_and_what_was_held_is_held_for_ten_minutes(
    life: list[tuple[int, float, float, int, int, str]],
) -> None:
    target = lived(life)
    target.line.counted, target.line.alarmed = True, False
    target.run(5)
    known_at = target.now
    target.line.counted = False
    target.pods = None
    held = target.look()
    # One that is gone lets replicas double for two minutes, known or not.
    assume(target.limit is None or target.limit.times > 0)

    for seconds in (5, 10, 30, 45, 200, 300):
        target.run(seconds)
        kept = target.look()
        if target.now - known_at <= LOST_FOR:
            assert (held and held.reason) == (kept and kept.reason)
    assert target.run(20) is None

    never = Target(start_seconds=10.0, pods=None)
    never.line.counted = False
    assert never.run(target.now - 10_000.0) is None


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
def test_an_empty_memory_forbids_nothing_but_what_the_pods_say_at_once(
    life: list[tuple[int, float, float, int, int, str]],
) -> None:
    target = lived(life)
    target.memory = NOTHING_GUARDED
    forbidden = target.look()

    assert target.pods is not None
    assert (forbidden is not None) is (target.pods.unschedulable > 0)
    assert forbidden is None or "Unschedulable" == forbidden.reason


words = st.text(max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
figures = st.one_of(values, st.integers(-1, 70), st.floats(0, 1e3))
downstreams = st.fixed_dictionaries(
    dict.fromkeys(("entries", "low", "high", "enough", "before", "after", "variance", "times", "blocked"), figures)
)


@given(
    kept=st.fixed_dictionaries(
        {},
        optional={
            "unschedulable": values,
            "stuckSeconds": values | st.lists(figures, min_size=ENTRIES, max_size=ENTRIES),
            "downstream": values | downstreams,
        },
    ),
    observation=observations,
    now=times,
)
def test_a_status_with_anything_in_it_raises_nothing(
    kept: dict[str, Any], observation: Observation, now: float
) -> None:
    memory = restored(kept, entries=ENTRIES, now=now)
    for index in range(ENTRIES):
        forbidden = forbids(memory=memory, index=index, observation=observation, now=now)
        assert forbidden is None or forbidden.replicas >= observation.current

    memory = watched(
        before=memory, spec=SPEC, observation=observation, rates=(Rates(),) * 2, start_seconds=30.0, now=now
    )
    assert restored(remembered(memory, now=now), entries=ENTRIES, now=now).limited in {0, memory.limited}


@given(life=lives)
@settings(deadline=None)
def test_what_held_before_a_restart_holds_after_it(life: list[tuple[int, float, float, int, int, str]]) -> None:
    target = lived(life)
    before = target.look()
    kept = remembered(target.memory, now=target.now)
    assert kept == json.loads(json.dumps(kept))

    after = restored(kept, entries=1, now=7.0)
    # The first decision knows neither counters nor pods.
    target.line.counted, target.line.at = False, 0.0
    observation = Observation(entries=target.observation().entries, current=target.replicas, running=target.replicas)
    held = forbids(memory=after, index=0, observation=observation, now=7.0)

    assert before is None or (held is not None and before.reason == held.reason)


# Services that do more with more replicas, whatever else they are: slow, cold, uneven, with consumers that start late.

loads = st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0, 10.0, 30.0]), min_size=6, max_size=6)


@given(
    load=loads,
    lasts=st.sampled_from([100.0, 200.0, 400.0]),
    each=st.sampled_from([0.02, 0.1, 0.5, 1.0, 5.0, 20.0]),
    starts=st.sampled_from([1.0, 5.0, 15.0, 40.0, 90.0]),
    cold=st.sampled_from([0.0, 0.0, 10.0, 30.0]),
    uneven=st.sampled_from([0.0, 0.3, 0.6]),
    begins=st.sampled_from([(0, 0.0), (0, 1000.0), (4, 0.0), (4, 1000.0)]),
    consumers=st.sampled_from([1, 5]),
    target=st.sampled_from(
        [
            {"lag": {"scaleUpAbove": 20, "scaleDownBelow": 5}, "publishRate": {"perReplica": "100000"}},
            {"lag": {"scaleUpAbove": 100}, "publishRate": {"perReplica": "100000"}},
            {"drain": {"withinSeconds": 60}},
            {"wait": {"objectiveSeconds": 60}},
        ]
    ),
    seed=st.integers(0, 10**6),
)
@settings(deadline=None, max_examples=40)
def test_a_service_that_does_more_with_more_replicas_is_never_called_limited(
    *,
    load: list[float],
    lasts: float,
    each: float,
    starts: float,
    cold: float,
    uneven: float,
    begins: tuple[int, float],
    consumers: int,
    target: dict[str, Any],
    seed: int,
) -> None:
    replicas, messages = begins
    loop = LimitedLoop(
        spec=spec(queues=[{"name": "receipts", **target}], maxReplicas=100),
        arrivals=lambda now: load[int(now / lasts) % len(load)] * each,
        each=each,
        starts=starts,
        cold=cold,
        uneven=uneven,
        replicas=replicas,
        waiting=messages * each,
        consumers_each=consumers,
        seed=seed,
    )
    loop.run(900)

    assert [] == loop.found_at
