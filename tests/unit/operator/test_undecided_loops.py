"""In closed loops with `decide()`: what is learned while it is not decided whether more replicas brought anything."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.operator.conftest import spec
from tests.unit.operator.limited_loop import LimitedLoop

WAIT: dict[str, Any] = {"wait": {"objectiveSeconds": 60}}
DRAIN: dict[str, Any] = {"drain": {"withinSeconds": 120}}
SAID: dict[str, Any] = {"secondsPerMessage": "0.2"}


@pytest.mark.parametrize(
    ("target", "database", "most"),
    [
        (WAIT, 5.0, 30),
        (WAIT | SAID, 5.0, 30),
        (DRAIN, 5.0, 20),
        (DRAIN | SAID, 5.0, 20),
        (DRAIN, 2.0, 35),
        (DRAIN | SAID, 2.0, 35),
    ],
)
def test_a_database_that_is_slow_for_ten_minutes(target: dict[str, Any], database: float, most: int) -> None:
    """10 messages/s, 5/s by a replica: three will do. Slow, the database does 5/s or 2/s in all, from minute 30 to 40.

    Some 3,000 or 4,800 messages wait by then. Once it is over hardly more replicas are needed to be done with them, and
    ten minutes later there are no more than twice as many as before.
    """
    for seed in (1, 2, 3):
        loop = LimitedLoop(
            spec=spec(queues=[{"name": "receipts", **target}], minReplicas=1, maxReplicas=100),
            arrivals=lambda _: 10.0,
            each=5.0,
            database=lambda now: database if 1800 <= now < 2400 else 1e9,
            replicas=3,
            seed=seed,
        )
        loop.run(2400)
        held = loop.replicas_asked
        assert most >= max(after for at, _, after in loop.steps if at > 1800)

        loop.run(600)
        assert max(held, 15) >= max(after for at, _, after in loop.steps if at > 2400)
        assert loop.replicas_asked <= 6


@pytest.mark.parametrize("target", [WAIT, WAIT | SAID])
def test_what_was_learned_of_a_slow_database_asks_for_no_step_when_it_is_over(target: dict[str, Any]) -> None:
    for seed in (1, 2, 3):
        loop = LimitedLoop(
            spec=spec(queues=[{"name": "receipts", **target}], minReplicas=1, maxReplicas=100),
            arrivals=lambda _: 10.0,
            each=5.0,
            database=lambda now: 2.0 if 1800 <= now < 2400 else 1e9,
            replicas=3,
            seed=seed,
        )
        loop.run(2400)
        loop.steps.clear()
        loop.run(300)

        assert [] == [step for step in loop.steps if step[2] > step[1]]


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_messages_that_have_become_heavier_are_learned_within_three_minutes(seed: int) -> None:
    """5/s by a replica become 1.25/s: eight are needed instead of two."""
    loop = LimitedLoop(
        spec=spec(queues=[{"name": "receipts", **DRAIN}], minReplicas=1, maxReplicas=100),
        arrivals=lambda _: 10.0,
        each=5.0,
        replicas=3,
        seed=seed,
    )
    loop.run(1800)
    loop.each = 1.25
    loop.run(180)

    assert loop.memory.rates[0].throughput == pytest.approx(1.25, rel=0.3)
    assert 8 <= loop.replicas_asked <= 14
    assert [] == loop.found_at


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_messages_that_become_heavier_while_replicas_are_added_are_no_limit(factor: int) -> None:
    """Throughput falls, more replicas come within the minute, and what they are compared with is what followed it."""
    for seed in (1, 2, 6):
        loop = LimitedLoop(
            spec=spec(queues=[{"name": "receipts", "wait": {"objectiveSeconds": 120}}], minReplicas=1, maxReplicas=100),
            arrivals=lambda _: 10.0,
            each=5.0,
            replicas=3,
            seed=seed,
        )
        loop.run(1800)
        loop.each = 5.0 / factor
        loop.run(600)

        assert [] == loop.found_at
        assert loop.replicas_asked >= 2 * factor
