"""What holds of the capacity that is learned, whatever is read."""

from __future__ import annotations

import sys
from math import isfinite
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from qc_operator.brokers.counters import CounterLedger, Counts
from qc_operator.resource import QueueConsumerSpec, parse
from qc_operator.scaling.capacity import EMPTY, Capacity, effective, learned, rates, start
from qc_operator.scaling.capacity_kept import remembered, restored
from qc_operator.scaling.observation import (
    Counters,
    Depth,
    EntryObservation,
    Observation,
    QueueObservation,
    Totals,
    Unavailable,
    Unknown,
)
from qc_operator.scaling.pods import Pods, StartedPod
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.throughput import EACH_LEAST, EACH_MOST


def of(*entries: dict[str, Any]) -> QueueConsumerSpec:
    return parse(
        {"scaleTargetRef": {"name": "t"}, "broker": {"secretName": "s"}, "queues": list(entries), "maxReplicas": 100}
    )


counts = st.integers(0, 10**18)
times = st.one_of(st.floats(0, 10_000), st.integers(0, 2_000).map(lambda ticks: ticks * 5.0), st.floats())
all_counters = st.none() | st.builds(Counters, published=counts, acknowledged=counts, delivered=counts, at=times)
depths = st.builds(Depth, ready=counts, consumers=counts, at=times) | st.just(Unknown(cause="X", message="x", at=0.0))
all_totals = st.builds(Totals, ready=counts, unacknowledged=counts, at=times, answered_at=times) | st.just(
    Unavailable(message="none")
)
queues = st.builds(
    QueueObservation,
    name=st.sampled_from(["a", "b", "c", "\udc80"]),
    vhost=st.just("v"),
    depth=depths,
    totals=all_totals,
    counters=all_counters,
)
entries = st.builds(
    EntryObservation,
    name=st.just("q"),
    vhost=st.just("v"),
    queues=st.lists(queues, max_size=4).map(tuple),
    pattern=st.booleans(),
)
replica_counts = st.integers(0, 10**7)
started = st.lists(st.builds(StartedPod, created=st.floats(-1e9, 1e9), ready=st.floats(-1e9, 1e9)), max_size=16).map(
    lambda pods: tuple(sorted(pods, key=lambda pod: -pod.ready))
)
all_pods = st.none() | st.builds(
    Pods,
    ready=replica_counts,
    starting=st.lists(st.floats(-1e9, 1e9), max_size=3).map(lambda created: tuple(sorted(created))),
    unschedulable=replica_counts,
    started=started,
    at=st.floats(-1e9, 1e9),
)
observations = st.builds(
    Observation,
    entries=st.lists(entries, min_size=2, max_size=2).map(tuple),
    current=replica_counts,
    running=replica_counts,
    pods=all_pods,
)
SPECS = (
    of({"name": "a", "wait": {"objectiveSeconds": 60}}, {"pattern": "b", "publishRate": {"perReplica": 1}}),
    of(
        {"name": "a", "drain": {"withinSeconds": 1}, "secondsPerMessage": "0.001"},
        {"name": "b", "lag": {"scaleUpAbove": 1}},
    ),
    of({"name": "a", "wait": {"objectiveSeconds": 604800}, "secondsPerMessage": 86400}),
)


def sound(value: float | None) -> bool:
    return value is None or (isfinite(value) and value >= 0.0)


def size(value: object) -> int:
    return sys.getsizeof(value) + sum(size(getattr(value, field)) for field in getattr(value, "__struct_fields__", ()))


@settings(max_examples=60, deadline=None)
@given(
    story=st.lists(st.tuples(observations, st.floats(-1e9, 1e9), st.sampled_from(SPECS)), max_size=12),
    before=st.sampled_from(
        [EMPTY, restored({"entries": [{"throughput": 1e6, "acknowledged": 99, "weight": 1e14}] * 2})]
    ),
)
def test_whatever_is_read_the_answers_are_numbers(
    story: list[tuple[Observation, float, QueueConsumerSpec]], before: Capacity
) -> None:
    capacity = before
    for observation, now, spec in story:
        capacity = learned(before=capacity, spec=spec, observation=observation, now=now)
        for index in range(3):
            found = rates(capacity, index)
            assert sound(found.arrivals)
            assert sound(found.deliveries)
            assert sound(found.acknowledgements)
            assert found.at is None or isfinite(found.at)
            assert found.throughput is None or EACH_LEAST <= found.throughput <= EACH_MOST
            assert (found.throughput is None) == (found.throughput_from is None)
        seconds, _ = start(capacity)
        assert 0.1 <= seconds <= 600.0
        assert 0.0 <= effective(capacity, observation, now) <= observation.current
        assert size(capacity) <= 1400
        assert remembered(restored(remembered(capacity))) == remembered(capacity)


