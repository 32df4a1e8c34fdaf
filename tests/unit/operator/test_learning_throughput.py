"""What is learned of a simulated queue (M/G/c), against what is true of it."""

from __future__ import annotations

from math import ceil, sqrt
from statistics import mean

import pytest

from tests.unit.operator.queue_model import Queue, Service, Watched, exponential, lognormal


@pytest.mark.parametrize("late", [0.0, 5.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("service", "seconds", "cv", "replicas"),
    [
        pytest.param(exponential(0.05), 0.05, 1.0, 3, id="fast"),
        pytest.param(exponential(6.0), 6.0, 1.0, 5, id="slow"),
        pytest.param(exponential(30.0), 30.0, 1.0, 4, id="very slow"),
        pytest.param(lognormal(0.5, cv=0.3), 0.5, 0.3, 1, id="regular"),
        pytest.param(lognormal(1.0, cv=3.0), 1.0, 3.0, 20, id="heavy tail"),
    ],
)
def test_throughput_is_learned_while_there_is_a_backlog(
    *, service: Service, seconds: float, cv: float, replicas: int, seed: int, late: float
) -> None:
    queue = Queue(arrivals=0.9 * replicas / seconds, service=service, replicas=replicas, seed=seed)
    queue.publish(ceil(replicas / seconds * 900) + 50)
    watched = Watched(queue, late=late)

    watched.run(1800)

    # It rests on 200 acknowledgements at least: three standard errors of their mean.
    assert watched.each * seconds == pytest.approx(1.0, abs=3.0 * cv / sqrt(200.0) + 0.01)
    assert "learned" == watched.rates.throughput_from


@pytest.mark.parametrize("late", [0.0, 5.0])
@pytest.mark.parametrize(
    ("load", "seconds", "replicas", "hours"), [(0.7, 6.0, 5, 4), (0.9, 6.0, 5, 4), (0.7, 0.5, 1, 2), (0.9, 0.5, 3, 1)]
)
def test_a_queue_that_is_served_well_never_makes_its_consumers_look_slow(
    *, load: float, seconds: float, replicas: int, hours: int, late: float
) -> None:
    found: list[float] = []
    for seed in range(1, 7):
        queue = Queue(arrivals=load * replicas / seconds, service=exponential(seconds), replicas=replicas, seed=seed)
        watched = Watched(queue, late=late, secondsPerMessage=f"{seconds}")
        watched.run(hours * 3600)
        found += [rates.throughput * seconds for rates in watched.history if rates.throughput is not None]

    # Whoever took every interval with messages at both ends for full work would come to little more than the load.
    assert mean(found) == pytest.approx(1.0, abs=0.06)
    # After some 40 acknowledgements, 20 of which are the spec's word: two standard errors.
    assert min(found) > 0.7


@pytest.mark.parametrize("slower", [2.0, 0.5])
def test_consumers_that_change_their_speed_are_known_as_such_within_two_time_constants(slower: float) -> None:
    queue = Queue(arrivals=0.0, service=exponential(0.5), replicas=4, seed=3)
    queue.publish(100_000)
    watched = Watched(queue)
    watched.run(1200)
    assert watched.each == pytest.approx(2.0, rel=0.1)

    queue.service = exponential(0.5 * slower)
    watched.run(600)

    assert watched.each == pytest.approx(2.0 / slower, rel=0.2)


def test_more_replicas_than_needed_do_not_call_for_more_still() -> None:
    # The spec says 2 s where it is 1 s, so that there are twice as many replicas as needed.
    queue = Queue(arrivals=10.0, service=exponential(1.0), replicas=24, seed=5)
    watched = Watched(queue, secondsPerMessage=2)
    asked = []
    for _ in range(120):
        watched.run(60)
        assert watched.rates.arrivals is not None
        asked.append(ceil(1.2 * watched.rates.arrivals / watched.each))
        queue.change(replicas=asked[-1])

    # 24, and on average a half more by rounding up.
    assert max(asked) <= 36
    assert mean(asked[-60:]) <= 25.0


@pytest.mark.parametrize(
    ("arrivals", "replicas", "told"), [(10.0, 6, "0.5"), (5.0, 1, "0.033")], ids=["half", "a thirtieth"]
)
def test_a_spec_that_promises_too_much_is_found_out(arrivals: float, replicas: int, told: str) -> None:
    # It is 1 s. A backlog builds up, and shows what is true.
    queue = Queue(arrivals=arrivals, service=exponential(1.0), replicas=replicas, seed=5)
    watched = Watched(queue, secondsPerMessage=told)

    watched.run(900)

    assert watched.each == pytest.approx(1.0, rel=0.15)
    assert "learned" == watched.rates.throughput_from


@pytest.mark.parametrize("late", [0.0, 5.0])
@pytest.mark.parametrize(("arrivals", "replicas"), [(0.2, 3), (10.0, 15), (100.0, 150)])
def test_the_arrival_rate_is_right_on_average(arrivals: float, replicas: int, late: float) -> None:
    queue = Queue(arrivals=arrivals, service=exponential(1.0), replicas=replicas, seed=11)
    watched = Watched(queue, late=late)

    watched.run(1800)

    found = [rates.arrivals for rates in watched.history if rates.arrivals is not None]
    # Their sum is Poisson: three standard deviations of it.
    assert mean(found) == pytest.approx(arrivals, rel=3.0 / sqrt(arrivals * 1800.0) + 0.005)


def test_a_change_of_the_arrival_rate_is_followed_with_the_time_constant() -> None:
    queue = Queue(arrivals=100.0, service=exponential(0.01), replicas=50, seed=2)
    watched = Watched(queue)
    watched.run(300)

    queue.change(arrivals=300.0)
    watched.run(20)
    soon = watched.rates.arrivals
    watched.run(80)

    assert soon == pytest.approx(300.0 - 200.0 / 2.718, rel=0.05)
    assert watched.rates.arrivals == pytest.approx(300.0, rel=0.05)
