"""How long pods take to start: each is counted once, and first acknowledgements after a sleep."""

from __future__ import annotations

import pytest

from qc_operator.scaling.observation import Observation
from qc_operator.scaling.pods import Pods, StartedPod
from qc_operator.scaling.startup import StartUp, counters_seen, durations, pods_seen, start, with_durations


def observed(*started: tuple[float, float], ready: int | None = None, running: int = 3) -> Observation:
    """Pods that became ready at a time and took so long, latest first."""
    pods = Pods(
        ready=len(started) if ready is None else ready,
        started=tuple(StartedPod(created=became - took, ready=became) for became, took in started),
        at=1_000.0,
    )
    return Observation(entries=(), current=running, running=running, pods=pods)


def seen(*observations: Observation, before: StartUp | None = None) -> StartUp:
    start_up = before or StartUp()
    for observation in observations:
        start_up = pods_seen(before=start_up, observation=observation)
    return start_up


def test_a_default_until_a_start_was_observed() -> None:
    assert (15.0, False) == start(StartUp())
    assert (15.0, False) == start(StartUp(to_acknowledgement=3.0))
    assert (7.0, True) == start(seen(observed((100.0, 7.0))))


@pytest.mark.parametrize(
    ("took", "expected"),
    [
        ([4.0], 4.0),
        ([4.0, 6.0], 6.0),
        ([float(each) for each in range(1, 10)], 9.0),
        ([float(each) for each in range(1, 11)], 9.0),
        ([float(each) for each in range(1, 12)], 10.0),
        ([float(each) for each in range(16, 0, -1)], 15.0),
        ([1.0] * 16 + [90.0] * 5, 1.0),
    ],
)
def test_the_ninetieth_percentile_of_the_last_sixteen_pods(took: list[float], expected: float) -> None:
    start_up = with_durations(StartUp(), took)

    assert (expected, True) == start(start_up)
    assert took[:16] == durations(start_up)


@pytest.mark.parametrize(("took", "kept"), [(0.04, 0.1), (0.126, 0.13), (600.0, 600.0), (900.0, 600.0), (-5.0, 0.1)])
def test_starts_are_bounded(took: float, kept: float) -> None:
    start_up = with_durations(StartUp(), [took])

    assert [kept] == durations(start_up)
    assert start(start_up)[0] == pytest.approx(kept, abs=0.005)


def test_the_sum_is_bounded_too() -> None:
    assert (600.0, True) == start(StartUp(to_ready=400.0, to_acknowledgement=300.0))
    assert (500.0, True) == start(StartUp(to_ready=400.0, to_acknowledgement=100.0))


def test_no_durations_change_nothing() -> None:
    before = StartUp(counted=3)

    assert with_durations(before, []) is before


def test_each_pod_is_counted_once() -> None:
    first = seen(observed((102.0, 9.0), (100.0, 7.0)))
    again = pods_seen(before=first, observation=observed((102.0, 9.0), (100.0, 7.0)))
    more = seen(observed((110.0, 5.0), (102.0, 9.0), (100.0, 7.0)), before=first)

    assert again is first
    assert [9.0, 7.0] == durations(first)
    assert [5.0, 9.0, 7.0] == durations(more)
    assert (110.0, 1) == (more.counted_until, more.counted)


def test_pods_that_go_are_not_counted_again() -> None:
    first = seen(observed((102.0, 9.0), (100.0, 7.0)))

    assert pods_seen(before=first, observation=observed((100.0, 7.0))) is first
    assert pods_seen(before=first, observation=observed()) is first


def test_pods_that_become_ready_in_the_same_second_are_all_counted() -> None:
    start_up = seen(
        observed((100.0, 5.0)),
        observed((100.0, 6.0), (100.0, 5.0)),
        observed((100.0, 6.0), (100.0, 5.0)),
        observed((103.0, 8.0), (100.0, 7.0), (100.0, 6.0), (100.0, 5.0)),
    )

    assert 4 == len(durations(start_up))
    assert [8.0, 7.0, 6.0, 5.0] == durations(start_up)
    assert 1 == start_up.counted


