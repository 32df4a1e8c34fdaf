"""What is learned takes the way from counters to the answer: each figure is handed on, and no other in its place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qc_operator.scaling.arrivals import Interval, Smoothed, borne_out, smoothed
from qc_operator.scaling.capacity import learned, rates, works
from qc_operator.scaling.capacity_kept import restored
from qc_operator.scaling.counted import Counted
from qc_operator.scaling.full_work import FullWork
from qc_operator.scaling.guards_kept import restored as guards_restored
from qc_operator.scaling.observation import Counters, Depth, EntryObservation, Observation, QueueObservation, Totals
from qc_operator.scaling.tally import EntryTally
from qc_operator.scaling.throughput import Work, only_bounded
from qc_operator.scaling.utilisation import doubted
from tests.guarded_target import Line, Target, spec_of
from tests.unit.operator.conftest import spec

WAITING = spec(queues=[{"name": "receipts", "wait": {"objectiveSeconds": 60}}], maxReplicas=50)


def reading(at: float, published: float) -> Counted:
    return Counted(at, published, 0.0, 0.0, 0.0, 0.0, 0, 0)


@pytest.mark.parametrize("counts", [(0, 50, 60, 110), (0, 10, 60, 110), (0, 50, 100, 110)])
def test_what_arrived_for_three_readings_on_end_is_the_least_of_them(counts: tuple[int, ...]) -> None:
    flow = Smoothed()
    for index, published in enumerate(counts):
        flow, _ = smoothed(before=flow, now=reading(5.0 * index, float(published)), tau=20.0)

    assert 2.0 == flow.recent


def observed(at: float, *, count: int, ready: int, held: int, replicas: int = 10) -> Observation:
    queue = QueueObservation(
        name="receipts",
        vhost="shop",
        depth=Depth(ready=ready, consumers=replicas, at=at),
        totals=Totals(ready=ready, unacknowledged=held, at=at, answered_at=at),
        counters=Counters(published=count, acknowledged=count, delivered=count, at=at),
    )
    entry = EntryObservation(name="receipts", vhost="shop", queues=(queue,))
    return Observation(entries=(entry,), current=replicas, running=replicas)


def looked(*, until: float, then: Observation | None = None) -> Work:
    """Nine messages a second by ten replicas that are believed to do one each, and are never all seen at work."""
    capacity = restored({"entries": [{"throughput": 1.0, "acknowledged": 1000, "weight": 200.0}]})
    at = 5.0
    while at <= until:
        seen = observed(at, count=round(9 * at), ready=0, held=9)
        capacity = learned(before=capacity, spec=WAITING, observation=seen, now=at)
        at += 5.0
    if then is not None:
        capacity = learned(before=capacity, spec=WAITING, observation=then, now=at)
    assert rates(capacity, 0).throughput is not None
    return works(capacity)[0]


def test_a_raise_and_the_backlog_that_ends_it_come_from_the_counters() -> None:
    # Starting replicas count from second 20 on; 15 looks are needed.
    assert 0.0 == looked(until=95.0).trusted
    raised = looked(until=100.0)
    assert (1.0, 10) == (raised.trusted, raised.raised_at)
    assert raised.acknowledged / raised.seconds == pytest.approx(10 / 9, rel=1e-6)

    more = observed(105.0, count=945, ready=3, held=13, replicas=11)
    ended = looked(until=100.0, then=more)
    assert (0.0, 1) == (ended.trusted, ended.refuted)
    assert ended.acknowledged / ended.seconds == pytest.approx(1.0, rel=1e-6)
    # Not where nobody asked for more of them.
    waited = looked(until=100.0, then=observed(105.0, count=945, ready=3, held=13))
    assert (1.0, 0, 1) == (waited.trusted, waited.refuted, waited.tried)


def test_full_work_ends_a_raise_by_what_was_learned_before_it() -> None:
    capacity = restored(
        {"entries": [{"throughput": 2.0, "acknowledged": 1000, "weight": 5.0, "trusted": 1.0, "refuted": 1}]}
    )
    for at in (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0):
        seen = observed(at, count=round(10 * at), ready=100_000, held=10)
        capacity = learned(before=capacity, spec=WAITING, observation=seen, now=at)

    (work,) = works(capacity)
    assert (0.0, 2) == (work.trusted, work.refuted)


def test_what_has_lasted_is_told_as_the_rate_that_it_may_come_from() -> None:
    capacity = restored({})
    for at in (5.0, 10.0, 15.0, 20.0, 25.0):
        seen = observed(at, count=round(10 * at), ready=0, held=9)
        capacity = learned(before=capacity, spec=WAITING, observation=seen, now=at)

    assert rates(capacity, 0).recent == pytest.approx(borne_out(10.0))
    assert borne_out(10.0) == pytest.approx((51 + 2 * 51**0.5) / 5)


def test_consumers_of_all_entries_with_messages_are_added_up() -> None:
    tally = EntryTally(at=1.0, acknowledged=5, delivered=5, ready=7, consumers=3, unacknowledged=1, messages=8)
    more = EntryTally(at=1.0, acknowledged=6, delivered=5, ready=8, consumers=4, unacknowledged=1, messages=8)
    sums = FullWork(at=1.0, tallies=(tally, more), saturated=3, current=2, pods=2).sums(3)

    assert (15, 11, 0, 7) == (sums.ready, sums.acknowledged, sums.elsewhere, sums.consumers)


def test_of_three_entries_the_second_may_be_stuck_and_the_third_limited() -> None:
    limit = {"low": 8, "high": 16, "enough": 9, "before": 40.0, "after": 40.0, "variance": 1.0, "times": 1}
    kept = {"stuckSeconds": [None, 60.0, None], "downstream": limit | {"entries": 0b100, "blocked": True}}
    memory = guards_restored(kept, entries=3, now=70.0)

    assert (0b010, 0b100) == (memory.stuck, memory.limited)
    assert (0b100, 5.0, True) == (memory.undecided.entries, memory.undecided.each, memory.undecided.limited)
    too_many = guards_restored(kept | {"downstream": limit | {"entries": 0b1000}}, entries=3, now=70.0)
    assert 0 == too_many.limited


def test_a_limit_that_is_gone_goes_on_letting_replicas_double_after_a_restart() -> None:
    limit = {"entries": 1, "low": 8, "high": 16, "enough": 9, "before": 40.0, "after": 80.0, "variance": 1.0}
    memory = guards_restored({"downstream": limit | {"times": 0, "blocked": True}}, entries=1, now=70.0)

    assert memory.seen.limit is not None
    assert (1, 0, 70.0) == (memory.limited, memory.seen.limit.times, memory.seen.limit.until)
    assert 0 == memory.undecided.entries


def test_one_busy_entry_after_another_is_told_apart() -> None:
    target = Target(lines=[Line(ready=0.0), Line(ready=1e9, acks=40.0)], spec=spec_of({}, {}))
    target.scale(8)
    target.lines[1].consumers = 8
    target.run(300)
    target.scale(16)
    target.lines[1].consumers = 16

    assert target.until("DownstreamLimited", within=600, index=1) == 75.0
    assert 0b10 == target.memory.limited == target.memory.undecided.entries


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (Work(total=19), True),
        (Work(total=20), False),
        (Work(prior=0.5), False),
        (Work(prior=1.0), False),
    ],
)
def test_from_twenty_acknowledgements_on_more_than_a_bound_is_known(work: Work, *, expected: bool) -> None:
    assert expected is only_bounded(work)


def test_a_load_is_deliveries_by_what_a_replica_manages() -> None:
    """18 a second at 2/s each are 9 replicas' worth, so that 0.66873 of the looks were to find all ten at work."""
    believed = Work(acknowledged=200.0, seconds=100.0, total=1000)
    seen = Interval(0.0, 0.25, 4.5, 4.5, 0.0, 0.0, 18.0, 9.0)
    work = doubted(before=believed, after=believed, interval=seen, replicas=10, settled=True, asked=False)

    # A look counts for half, a service time being half a second.
    assert work.unseen == pytest.approx(0.5 * 0.66873, abs=1e-5)


@pytest.mark.parametrize("awaited", [0, 1])
def test_queues_that_are_awaited_leave_nobody_in_doubt(awaited: int) -> None:
    capacity = restored({"entries": [{"throughput": 1.0, "acknowledged": 1000, "weight": 200.0}]})
    for at in [5.0 * count for count in range(1, 25)]:
        seen = observed(at, count=round(9 * at), ready=0, held=9)
        entries = tuple(replace(entry, awaited=awaited, pattern=True) for entry in seen.entries)
        capacity = learned(before=capacity, spec=WAITING, observation=replace(seen, entries=entries), now=at)

    assert (1.0 if not awaited else 0.0) == works(capacity)[0].trusted
