"""A throughput that is believed too low comes right by itself, in a closed loop with all of `decide()`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.operator.decided_queue import DecidedQueue
from tests.unit.operator.queue_model import Queue, Service, exponential, lognormal

DRAIN: dict[str, Any] = {"drain": {"withinSeconds": 120}}
SHORT: dict[str, Any] = {"wait": {"objectiveSeconds": 20}}
"""So little may stand that the answer is Erlang's."""
LONG: dict[str, Any] = {"wait": {"objectiveSeconds": 120}}


@pytest.mark.parametrize(
    ("target", "service", "right"),
    [
        pytest.param(DRAIN, exponential(0.2), 3, id="drain"),
        pytest.param(DRAIN, lognormal(0.2, cv=0.1), 3, id="drain, regular"),
        pytest.param(SHORT, exponential(0.2), 3, id="wait, hardly anything may stand"),
        pytest.param(LONG, exponential(0.2), 3, id="wait"),
    ],
)
def test_a_time_per_message_that_is_ten_times_too_long_is_found_out(
    target: dict[str, Any], service: Service, right: int
) -> None:
    """10.5 messages/s of 0.2 s each take 2.1 replicas, with a tenth to spare three; at 2 s each it would be 24."""
    loop = DecidedQueue(
        Queue(arrivals=10.5, service=service, replicas=24, seed=1), entry=target | {"secondsPerMessage": "2"}
    )

    loop.run(600)
    soon = loop.current
    loop.run(2 * 3600)
    settled = loop.changes
    loop.run(2 * 3600)

    # One at a time: a tenth in each window of a minute or two.
    assert 12 <= soon <= 24
    assert right <= loop.current <= right + 1
    # Little moves from then on, and nothing for the sake of trying.
    assert loop.changes - settled <= 4


def test_replicas_that_an_incident_has_left_behind_go() -> None:
    """A database at a tenth of its speed has made its consumers look slow; 31 replicas, with a tenth to spare 34."""
    loop = DecidedQueue(Queue(arrivals=10.3, service=exponential(3.0), replicas=80, seed=2), entry=DRAIN, learned=0.14)

    loop.run(3 * 3600)

    assert 31 <= loop.current <= 40
    assert loop.each == pytest.approx(1 / 3, rel=0.2)


@pytest.mark.parametrize("target", [DRAIN, LONG], ids=["drain", "wait"])
def test_a_throughput_that_is_right_is_left_alone(target: dict[str, Any]) -> None:
    loop = DecidedQueue(Queue(arrivals=10.5, service=exponential(0.2), replicas=3, seed=3), entry=target, learned=5.0)

    loop.run(6 * 3600)

    assert {3} == set(loop.replicas)
    assert loop.each == pytest.approx(5.0, rel=0.05)


def test_more_replicas_than_the_queue_asks_for_raise_nothing() -> None:
    queue = Queue(arrivals=1.0, service=exponential(0.2), replicas=3, seed=4)
    loop = DecidedQueue(queue, entry=DRAIN | {"lag": {"scaleUpAbove": 1000}}, learned=5.0)

    loop.run(3600)

    assert 1 == loop.current
    assert loop.each == pytest.approx(5.0, rel=1e-6)


def test_a_burst_is_worked_off_by_the_replicas_of_its_backlog() -> None:
    """1,500 messages at once, 0.2 s each, are 300 s of work, so that some six do it in the minute there is."""
    queue = Queue(arrivals=0.0, service=exponential(0.2), replicas=1, seed=5)
    loop = DecidedQueue(queue, entry={"drain": {"withinSeconds": 60}}, learned=5.0)
    loop.run(118)
    queue.publish(1500)
    loop.run(60)

    assert 6 <= max(loop.replicas) <= 9
    assert 0 == queue.ready