@given(observation=observations, now=st.floats(-1e9, 1e9))
def test_the_same_twice_is_nothing_new(observation: Observation, now: float) -> None:
    once = learned(before=EMPTY, spec=SPECS[0], observation=observation, now=now)
    twice = learned(before=once, spec=SPECS[0], observation=observation, now=now)

    assert rates(twice, 0) == rates(once, 0)
    assert rates(twice, 1) == rates(once, 1)
    assert start(twice) == start(once)


def seen(counters: Counters, *, ready: int = 10**9, unacknowledged: int = 0, replicas: int = 1) -> Observation:
    queue = QueueObservation(
        name="a",
        vhost="v",
        depth=Depth(ready=ready, consumers=1, at=counters.at),
        totals=Totals(ready=ready, unacknowledged=unacknowledged, at=counters.at, answered_at=counters.at),
        counters=counters,
    )
    entry = EntryObservation(name="a", vhost="v", queues=(queue,))
    return Observation(entries=(entry,), current=replicas, running=replicas)


def waiting(objective: int) -> QueueConsumerSpec:
    return of({"name": "a", "wait": {"objectiveSeconds": objective}})


def followed(spec: QueueConsumerSpec, readings: list[Observation], *, before: Capacity = EMPTY) -> list[Rates]:
    found = []
    capacity = before
    for observation in readings:
        counters = observation.entries[0].queues[0].counters
        assert counters is not None
        capacity = learned(before=capacity, spec=spec, observation=observation, now=counters.at)
        found.append(rates(capacity, 0))
    return found


steps = st.lists(st.floats(1.0, 6.0), min_size=30, max_size=60)


@settings(deadline=None)  # A story of dozens of readings.
@given(each=st.integers(0, 10**6), steps=steps, objective=st.integers(1, 300))
def test_a_constant_flow_is_known_for_what_it_is(each: int, steps: list[float], objective: int) -> None:
    at, readings = 0.0, []
    for step in steps:
        at += step
        count = round(at * each * 1000)
        readings.append(seen(Counters(published=count, acknowledged=count, delivered=count, at=at)))
    found = [rate.arrivals for rate in followed(waiting(objective), readings) if rate.arrivals is not None]

    assert all(abs(value - 1000 * each) <= 1e-4 * 1000 * each + 1.0 for value in found)
    assert found or at < 60.0


@settings(deadline=None)  # A story of dozens of readings.
@given(
    flow=st.lists(st.tuples(st.integers(0, 1000), st.booleans()), min_size=10, max_size=40),
    lost=st.floats(0.0, 1.0),
)
def test_counters_that_begin_anew_never_make_a_spike(flow: list[tuple[int, bool]], lost: float) -> None:
    ledger, shown, at, readings = CounterLedger(), 0, 0.0, []
    for messages, reset in flow:
        at += 5.0
        # What came before the reset is lost, and what came after it is shown.
        shown = round(messages * (1.0 - lost)) if reset else shown + messages
        ledger.add({"a": Counts(published=shown, acknowledged=shown, delivered=shown)}, at=at)
        counters = ledger.of("a")
        assert counters is not None
        readings.append(seen(counters))
    most = max(messages for messages, _ in flow) / 5.0

    for rate in followed(waiting(60), readings):
        assert rate.arrivals is None or rate.arrivals <= most * 1.0001


@settings(deadline=None)  # A story of dozens of readings.
@given(
    intervals=st.lists(
        st.tuples(st.integers(0, 5000), st.integers(0, 5000), st.integers(1, 50)), min_size=1, max_size=60
    ),
    each=st.floats(0.01, 1000.0),
)
def test_intervals_that_are_not_certain_never_lower_the_throughput(
    intervals: list[tuple[int, int, int]], each: float
) -> None:
    """More is delivered than there was in the beginning, so that the queue may have been empty."""
    before = restored({"entries": [{"throughput": each, "acknowledged": 100, "weight": 100.0}]})
    at, done, readings = 0.0, 0, []
    for acknowledged, ready, replicas in intervals:
        at += 5.0
        readings.append(
            seen(Counters(published=done, acknowledged=done, delivered=done, at=at), ready=ready, replicas=replicas)
        )
        done += max(acknowledged, ready + 1)
    last = each
    for rate in followed(waiting(60), readings, before=before):
        assert rate.throughput is not None
        assert rate.throughput >= last * (1.0 - 1e-6)
        last = rate.throughput


junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["throughput", "acknowledged", "weight", "entries", "startSeconds", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(
    kept=st.dictionaries(
        st.sampled_from(["entries", "startSeconds", "firstAcknowledgementSeconds", "other"]), junk, max_size=4
    )
)
def test_whatever_was_kept_can_be_restored(kept: dict[str, object]) -> None:
    capacity = restored(kept)

    for index in range(3):
        each = rates(capacity, index).throughput
        assert each is None or EACH_LEAST <= each <= EACH_MOST
    assert 0.1 <= start(capacity)[0] <= 600.0
    assert remembered(restored(remembered(capacity))) == remembered(capacity)
