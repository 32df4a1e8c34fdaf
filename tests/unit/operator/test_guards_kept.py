"""What the guards have seen comes back after a restart, and holds until it is seen again or for 15 s."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from qc_operator.scaling.forbidden import Forbidden
from qc_operator.scaling.guard_memory import NOTHING_GUARDED, GuardMemory, packed
from qc_operator.scaling.guards_kept import remembered, restored
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.stuck_consumers import Progress
from tests.guarded_target import Line, Target, spec_of


def limited() -> Target:
    target = Target()
    target.scale(8)
    target.line.ready, target.line.consumers, target.line.acks = 1e9, 8, 40.0
    target.run(300)
    target.scale(16)
    target.line.consumers = 16
    target.until("DownstreamLimited", within=600)
    return target


def restarted(target: Target, *, now: float = 50.0) -> Target:
    """The operator begins anew: its clock and its counters do, too."""
    kept = json.loads(json.dumps(remembered(target.memory, now=target.now)))
    after = Target(lines=target.lines, spec=target.spec, replicas=target.replicas, pods=None, now=now)
    for line in after.lines:
        line.acknowledged = line.delivered = 0.0
        line.counted, line.at = False, 0.0
    after.memory = restored(kept, entries=len(after.lines), now=now)
    return after


def counted(target: Target) -> None:
    """The first counters and pods are there."""
    for line in target.lines:
        line.counted = True
    target.scale(target.replicas)


def test_of_nothing_nothing_is_kept() -> None:
    assert {} == remembered(NOTHING_GUARDED, now=0.0)
    assert NOTHING_GUARDED == restored({}, entries=3, now=70.0)


def test_a_limit_is_kept_in_figures_that_stay_the_same_while_it_holds() -> None:
    target = limited()
    kept = remembered(target.memory, now=target.now)

    assert {
        "downstream": {
            "entries": 1,
            "low": 8,
            "high": 16,
            "enough": 8,
            "before": 40.0,
            "after": 40.0,
            "variance": 21.33,
            "times": 1,
            "blocked": True,
        }
    } == kept
    target.run(295)
    assert kept == remembered(target.memory, now=target.now)
    target.run(5)
    assert kept | {"downstream": kept["downstream"] | {"blocked": False}} == remembered(target.memory, now=target.now)  # type: ignore[operator]
    # Nothing is kept of one that holds no more.
    target.line.ready = 0.0
    target.run(300)
    assert {} == remembered(target.memory, now=target.now)


def test_a_limit_holds_from_the_first_decision_on_and_its_block_begins_anew() -> None:
    target = limited()
    target.run(200)
    told = target.look()
    after = restarted(target)

    assert told is not None
    assert told == after.look()
    assert told == after.run(5)
    counted(after)
    assert told == after.run(290)
    after.scale(4)
    after.line.consumers = 4
    assert 8 == replicas(after.look())
    assert 10 == replicas(after.run(5))


def test_after_the_block_a_trial_step_is_still_what_is_allowed() -> None:
    target = limited()
    target.run(400)
    after = restarted(target)
    after.replicas = 4

    assert 10 == replicas(after.look())


def replicas(forbidden: Forbidden | None) -> int:
    assert forbidden is not None
    return forbidden.replicas


@pytest.mark.parametrize("acks", [0.0, 1.0])
def test_consumers_that_were_stuck_are_so_until_they_acknowledge(acks: float) -> None:
    target = Target()
    target.until("ConsumersStuck", within=600)
    told = target.look()
    assert {"stuckSeconds": [90.0]} == remembered(target.memory, now=target.now)
    after = restarted(target)

    assert told is not None
    assert told == after.look()
    assert told == after.run(10)
    counted(after)
    after.line.acks = acks
    assert told == after.run(5)
    assert (told if acks == 0.0 else None) == after.run(40)


def test_messages_that_were_delivered_over_and_over_are_so_still() -> None:
    target = Target()
    target.line.acks, target.line.delivers = 1.0, 10.0
    target.until("ConsumersStuck", within=600)
    told = target.look()
    assert {"stuckSeconds": [0.0]} == remembered(target.memory, now=target.now)
    after = restarted(target)

    assert told is not None
    assert told == after.look()
    counted(after)
    assert told == after.run(120)
    after.line.acks = 10.0
    assert after.run(125) is None


def test_what_is_not_seen_within_ten_minutes_holds_no_longer() -> None:
    for target in (limited(), stuck()):
        after = restarted(target)

        assert after.run(600) is not None
        assert after.run(5) is None


def stuck() -> Target:
    target = Target()
    target.until("ConsumersStuck", within=600)
    return target


def test_counters_of_another_vhost_may_come_a_little_later() -> None:
    target = Target(lines=[Line(acks=3.0), Line()], spec=spec_of({}, {}))
    target.until("ConsumersStuck", within=600, index=1)
    assert {"stuckSeconds": [None, 90.0]} == remembered(target.memory, now=target.now)
    after = restarted(target)
    after.lines[0].counted = True
    after.scale(3)

    assert after.run(10, index=1) is not None
    assert after.look(index=0) is None
    after.lines[1].counted = True
    assert after.run(60, index=1) is not None


def test_pods_that_found_no_node_hold_until_they_are_listed() -> None:
    target = Target()
    target.scale(4, ready=3, unschedulable=1)
    target.run(15)
    assert {"unschedulable": True} == remembered(target.memory, now=target.now)
    after = restarted(target)

    assert (
        Forbidden(
            reason="Unschedulable",
            message="pods found no node before the operator started: no more are asked for until it sees them",
            replicas=4,
        )
        == after.look()
    )
    assert after.run(15) is not None
    assert after.run(5) is None

    after = restarted(target)
    after.pods = Pods(ready=3, unschedulable=1, at=50.0)
    assert "1 of 4 pods finds no node" in str(after.run(5))
    after.pods = Pods(ready=4, at=50.0)
    assert after.run(5) is None


WHOLE: dict[str, Any] = {
    "entries": 3,
    "low": 8,
    "high": 16,
    "enough": 9,
    "before": 40.0,
    "after": 0.0,
    "variance": 0,
    "times": 64,
    "blocked": True,
}


def test_the_largest_that_makes_sense_is_taken() -> None:
    limit = restored({"downstream": WHOLE}, entries=2, now=70.0).seen.limit

    assert limit is not None
    assert (3, 8, 16, 9, 64, 70.0 + 1800.0, 70.0) == (
        limit.entries,
        limit.low,
        limit.high,
        limit.enough,
        limit.times,
        limit.until,
        limit.busy_at,
    )
    assert (40.0, 0.0, 0.0) == (limit.before, limit.after, limit.variance)


@pytest.mark.parametrize("name", sorted(set(WHOLE) - {"blocked"}))
@pytest.mark.parametrize("value", [None, "8", -1, True, float("nan"), float("inf"), 10**400])
def test_what_makes_no_sense_is_left_out(name: str, value: object) -> None:
    memory = restored({"downstream": WHOLE | {name: value}}, entries=2, now=70.0)

    assert (NOTHING_GUARDED.packed, 0) == (memory.packed, memory.limited)


@pytest.mark.parametrize(("name", "value"), [("entries", 4), ("entries", 0), ("times", 65), ("high", 2**31)])
def test_nor_is_what_is_too_large_or_nothing(name: str, value: int) -> None:
    assert 0 == restored({"downstream": WHOLE | {name: value}}, entries=2, now=70.0).limited


@pytest.mark.parametrize("value", ["aa", [1.0], [None, None], [True, "x"], {}, [-1.0, 1e9]])
def test_silences_of_other_entries_are_left_out(value: object) -> None:
    memory = restored({"stuckSeconds": value, "unschedulable": 1}, entries=2, now=70.0)

    assert NOTHING_GUARDED == memory


def test_the_largest_numbers_of_a_scale_and_of_a_rate_are_taken() -> None:
    most = WHOLE | {"high": 2**31 - 1, "before": 1e9, "after": 1e9, "variance": 1e9}

    assert 3 == restored({"downstream": most}, entries=2, now=70.0).limited
    for name in ("before", "after", "variance"):
        assert 0 == restored({"downstream": most | {name: 1.1e9}}, entries=2, now=70.0).limited


def test_a_silence_is_kept_to_the_tenth_of_a_second() -> None:
    target = Target(start_seconds=30.06)
    target.until("ConsumersStuck", within=600)

    assert {"stuckSeconds": [90.1]} == remembered(target.memory, now=target.now)


def test_consumers_that_were_stuck_begin_with_the_counters_of_the_new_process() -> None:
    (progress,) = restored({"stuckSeconds": [90.1]}, entries=1, now=70.0).seen.progress

    assert (
        Progress(
            read_at=70.0,
            at=70.0,
            acknowledged=0,
            delivered=0,
            unacknowledged=2**53,
            since=70.0,
            last_acknowledged=0,
            messages=0,
            silence=90.1,
        )
        == progress
    )
    (looping,) = restored({"stuckSeconds": [0]}, entries=1, now=70.0).seen.progress
    assert looping is not None
    assert (0.0, 2) == (looping.silence, looping.loops)


def test_many_limits_in_a_row_are_kept_as_64() -> None:
    target = limited()
    seen = target.memory.seen
    assert seen.limit is not None
    memory = GuardMemory(limited=1, packed=packed(replace(seen, limit=replace(seen.limit, times=1000))))

    assert 64 == remembered(memory, now=target.now)["downstream"]["times"]  # type: ignore[index]
