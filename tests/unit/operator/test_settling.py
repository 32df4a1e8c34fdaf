"""Which replicas work, and since when their number is the same."""

from __future__ import annotations

from math import inf

import pytest

from qc_operator.scaling.observation import Observation
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.settling import Fleet, effective, settled, tracked
from qc_operator.scaling.startup import StartUp

SLOW = StartUp(to_ready=10.0, to_acknowledgement=4.0)
"""A pod takes 14 s to start working, 4 of them after it is ready."""


def replicas(
    current: int,
    running: int | None = None,
    *,
    ready: int | None = None,
    starting: tuple[float, ...] = (),
    unschedulable: int = 0,
) -> Observation:
    pods = None if ready is None else Pods(ready=ready, starting=starting, unschedulable=unschedulable, at=0.0)
    return Observation(entries=(), current=current, running=current if running is None else running, pods=pods)


def story(*observed: tuple[float, Observation]) -> Fleet:
    fleet = Fleet()
    for now, observation in observed:
        fleet = tracked(before=fleet, observation=observation, start_up=SLOW, now=now)
    return fleet


def test_nothing_is_settled_before_the_first_observation() -> None:
    assert not settled(Fleet(), since=1e9)


def test_nothing_new_is_the_very_same() -> None:
    for observation in (replicas(3), replicas(3, ready=3), replicas(3, ready=2, starting=(100.0,))):
        fleet = story((100.0, observation))

        assert tracked(before=fleet, observation=observation, start_up=SLOW, now=110.0) is fleet


@pytest.mark.parametrize(("since", "expected"), [(123.9, False), (124.0 - 5.0, False), (124.0, True)])
def test_counters_tell_of_the_replicas_five_seconds_late(since: float, *, expected: bool) -> None:
    fleet = Fleet(current=3, working=3, moving=False, settled_at=119.0)

    assert expected == settled(fleet, since=since)


def test_replicas_that_exist_may_have_to_start() -> None:
    assert 114.0 == story((100.0, replicas(3))).settled_at
    assert 214.0 == story((100.0, replicas(3)), (200.0, replicas(5))).settled_at


def test_replicas_that_are_ready_may_need_a_moment_to_begin() -> None:
    assert 104.0 == story((100.0, replicas(3, ready=3))).settled_at
    assert (
        100.0
        == tracked(
            before=Fleet(), observation=replicas(3, ready=3), start_up=StartUp(to_ready=9.0), now=100.0
        ).settled_at
    )


def test_replicas_that_go_may_work_for_half_a_minute() -> None:
    fleet = story((100.0, replicas(5, ready=5)), (200.0, replicas(3, ready=5)), (201.0, replicas(3, ready=3)))

    assert (231.0, False, 3) == (fleet.settled_at, fleet.moving, fleet.working)


def test_those_that_go_are_not_forgotten_for_others_that_come() -> None:
    fleet = story(
        (100.0, replicas(5, ready=5)),
        (200.0, replicas(5, ready=4, starting=(199.0,))),
        (202.0, replicas(5, ready=5)),
    )

    assert (230.0, False) == (fleet.settled_at, fleet.moving)


def test_when_the_last_one_that_started_is_given_up_the_others_are_settled() -> None:
    stuck = replicas(3, ready=2, starting=(100.0,))
    fleet = story((100.0, stuck), (142.0, stuck))
    assert fleet.moving
    fleet = tracked(before=fleet, observation=stuck, start_up=SLOW, now=142.1)

    assert (142.1, False, 2) == (fleet.settled_at, fleet.moving, fleet.working)


@pytest.mark.parametrize(
    ("observation", "moving"),
    [
        pytest.param(replicas(3, ready=3), False, id="all ready"),
        pytest.param(replicas(3, ready=4), True, id="one will go"),
        pytest.param(replicas(3, ready=2), True, id="one will be created"),
        pytest.param(replicas(3, ready=2, unschedulable=1), False, id="one has no node"),
        pytest.param(replicas(3, ready=1, unschedulable=1), True, id="one has no node and another will be created"),
        pytest.param(replicas(3, ready=2, starting=(100.0,)), True, id="one is starting"),
        pytest.param(replicas(3, ready=1, starting=(1.0, 100.0)), True, id="one of two is starting"),
        pytest.param(replicas(3, ready=2, starting=(1.0,)), False, id="nothing will come of it"),
        pytest.param(replicas(3, 3), False, id="all exist"),
        pytest.param(replicas(3, 2), True, id="one does not exist"),
        pytest.param(replicas(3, 4), True, id="one exists still"),
    ],
)
def test_what_counts_as_moving(observation: Observation, *, moving: bool) -> None:
    assert moving == story((101.0, observation)).moving


def test_moving_replicas_are_not_settled() -> None:
    assert not settled(Fleet(current=3, working=3, moving=True, settled_at=0.0), since=1e9)


def test_when_more_were_asked_for() -> None:
    fleet = story((100.0, replicas(3)), (200.0, replicas(5, 3)), (210.0, replicas(5)), (300.0, replicas(4)))

    assert 200.0 == fleet.asked_at
    assert -inf == story().asked_at


@pytest.mark.parametrize(
    ("observation", "now", "expected"),
    [
        pytest.param(replicas(5, ready=5), 100.0, 5.0, id="all ready"),
        pytest.param(replicas(5, ready=3, starting=(90.0, 95.0)), 100.0, 4.0, id="starting ones count half"),
        pytest.param(replicas(5, ready=3, starting=(58.0, 95.0)), 100.0, 4.0, id="for three start-up times"),
        pytest.param(replicas(5, ready=3, starting=(57.9, 95.0)), 100.0, 3.5, id="and no longer"),
        pytest.param(replicas(5, ready=3), 132.0, 4.0, id="those to be created count half"),
        pytest.param(replicas(5, ready=3), 132.1, 3.0, id="for three start-up times after they were asked for"),
        pytest.param(replicas(5, ready=3, unschedulable=1), 100.0, 3.5, id="not those without a node"),
        pytest.param(replicas(5, ready=3, starting=(95.0,), unschedulable=1), 100.0, 3.5, id="each counts once"),
        pytest.param(replicas(5, ready=7), 100.0, 5.0, id="those that are about to go do not"),
        pytest.param(replicas(5, 5), 100.0, 5.0, id="pods not known"),
        pytest.param(replicas(5, 3), 132.0, 4.0, id="pods not known, some missing"),
        pytest.param(replicas(5, 3), 132.1, 3.0, id="pods not known, missing for long"),
        pytest.param(replicas(5, 7), 100.0, 5.0, id="pods not known, some about to go"),
        pytest.param(replicas(0, 0), 100.0, 0.0, id="none"),
        # Two are ready, one starts, one started too long ago, one has no node, and three are still to be created.
        pytest.param(replicas(8, ready=2, starting=(50.0, 95.0), unschedulable=1), 100.0, 4.0, id="of each kind some"),
        pytest.param(
            replicas(8, ready=2, starting=(50.0, 131.0), unschedulable=1), 132.1, 2.5, id="and a little later"
        ),
        pytest.param(replicas(4, ready=3, starting=(95.0,), unschedulable=2), 100.0, 3.5, id="more than asked for"),
        pytest.param(replicas(3, ready=3, starting=(95.0,)), 100.0, 3.0, id="as while pods are replaced"),
    ],
)
def test_replicas_that_work(observation: Observation, now: float, expected: float) -> None:
    fleet = Fleet(current=5, working=3, asked_at=90.0)

    assert expected == effective(fleet=fleet, observation=observation, start_seconds=14.0, now=now)
