"""What a new process takes over from the status that the one before it has left."""

from typing import Any

import pytest

from qc_operator.memory_kept import restored
from qc_operator.registry import Known, read
from qc_operator.scaling.behavior import limited
from qc_operator.scaling.memory import Memory, remember_nothing
from tests.unit.operator.conftest import body, wall

NOW = 10_000.0
"""02:46:40 on the wall of these tests."""

ONE_IN_TEN_MINUTES = {"scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 600}]}}


def change(seconds_ago: float, before: object, after: object, reason: str = "BacklogAboveTarget") -> dict[str, Any]:
    """An entry of `status.history`."""
    return {"time": f"{wall(NOW - seconds_ago):%Y-%m-%dT%H:%M:%SZ}", "from": before, "to": after, "reason": reason}


def left(*history: Any, target: object = "Deployment/receipts", behavior: object = None, **status: Any) -> Known:
    """An object with such a history, the last change first."""
    told = {"history": list(history), "columns": {"target": target}} | status
    spec = body(behavior=behavior or ONE_IN_TEN_MINUTES, maxReplicas=100)
    metadata = {"namespace": "shop", "name": "receipts", "uid": "1", "generation": 1}
    return read({"metadata": metadata, "spec": spec, "status": told})


def taken_over(known: Known) -> Memory:
    return restored(known=known, now=NOW, at=wall(NOW))


def allowed(memory: Memory, *, current: int, later: float = 0.0, behavior: object = None) -> int:
    """As many replicas as the policies let there be, of a hundred that are wanted."""
    spec = left(behavior=behavior).spec
    assert spec is not None
    assert spec.behavior is not None
    return limited(
        current=current, wanted=100, changes=memory.changes, behavior=spec.behavior, now=NOW + later
    ).replicas


def test_a_policy_goes_on_counting_what_was_changed_before_the_restart() -> None:
    memory = taken_over(left(change(60, 4, 5)))

    # Told to have been at 59 s past, cut to the second: at the end of that second the period of 600 s began.
    assert [5, 6] == [allowed(memory, current=5, later=later) for later in (540.5, 541.0)]


def test_changes_of_both_directions_count_in_their_order() -> None:
    both = {"scaleUp": {"policies": [{"type": "Pods", "value": 4, "periodSeconds": 600}]}}
    history = (change(20, 7, 6, "BacklogBelowTarget"), change(30, 4, 7))

    # Ten minutes ago there were 4, so 8 are allowed.
    assert 8 == allowed(taken_over(left(*history, behavior=both)), current=6, behavior=both)


def test_only_what_lies_within_the_longest_period_is_kept() -> None:
    assert () == taken_over(left(change(602, 4, 5), change(700, 3, 4))).changes
    assert 1 == len(taken_over(left(change(599, 4, 5), change(700, 3, 4))).changes)


def test_without_policies_nothing_is_kept() -> None:
    assert () == taken_over(left(change(1, 4, 5), behavior={"scaleDown": {"stabilizationWindowSeconds": 5}})).changes


def test_a_step_from_or_to_zero_ends_what_counted_before_it() -> None:
    memory = taken_over(left(change(10, 3, 4), change(20, 0, 3, "WokeUp"), change(30, 6, 0, "Idle"), change(40, 5, 6)))

    assert (1, 4) == (len(memory.changes), allowed(memory, current=4))


def test_after_a_pause_policies_begin_anew() -> None:
    assert () == taken_over(left(change(10, 5, 8, "Override"), change(20, 4, 5))).changes


def test_more_changes_than_a_memory_holds_are_put_together() -> None:
    history = [change(10 * index, 21 - index, 22 - index) for index in range(1, 21)]
    memory = taken_over(left(*history))

    assert (12, 20) == (len(memory.changes), sum(kept.by for kept in memory.changes))


def test_two_changes_within_one_second_keep_their_order() -> None:
    memory = taken_over(left(change(5, 0, 3, "WokeUp"), change(5, 1, 0, "Idle"), change(9, 2, 1)))

    assert () == memory.changes


def test_the_last_change_is_as_long_ago_as_the_status_says() -> None:
    assert NOW - 59.0 == taken_over(left(change(60, 4, 5), change(90, 3, 4))).changed_at


def test_a_clock_that_was_ahead_makes_no_change_of_the_future() -> None:
    memory = taken_over(left(change(-3600, 4, 5)))

    assert (NOW, NOW) == (memory.changed_at, memory.changes[0].at)


def test_changes_of_another_target_count_for_nothing() -> None:
    assert remember_nothing(now=NOW) == taken_over(left(change(60, 4, 5), target="StatefulSet/receipts"))


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "scaled",
        {},
        change(60, 4, None),
        change(60, "4", 5),
        change(60, 4, 5) | {"from": True},
        change(60, -4, 5),
        change(60, 4, 2**31),
        change(60, 4, 1.5),
        change(60, 4, 5) | {"time": None},
        change(60, 4, 5) | {"time": "yesterday"},
        change(60, 4, 5) | {"time": "2026-13-27T00:00:00Z"},
        change(60, 4, 5) | {"time": 1764208000},
        change(60, 4, 5) | {"time": "2026-11-27T02:45:40"},
    ],
)
def test_an_entry_that_makes_no_sense_is_left_out_and_the_others_stand(entry: object) -> None:
    memory = taken_over(left(entry, change(90, 3, 4)))

    assert taken_over(left(change(90, 3, 4))) == memory
    assert [1] == [kept.by for kept in memory.changes]


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"history": None},
        {"history": {"0": change(60, 4, 5)}},
        {"history": "4 -> 5"},
        {"history": [change(60, 4, 5)], "columns": None},
        {"history": [change(60, 4, 5)], "columns": ["Deployment/receipts"]},
        {"observedGeneration": 1, "learned": [4.0]},
        {"observedGeneration": "1", "learned": "much"},
    ],
)
def test_a_status_that_makes_no_sense_is_as_good_as_none(status: dict[str, object]) -> None:
    metadata = {"namespace": "shop", "name": "receipts", "uid": "1", "generation": 1}
    known = read({"metadata": metadata, "spec": body(behavior=ONE_IN_TEN_MINUTES), "status": status})

    assert remember_nothing(now=NOW) == taken_over(known)


