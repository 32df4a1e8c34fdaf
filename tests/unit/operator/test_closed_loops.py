"""What `wait` and `drain` promise, kept in a model where pods take 40 s to start and counters are read every 5 s.

Runs of an hour. In `step` arrivals jump from 2 to 10 a second and later fall to 3; in `flash` a crowd brings them to
20 within a minute and loses interest in ten; in `burst` 3,000 messages come at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from qc_operator.resource import Queue
from qc_operator.scaling.drain import drain
from qc_operator.scaling.wait import wait
from qc_operator.spec_targets import Drain, Wait
from tests.unit.operator.target_loop import Loop, Outcome

RUN = 3600.0


def step(now: float) -> float:
    return 2.0 if now < 600 else 10.0 if now < 2400 else 3.0


def flash(now: float) -> float:
    return 2.0 + (0.0 if now < 600 else 18.0 * min(1.0, (now - 600) / 60) * math.exp(-max(0.0, now - 660) / 600))


def burst(now: float) -> float:  # noqa: ARG001 - as the others
    return 2.0


LOADS: dict[Callable[[float], float], float] = {step: 10.0, flash: 20.0, burst: 2.0}


def waited(
    rate: Callable[[float], float], *, objective: int, service: float, seed: int = 1, believed: float = 1.0
) -> Outcome:
    loop = Loop(
        source=Queue(name="receipts", wait=Wait(objective_seconds=objective)),
        ask=wait,
        rate=rate,
        most_per_second=LOADS[rate],
        service=service,
        seed=seed,
        replicas=math.ceil(rate(0.0) * service * 1.3),
        tau=min(max(objective / 4, 20.0), 120.0),
        believed=believed,
    )
    return loop.run(RUN)


def drained(rate: Callable[[float], float], *, within: int, seed: int = 1) -> Outcome:
    loop = Loop(
        source=Queue(name="receipts", drain=Drain(within_seconds=within)),
        ask=drain,
        rate=rate,
        most_per_second=LOADS[rate],
        service=1.0,
        seed=seed,
        replicas=math.ceil(rate(0.0) * 1.3),
        tau=min(max(within / 4, 20.0), 120.0),
        at_once=(600.0, 3000) if rate is burst else None,
    )
    return loop.run(RUN)


def least_pod_seconds(rate: Callable[[float], float], *, service: float) -> float:
    return sum(rate(float(second)) for second in range(int(RUN))) * service


@pytest.mark.parametrize("rate", [step, flash])
@pytest.mark.parametrize("objective", [60, 120, 600])
@pytest.mark.parametrize("service", [1.0, 6.0])
def test_99_percent_of_the_messages_wait_no_longer_than_the_objective(
    rate: Callable[[float], float], objective: int, service: float
) -> None:
    outcome = waited(rate, objective=objective, service=service)

    assert outcome.late(objective) <= 0.01
    assert outcome.pod_seconds <= 1.8 * least_pod_seconds(rate, service=service)


@pytest.mark.parametrize("rate", [step, flash])
@pytest.mark.parametrize("objective", [60, 120])
@pytest.mark.parametrize("believed", [0.7, 1.3])
def test_it_does_so_with_a_throughput_that_is_wrong_by_a_third(
    rate: Callable[[float], float], objective: int, believed: float
) -> None:
    assert waited(rate, objective=objective, service=6.0, believed=believed).late(objective) <= 0.01


def test_replicas_do_not_go_to_and_fro() -> None:
    """Up to the jump, down after the fall, and little else."""
    assert waited(step, objective=120, service=6.0).reversals <= 4
    assert waited(step, objective=600, service=6.0).reversals <= 2
    assert drained(step, within=600).reversals <= 4


@pytest.mark.parametrize("rate", [step, flash, burst])
@pytest.mark.parametrize("within", [60, 120, 600, 1800])
def test_what_is_in_the_queue_is_gone_within_the_seconds(rate: Callable[[float], float], within: int) -> None:
    assert drained(rate, within=within).late(within) == 0.0


def test_3000_messages_at_once_take_the_replicas_of_their_backlog() -> None:
    """Two keep up, 3000 in the 1758 s that are left take 1.7 more; the rate that the burst leaves behind adds a few."""
    assert max(drained(burst, within=1800).replicas) <= 8
    assert max(drained(burst, within=600).replicas) <= 13