@pytest.mark.parametrize(("moved", "counted"), [(0.5, 1), (-0.5, 1), (0.51, 2)])
def test_the_same_time_may_move_by_half_a_second(moved: float, counted: int) -> None:
    start_up = seen(observed((100.0, 5.0)), observed((100.0 + moved, 5.0)))

    assert counted == len(durations(start_up))


def test_without_pods_nothing_is_learned() -> None:
    before = StartUp()

    assert pods_seen(before=before, observation=Observation(entries=(), current=1, running=1)) is before


ASLEEP = Observation(entries=(), current=0, running=0, pods=Pods(ready=0, at=0.0))
STARTING = Observation(entries=(), current=1, running=1, pods=Pods(ready=0, starting=(101.0,), at=0.0))
READY = observed((108.0, 7.0))


def counted(before: StartUp, observation: Observation, acknowledged: int, *, at: float) -> StartUp:
    return counters_seen(before=before, observation=observation, acknowledged=acknowledged, at=at, read_at=at - 5.0)


def awake(*, acknowledged: int = 40) -> StartUp:
    """The target has slept, and its first pod has been ready since second 108."""
    start_up = counted(StartUp(), ASLEEP, acknowledged, at=95.0)
    start_up = counted(start_up, STARTING, acknowledged, at=105.0)
    return seen(READY, before=start_up)


def test_the_first_acknowledgement_is_taken_to_be_at_the_reading_before() -> None:
    start_up = counted(awake(), READY, 40, at=110.0)
    assert (7.0, True) == start(start_up)
    start_up = counted(start_up, READY, 40, at=115.0)
    start_up = counted(start_up, READY, 41, at=120.0)

    assert 7.0 == start_up.to_acknowledgement
    assert (14.0, True) == start(start_up)
    assert -1 == start_up.asleep_at


def test_an_acknowledgement_right_after_the_start_takes_no_time() -> None:
    assert 0.0 == counted(awake(), READY, 41, at=110.0).to_acknowledgement


def test_an_acknowledgement_before_the_pod_is_ready_takes_no_time() -> None:
    start_up = counted(StartUp(), ASLEEP, 40, at=95.0)

    assert 0.0 == counted(start_up, STARTING, 41, at=110.0).to_acknowledgement


def test_the_last_wake_up_is_half_of_what_is_remembered() -> None:
    before = StartUp(to_acknowledgement=3.0)
    start_up = counted(before, ASLEEP, 40, at=95.0)
    start_up = counted(seen(READY, before=start_up), READY, 50, at=120.0)

    assert 5.0 == start_up.to_acknowledgement


def test_only_the_first_acknowledgement_counts() -> None:
    start_up = counted(awake(), READY, 41, at=120.0)

    assert counted(start_up, READY, 99, at=150.0) is start_up


def test_without_a_sleep_nothing_can_be_told() -> None:
    start_up = seen(READY)

    assert counted(start_up, READY, 99, at=150.0) is start_up


def test_what_is_acknowledged_while_there_are_no_pods_is_not_theirs() -> None:
    start_up = counted(counted(StartUp(), ASLEEP, 40, at=95.0), ASLEEP, 50, at=100.0)
    start_up = counted(seen(READY, before=start_up), READY, 50, at=115.0)

    assert start_up.to_acknowledgement is None
    assert 50 == start_up.asleep_at


@pytest.mark.parametrize(("at", "given_up"), [(708.0, False), (708.1, True)])
def test_a_wake_up_after_which_nothing_is_acknowledged_is_given_up(at: float, *, given_up: bool) -> None:
    start_up = counted(awake(), READY, 40, at=at)

    assert given_up == (start_up.asleep_at == -1)
    assert start_up.to_acknowledgement is None


