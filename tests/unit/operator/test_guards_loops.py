"""DownstreamLimited in closed loops with `decide()`: how soon it is found, how it goes on, and where it never comes."""

from __future__ import annotations

from statistics import median
from typing import Any

import pytest

from tests.unit.operator.conftest import spec
from tests.unit.operator.limited_loop import LimitedLoop

RATE = {"publishRate": {"perReplica": "100000"}}
"""Asks for nothing, but has the counters read."""


def found(
    count: int, *, within: float, target: dict[str, Any], most: int = 200, **loop: Any
) -> list[tuple[float, int]]:
    """For so many seeds, the second in which the limit was found and how many replicas there were."""
    seen = []
    for seed in range(count):
        run = LimitedLoop(
            spec=spec(queues=[{"name": "receipts", **target}], maxReplicas=most), seed=seed, **({"each": 5.0} | loop)
        )
        while run.now < within and not run.found_at:
            run.run(5)
        seen.append((run.found_at[0] if run.found_at else within + 1, run.steps[-1][2]))
    return sorted(seen)


def twice(now: float) -> float:  # noqa: ARG001 - as the others
    return 40.0


def half(now: float) -> float:  # noqa: ARG001 - as the others
    return 20.0


def test_from_zero_with_40_a_second_where_the_database_does_20() -> None:
    """No policies. Four replicas reach the limit after some 25 s; without a verdict there would be 200 of them."""
    seen = found(12, within=600, target={"lag": {"scaleUpAbove": 100}} | RATE, arrivals=twice, database=half)

    assert median(at for at, _ in seen) <= 180
    assert median(replicas for _, replicas in seen) <= 40
    assert seen[-1][0] <= 360


def test_with_pods_that_take_40_s_to_start() -> None:
    seen = found(8, within=600, target={"lag": {"scaleUpAbove": 100}} | RATE, arrivals=twice, database=half, starts=40)

    assert median(at for at, _ in seen) <= 240
    assert seen[-1][0] <= 400


@pytest.mark.parametrize("target", [{"drain": {"withinSeconds": 60}}, {"wait": {"objectiveSeconds": 300}}])
def test_with_the_other_targets(target: dict[str, Any]) -> None:
    seen = found(6, within=600, target=target, arrivals=twice, database=half)

    assert median(at for at, _ in seen) <= 240
    assert median(replicas for _, replicas in seen) <= 120
    assert seen[-1][0] <= 450


def test_after_minutes_of_full_work_it_takes_a_minute_and_a_half() -> None:
    """300 s at the limit with 4 replicas, then twice as much arrives and step follows step."""
    seen = found(
        12,
        within=900,
        target={"lag": {"scaleUpAbove": 100}} | RATE,
        arrivals=lambda now: 20.0 if now < 300 else 40.0,
        database=half,
        replicas=4,
        waiting=390.0,
    )

    assert median(at for at, _ in seen) <= 300 + 150
    assert seen[-1][0] <= 300 + 300


def test_two_bursts_from_zero_within_two_minutes() -> None:
    """600 messages and 85 s later 1,500 more, 5/s in all whatever the replicas, at most 12 of them."""
    seen = found(
        8,
        within=400,
        target={"drain": {"withinSeconds": 60}},
        most=12,
        arrivals=lambda now: {2.0: 600.0, 85.0: 1500.0}.get(now, 0.0),
        database=lambda _: 5.0,
        starts=2,
    )

    assert seen[-1][0] <= 160


def test_slow_messages_take_a_quarter_of_an_hour() -> None:
    """Half a message a second: 20 acknowledgements take 40 s, and their noise is as large as what is looked for."""
    seen = found(
        6,
        within=2400,
        target={"lag": {"scaleUpAbove": 30}} | RATE,
        arrivals=lambda _: 1.0,
        database=lambda _: 0.5,
        each=0.125,
    )

    assert median(at for at, _ in seen) <= 1200
    assert median(replicas for _, replicas in seen) <= 25


def test_what_was_found_stays_and_no_block_ends_in_a_jump() -> None:
    run = LimitedLoop(
        spec=spec(queues=[{"name": "receipts", "lag": {"scaleUpAbove": 100}} | RATE], maxReplicas=200),
        arrivals=lambda now: 420.0 if now == 300 else 20.0 if now < 500 else 40.0,
        each=5.0,
        database=half,
        replicas=4,
        waiting=390.0,
    )
    run.run(7200)
    limit = run.memory.guards.seen.limit

    assert limit is not None
    assert limit.enough <= 7
    # A backlog of 130,000 messages asks for 200, which the steps after the verdict do not come near to.
    assert run.backlog > 100_000
    assert max(after for _, _, after in run.steps) <= 18
    assert run.decision is not None
    assert run.decision.guard is not None
    assert "DownstreamLimited" == run.decision.guard.reason


def test_when_the_database_is_given_more_capacity_replicas_go_up_again() -> None:
    run = LimitedLoop(
        spec=spec(queues=[{"name": "receipts", "lag": {"scaleUpAbove": 100}} | RATE], maxReplicas=200),
        arrivals=lambda now: 420.0 if now == 300 else 20.0 if now < 500 else 40.0,
        each=5.0,
        database=lambda now: 20.0 if now < 3600 else 200.0,
        replicas=4,
        waiting=390.0,
    )
    run.run(3600)
    held = run.replicas_asked
    assert held <= 16
    # It is seen within a minute, what each replica manages is measured, and they double every half minute.
    run.run(180)

    assert run.memory.guards.seen.limit is None
    assert run.replicas_asked > 2 * held
