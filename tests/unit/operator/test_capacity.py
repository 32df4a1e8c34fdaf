"""The memory of flows, replicas and starts: what it takes in, what it answers, and what it keeps over a restart."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from math import exp, inf, nan
from typing import Any

import pytest

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.capacity import EMPTY, Capacity, effective, learned, rates, start, works
from qc_operator.scaling.capacity_kept import remembered, restored
from qc_operator.scaling.observation import Counters, Depth, EntryObservation, Observation, QueueObservation, Totals
from qc_operator.scaling.pods import Pods, StartedPod
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.undecided import Undecided
from tests.unit.operator.conftest import spec


def of(*names: str, **entry: Any) -> QueueConsumerSpec:
    return spec(queues=[{"name": name, "wait": {"objectiveSeconds": 60}} | entry for name in names], maxReplicas=50)


ONE = of("receipts")


def entry(name: str, counters: Counters | None, *, at: float, ready: int = 1_000_000) -> EntryObservation:
    return EntryObservation(
        name=name,
        vhost="shop",
        queues=(
            QueueObservation(
                name=name,
                vhost="shop",
                depth=Depth(ready=ready, consumers=1, at=at),
                totals=Totals(ready=ready, unacknowledged=0, at=at, answered_at=at),
                counters=counters,
            ),
        ),
    )


def observed(
    *counters: Counters | None, at: float, replicas: int = 2, pods: Pods | None = None, ready: int = 1_000_000
) -> Observation:
    names = ["receipts", "orders", "mails", "invoices", "refunds"]
    return Observation(
        entries=tuple(entry(name, each, at=at, ready=ready) for name, each in zip(names, counters, strict=False)),
        current=replicas,
        running=replicas,
        pods=pods,
    )


def counters(at: float, *, published: float = 10.0, acknowledged: float = 8.0, delivered: float = 9.0) -> Counters:
    """Those of a steady flow that began at 0, in messages per second."""
    return Counters(
        published=int(published * at), acknowledged=int(acknowledged * at), delivered=int(delivered * at), at=at
    )


def steady(
    *, until: float, spec: QueueConsumerSpec = ONE, before: Capacity = EMPTY, since: float = 5.0, **observation: Any
) -> Capacity:
    capacity, at = before, since
    while at <= until:
        seen = observed(*[counters(at) for _ in spec.queues], at=at, **observation)
        capacity = learned(before=capacity, spec=spec, observation=seen, now=at)
        at += 5.0
    return capacity


def test_nothing_is_known_in_the_beginning() -> None:
    assert Rates() == rates(EMPTY, 0)
    assert (15.0, False) == start(EMPTY)
    assert {} == remembered(EMPTY)


def test_a_steady_flow() -> None:
    capacity = steady(until=400.0)

    found = rates(capacity, 0)

    assert found.arrivals == pytest.approx(10.0, rel=1e-5)
    assert found.deliveries == pytest.approx(9.0, rel=1e-5)
    assert found.acknowledgements == pytest.approx(8.0, rel=1e-5)
    assert found.arrivals_observed
    assert found.throughput == pytest.approx(4.0, rel=1e-5)
    assert "learned" == found.throughput_from
    # Replicas that were there at second 5 had 15 s to start, and the counters are up to 5 s late.
    assert 8 * (400 - 25) == found.acknowledged
    assert 400.0 == found.at


def test_before_the_window_is_there_the_throughput_may_be_known_already() -> None:
    capacity = steady(until=10.0, spec=of("receipts", secondsPerMessage="0.5"))

    assert Rates(throughput=2.0, throughput_from="spec", at=10.0) == rates(capacity, 0)


def test_rates_are_whole_as_soon_as_they_are_known() -> None:
    found = rates(steady(until=20.0), 0)

    assert [found.arrivals, found.deliveries, found.acknowledgements] == pytest.approx([10.0, 9.0, 8.0])


def test_an_index_that_no_entry_has() -> None:
    capacity = steady(until=100.0)

    assert Rates() == rates(capacity, 1)
    assert Rates() == rates(capacity, -1)


def test_the_very_same_memory_when_nothing_new_came_in() -> None:
    seen = observed(counters(100.0), at=100.0)
    capacity = learned(before=steady(until=95.0), spec=ONE, observation=seen, now=100.0)

    assert learned(before=capacity, spec=ONE, observation=seen, now=101.0) is capacity
    assert learned(before=capacity, spec=ONE, observation=replace(seen, current=2), now=109.0) is capacity


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(observed(counters(101.0), at=101.0), id="counters"),
        pytest.param(observed(counters(100.0), at=101.0, replicas=3), id="replicas"),
        pytest.param(
            observed(
                counters(100.0), at=101.0, pods=Pods(ready=2, started=(StartedPod(created=1.0, ready=9.0),), at=1)
            ),
            id="pods",
        ),
    ],
)
def test_another_memory_when_something_did(changed: Observation) -> None:
    capacity = steady(until=100.0)

    assert learned(before=capacity, spec=ONE, observation=changed, now=101.0) is not capacity


def test_what_has_no_counters_takes_no_memory() -> None:
    capacity = learned(before=EMPTY, spec=ONE, observation=observed(None, at=5.0), now=5.0)

    assert b"" == capacity.flows
    assert Rates() == rates(capacity, 0)
    assert learned(before=capacity, spec=ONE, observation=observed(None, at=6.0), now=6.0) is capacity


def test_each_entry_has_its_own_flow() -> None:
    two = of("receipts", "orders")
    capacity = EMPTY
    for at in [5.0 * count for count in range(1, 41)]:
        seen = observed(counters(at), counters(at - 1.0, published=3.0, acknowledged=2.0), at=at)
        capacity = learned(before=capacity, spec=two, observation=seen, now=at)

    first, second = rates(capacity, 0), rates(capacity, 1)

    assert [first.arrivals, second.arrivals] == pytest.approx([10.0, 3.0], rel=1e-4)
    assert [first.throughput, second.throughput] == pytest.approx([4.0, 1.0])
    assert (200.0, 199.0) == (first.at, second.at)


def test_an_entry_whose_counters_do_not_come_is_not_moved_by_the_others() -> None:
    two = of("receipts", "orders")
    before = steady(until=100.0, spec=two)
    seen = observed(counters(105.0), counters(100.0), at=105.0)
    capacity = learned(before=before, spec=two, observation=seen, now=105.0)

    assert rates(before, 1) == rates(capacity, 1)
    assert 105.0 == rates(capacity, 0).at


def test_other_entries_begin_anew() -> None:
    two = of("receipts", "orders")
    capacity = learned(
        before=steady(until=100.0),
        spec=two,
        observation=observed(counters(105.0), counters(105.0), at=105.0),
        now=105.0,
    )

    assert Rates(at=105.0) == rates(capacity, 0)


@pytest.mark.parametrize(("guesses", "told"), [(1, True), (2, False)])
def test_arrivals_are_estimated_when_more_than_a_quarter_of_them_are(guesses: int, *, told: bool) -> None:
    capacity = steady(until=200.0)
    for count in range(1, guesses + 1):
        at = 200.0 + 5.0 * count
        published = 2000 - 50 * count  # The counter of arrivals falls; the others go on.
        seen = observed(Counters(published=published, acknowledged=int(8 * at), delivered=int(9 * at), at=at), at=at)
        capacity = learned(before=capacity, spec=ONE, observation=seen, now=at)

    assert told == rates(capacity, 0).arrivals_observed
    weight = 1.0 - exp(-0.25 * guesses)
    assert rates(capacity, 0).arrivals == pytest.approx(10.0 * (1.0 - weight) + 8.0 * weight, rel=1e-4)


def test_an_estimate_below_zero_is_zero() -> None:
    capacity = EMPTY
    for count in range(5):
        at = 5.0 * count + 5.0
        seen = observed(Counters(published=0, acknowledged=0, delivered=0, at=at), at=at, ready=1000 - 100 * count)
        capacity = learned(before=capacity, spec=ONE, observation=seen, now=at)

    assert 0.0 == rates(capacity, 0).arrivals
    assert not rates(capacity, 0).arrivals_observed


def test_replicas_that_change_teach_nothing_until_they_are_settled() -> None:
    before = rates(steady(until=200.0), 0).acknowledged
    # Three more than before count once they have had 15 s to start, and the counters 5 s to follow.
    after = [
        rates(steady(until=until, since=205.0, replicas=5, before=steady(until=200.0)), 0).acknowledged
        for until in (205.0, 225.0, 230.0, 235.0)
    ]

    assert [0, 0, 40, 80] == [each - before for each in after]


def test_pods_are_counted_where_they_are_known() -> None:
    pods = Pods(ready=4, at=0.0)
    capacity = steady(until=400.0, replicas=4, pods=pods)

    assert rates(capacity, 0).throughput == pytest.approx(2.0, rel=1e-5)
    assert 4.0 == effective(capacity, observed(at=400.0, replicas=4, pods=pods), 400.0)


def test_start_up_is_learned_from_pods() -> None:
    pods = Pods(ready=1, started=(StartedPod(created=91.0, ready=98.0),), at=100.0)
    capacity = learned(before=EMPTY, spec=ONE, observation=observed(None, at=100.0, pods=pods), now=100.0)

    assert (7.0, True) == start(capacity)


def test_a_wake_up_is_measured_to_the_first_acknowledgement() -> None:
    capacity = EMPTY
    for at, replicas, acknowledged in [(95, 0, 7), (100, 0, 7), (105, 1, 7), (110, 1, 7), (115, 1, 7), (120, 1, 8)]:
        pods = Pods(
            ready=replicas,
            started=(StartedPod(created=101.0, ready=104.0),) if replicas else (),
            at=float(at),
        )
        seen = observed(
            Counters(published=9, acknowledged=acknowledged, delivered=9, at=float(at)),
            at=float(at),
            replicas=replicas,
            pods=pods,
        )
        capacity = learned(before=capacity, spec=ONE, observation=seen, now=float(at))

    assert (3.0 + 11.0, True) == start(capacity)


def test_starting_replicas_count_half() -> None:
    seen = Observation(entries=(), current=4, running=2)
    capacity = learned(before=EMPTY, spec=ONE, observation=seen, now=100.0)

    assert 3.0 == effective(capacity, seen, 145.0)
    assert 2.0 == effective(capacity, seen, 145.1)


def size(value: object, seen: set[int]) -> int:
    # None, and small integers, are there once in the whole process.
    if id(value) in seen or value is None or (isinstance(value, int) and -5 <= value <= 256):
        return 0
    seen.add(id(value))
    parts = [getattr(value, field) for field in getattr(value, "__struct_fields__", ())]
    return sys.getsizeof(value) + sum(size(part, seen) for part in parts)


def test_five_entries_take_little_more_than_a_kibibyte() -> None:
    five = of("receipts", "orders", "mails", "invoices", "refunds", secondsPerMessage="0.2")
    started = tuple(StartedPod(created=300.25 - each, ready=301.5 - each) for each in range(16))
    capacity = steady(until=400.0, spec=five, pods=Pods(ready=2, started=started, at=1.0))

    assert 16 == len(remembered(capacity)["startSeconds"])  # type: ignore[arg-type] # a list
    assert size(capacity, set()) <= 1050


def test_a_restart_keeps_what_was_learned() -> None:
    pods = Pods(ready=2, started=(StartedPod(created=91.0, ready=98.5), StartedPod(created=91.0, ready=95.0)), at=1.0)
    before = steady(until=400.0, pods=pods)

    kept = json.loads(json.dumps(remembered(before)))
    after = restored(kept)

    assert start(before) == start(after) == (7.5, True)
    assert rates(after, 0).throughput == pytest.approx(4.0, rel=1e-5)
    assert ("learned", rates(before, 0).acknowledged) == (rates(after, 0).throughput_from, rates(after, 0).acknowledged)
    assert (None, None) == (rates(after, 0).at, rates(after, 0).arrivals)
    assert kept == remembered(after)


def test_a_restart_keeps_what_a_wake_up_took() -> None:
    after = restored({"startSeconds": [3.0], "firstAcknowledgementSeconds": 4.5})

    assert (7.5, True) == start(after)
    assert {"startSeconds": [3.0], "firstAcknowledgementSeconds": 4.5} == remembered(after)


def test_what_was_kept_goes_on_being_learned() -> None:
    kept = restored({"entries": [{"throughput": 2.0, "acknowledged": 500, "weight": 100.0}]})

    capacity = steady(until=400.0, before=kept)

    found = rates(capacity, 0)
    assert found.throughput is not None
    assert 3.0 < found.throughput < 4.0
    assert 500 + 8 * 375 == found.acknowledged


def test_entries_of_which_nothing_was_learned_are_null() -> None:
    two = of("receipts", "orders")
    capacity = EMPTY
    for at in [5.0 * count for count in range(1, 41)]:
        capacity = learned(before=capacity, spec=two, observation=observed(None, counters(at), at=at), now=at)

    kept = remembered(capacity)

    assert isinstance(kept["entries"], list)
    assert kept["entries"][0] is None
    assert {"throughput", "acknowledged", "weight"} == set(kept["entries"][1])
    assert Rates() == rates(restored(kept), 0)
    assert "learned" == rates(restored(kept), 1).throughput_from


GOOD: dict[str, object] = {"throughput": 2.0, "acknowledged": 500, "weight": 100.0}


@pytest.mark.parametrize(
    "entry_",
    [
        None,
        7,
        "throughput",
        [2.0, 500, 100.0],
        *[GOOD | {field: bad} for field in GOOD for bad in (None, "2", True, -1.0, 0, nan, inf, -inf, 1e16, [2.0])],
        *[{name: value for name, value in GOOD.items() if name != field} for field in GOOD],
    ],
)
def test_what_makes_no_sense_is_not_restored(entry_: object) -> None:
    after = restored({"entries": [GOOD, entry_]})

    assert "learned" == rates(after, 0).throughput_from
    assert rates(after, 1).throughput is None


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ({}, (15.0, False)),
        ({"startSeconds": "90"}, (15.0, False)),
        ({"startSeconds": 90}, (15.0, False)),
        ({"startSeconds": [None, True, "9", nan, -1.0, inf]}, (15.0, False)),
        ({"startSeconds": [8.0, None]}, (8.0, True)),
        ({"startSeconds": [1e9]}, (600.0, True)),
        ({"startSeconds": [0]}, (0.1, True)),
        ({"startSeconds": [1.0] * 16 + [9.0] * 100}, (1.0, True)),
        ({"startSeconds": [8.0], "firstAcknowledgementSeconds": 2}, (10.0, True)),
        ({"startSeconds": [8.0], "firstAcknowledgementSeconds": "2"}, (8.0, True)),
        ({"startSeconds": [8.0], "firstAcknowledgementSeconds": 1e9}, (600.0, True)),
        ({"firstAcknowledgementSeconds": 2.0, "entries": 5}, (15.0, False)),
    ],
)
def test_starts_that_make_no_sense_are_not_restored(kept: Mapping[str, object], expected: tuple[float, bool]) -> None:
    assert expected == start(restored(kept))


@pytest.mark.parametrize(
    ("entry_", "each"),
    [
        ({"throughput": 1e9, "acknowledged": 500, "weight": 100.0}, 1_000_000.0),
        ({"throughput": 1e-9, "acknowledged": 500, "weight": 100.0}, 1.0 / 86_400.0),
        ({"throughput": 2, "acknowledged": 1e14, "weight": 1e14}, 2.0),
    ],
)
def test_what_is_restored_is_bounded(entry_: object, each: float) -> None:
    assert rates(restored({"entries": [entry_]}), 0).throughput == pytest.approx(each)


def test_no_more_entries_are_restored_than_a_spec_may_have() -> None:
    after = restored({"entries": [GOOD] * 40})

    assert rates(after, 31).throughput == 2.0
    assert Rates() == rates(after, 32)


DOUBTED = {"throughput": 4.0, "acknowledged": 500, "weight": 5.0, "trusted": 3.0, "refuted": 2}


def test_a_restart_keeps_the_estimate_before_a_raise_and_how_often_raising_was_wrong() -> None:
    after = restored({"entries": [DOUBTED, GOOD]})
    first, second = works(after)

    assert (5.0, 1.25, 500, 3.0, 2) == (first.acknowledged, first.seconds, first.total, first.trusted, first.refuted)
    assert (0.0, 0, 0) == (second.trusted, second.refuted, second.raised_at)
    assert {"entries": [DOUBTED, GOOD]} == remembered(after)


@pytest.mark.parametrize(
    ("kept", "trusted", "refuted"),
    [
        ({"trusted": 4.0}, 4.0, 2),
        ({"trusted": 4.1}, 0.0, 2),
        ({"trusted": "3"}, 0.0, 2),
        ({"trusted": -3.0}, 0.0, 2),
        ({"trusted": 1e-9}, 1.0 / 86_400.0, 2),
        ({"refuted": 10}, 3.0, 10),
        ({"refuted": 11}, 3.0, 10),
        ({"refuted": "1"}, 3.0, 0),
        ({"refuted": None}, 3.0, 0),
    ],
)
def test_a_raise_that_makes_no_sense_is_left_out(kept: dict[str, object], trusted: float, refuted: int) -> None:
    (work,) = works(restored({"entries": [DOUBTED | kept]}))

    assert work.trusted == pytest.approx(trusted)
    assert refuted == work.refuted


@pytest.mark.parametrize(("limited", "learned_of"), [(0b00, (8.0, 8.0)), (0b01, (None, 8.0)), (0b10, (8.0, None))])
def test_nothing_is_learned_of_an_entry_that_something_else_limits(
    limited: int, learned_of: tuple[float | None, ...]
) -> None:
    two, undecided = of("receipts", "orders"), Undecided(entries=limited, each=1.0, limited=True)
    capacity, at = EMPTY, 5.0
    while at <= 300.0:
        seen = observed(counters(at), counters(at), at=at, replicas=1)
        capacity = learned(before=capacity, spec=two, observation=seen, now=at, undecided=undecided)
        at += 5.0

    each = [rates(capacity, index).throughput for index in range(2)]
    assert [None if one is None else round(one, 3) for one in each] == list(learned_of)