def test_the_longest_wait_is_bounded() -> None:
    start_up = counters_seen(before=awake(), observation=READY, acknowledged=41, at=10_000.0, read_at=9_000.0)

    assert 600.0 == start_up.to_acknowledgement


def test_counters_that_begin_anew_end_the_watch() -> None:
    start_up = counted(awake(), READY, 39, at=120.0)

    assert start_up.to_acknowledgement is None
    assert -1 == start_up.asleep_at


def test_where_pods_are_not_known_nothing_is_learned_of_a_wake_up() -> None:
    asleep = Observation(entries=(), current=0, running=0)
    working = Observation(entries=(), current=1, running=1)
    start_up = counted(counted(StartUp(), asleep, 40, at=95.0), working, 41, at=120.0)

    assert start_up.to_acknowledgement is None


def test_a_pod_that_still_goes_is_no_sleep() -> None:
    going = Observation(entries=(), current=0, running=1)
    busy = Observation(entries=(), current=0, running=0, pods=Pods(ready=1, at=0.0))

    assert -1 == counted(StartUp(), going, 40, at=95.0).asleep_at
    assert -1 == counted(StartUp(), busy, 40, at=95.0).asleep_at


def test_the_first_pod_of_a_wake_up_is_the_one_that_counts() -> None:
    start_up = counted(StartUp(), ASLEEP, 40, at=95.0)
    start_up = seen(observed((112.0, 9.0), (108.0, 7.0)), observed((115.0, 9.0), (112.0, 9.0)), before=start_up)

    assert 108.0 == start_up.ready_at


def test_a_target_that_has_never_acknowledged_anything_can_wake_up_too() -> None:
    start_up = counted(StartUp(), ASLEEP, 0, at=95.0)
    start_up = counted(counted(seen(READY, before=start_up), READY, 0, at=115.0), READY, 1, at=120.0)

    assert 7.0 == start_up.to_acknowledgement


KEPT = with_durations(StartUp(), [3.0, 5.0, 1.0])
"""What the operator of before has left."""


@pytest.mark.parametrize(
    ("started", "known"),
    [
        pytest.param([(102.0, 3.0), (101.0, 5.0), (100.0, 1.0)], [3.0, 5.0, 1.0], id="the same pods"),
        pytest.param([(101.0, 5.0)], [3.0, 5.0, 1.0], id="some have gone"),
        pytest.param([(103.0, 7.0), (102.0, 3.0)], [7.0, 3.0, 5.0, 1.0], id="one came meanwhile"),
        pytest.param([(103.0, 3.0), (102.0, 3.0)], [3.0, 3.0, 5.0, 1.0], id="two took as long as one"),
        pytest.param([(103.0, 3.004), (102.0, 3.006)], [3.006, 3.0, 5.0, 1.0], id="as far as it is kept"),
        pytest.param([(103.0, 9.0), (102.0, 8.0)], [9.0, 8.0, 3.0, 5.0, 1.0], id="all are others"),
    ],
)
def test_after_a_restart_pods_are_known_by_how_long_they_took(
    started: list[tuple[float, float]], known: list[float]
) -> None:
    start_up = seen(observed(*started), before=KEPT)

    assert [round(each, 2) for each in known] == durations(start_up)
    assert (started[0][0], 1) == (start_up.counted_until, start_up.counted)
    # From then on they are known by their times.
    assert [4.0, *durations(start_up)] == durations(seen(observed((150.0, 4.0), *started), before=start_up))
    assert start_up is pods_seen(before=start_up, observation=observed(*started))


def test_bounded_starts_are_known_again() -> None:
    kept = with_durations(StartUp(), [700.0, 0.01])

    assert [600.0, 0.1] == durations(seen(observed((102.0, 700.0), (101.0, 0.01)), before=kept))


def test_after_a_restart_a_wake_up_is_watched_as_ever() -> None:
    asleep = counters_seen(before=KEPT, observation=ASLEEP, acknowledged=7, at=100.0, read_at=95.0)
    start_up = seen(READY, before=asleep)

    assert 108.0 == start_up.ready_at