def test_an_object_whose_spec_is_wrong_begins_from_nothing() -> None:
    metadata = {"namespace": "shop", "name": "receipts", "uid": "1", "generation": 1}
    status = {"history": [change(60, 4, 5)], "columns": {"target": "Deployment/receipts"}}

    known = read({"metadata": metadata, "spec": body(maxReplicas=0), "status": status})

    assert remember_nothing(now=NOW) == taken_over(known)


def test_a_status_as_long_as_it_gets_is_read_no_further_than_it_is_written() -> None:
    history = [change(index / 100, 1 + index % 2, 2 - index % 2) for index in range(100_000)]

    assert 12 >= len(taken_over(left(*history)).changes)


@pytest.mark.parametrize(("generation", "stuck"), [(1, 1), (2, 0)])
def test_a_guard_goes_on_holding_what_the_process_before_held_back(generation: int, stuck: int) -> None:
    guards = {"stuckSeconds": [63.0], "unschedulable": True}
    memory = taken_over(left(learned={"guards": guards}, observedGeneration=generation))

    assert (stuck, stuck == 1) == (memory.guards.stuck, memory.guards.unschedulable_since is not None)


@pytest.mark.parametrize("guards", [None, [], "all", {"stuckSeconds": 63.0}, {"stuckSeconds": [1.0, 2.0]}])
def test_guards_that_make_no_sense_hold_nothing(guards: object) -> None:
    memory = taken_over(left(learned={"guards": guards}, observedGeneration=1))

    assert remember_nothing(now=NOW) == memory
