"""The guards together: what they take in, what each entry is told, and what is kept."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from qc_operator.scaling.forbidden import forbids
from qc_operator.scaling.guard_memory import NOTHING_GUARDED, GuardMemory
from qc_operator.scaling.guards import watched
from qc_operator.scaling.observation import Observation, Totals
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.tally import tallied
from tests.guarded_target import UNREAD, Line, Target, spec_of


def five() -> Target:
    """Five entries at full work, a limit that was found, a trial that goes on, and one entry that is stuck."""
    lines = [Line(ready=1e9, acks=40.123) for _ in range(5)]
    target = Target(lines=lines, spec=spec_of({}, {}, {}, {}, {}))
    for replicas, seconds in ((8, 300), (16, 400), (32, 150), (300, 60)):
        target.scale(replicas)
        for line in lines:
            line.consumers = replicas
        target.run(seconds)
    return target


def taken(target: Target, observation: Observation) -> GuardMemory:
    return watched(
        before=target.memory,
        spec=target.spec,
        observation=observation,
        rates=(target.rates,) * len(target.lines),
        start_seconds=30.0,
        now=target.now,
    )


def test_five_entries_with_all_there_is_to_remember_take_half_a_kilobyte() -> None:
    target = five()
    seen = target.memory.seen

    assert None not in (seen.trial, seen.limit, *seen.progress)
    assert seen.trial is not None
    assert seen.trial.added is not None
    assert len(target.memory.packed) <= 560


def test_without_news_the_memory_is_the_same_object() -> None:
    target = five()
    observation = target.observation()
    target.now += 1

    assert taken(target, observation) is target.memory
    # Pods are read all the time; only those that find no node are news.
    assert observation.pods is not None
    later = replace(observation, pods=type(observation.pods)(ready=300, at=target.now))
    assert taken(target, later) is target.memory


def test_news_of_the_pods_alone_leave_the_rest_of_the_memory() -> None:
    target = five()
    before = target.memory
    for unschedulable, since in ((0, None), (2, 10.0), (1, 10.0), (0, None)):
        target.now += 10 if since is None else 5
        observation = replace(
            target.observation(), pods=Pods(ready=298, unschedulable=unschedulable, at=target.now), entries=()
        )
        counted = msgspec.structs.replace(target.memory, counters_at=0.0)
        after = watched(
            before=counted, spec=target.spec, observation=observation, rates=(), start_seconds=30.0, now=target.now
        )
        if not unschedulable and counted.unschedulable_since is None:
            assert after is counted
        else:
            first = target.memory.unschedulable_since or target.now
            expected = (target.now, first if since else None)
            assert expected == (after.pods_at, after.unschedulable_since)
        kept = (after.counters_at, after.stuck, after.limited, after.packed)
        assert (0.0, before.stuck, before.limited, before.packed) == kept
        target.memory = after


@pytest.mark.parametrize("most", [2**53 - 1, 2**53, 2**64, 2**70])
def test_counts_beyond_what_is_kept_are_taken_for_the_largest(most: int) -> None:
    line = Line(ready=most, unacknowledged=most, consumers=most, acknowledged=most, delivered=most)
    target = Target(lines=[line])
    target.look()
    tally = tallied(entry=target.observation().entries[0], now=target.now)

    assert tally is not None
    counts = (tally.ready, tally.unacknowledged, tally.consumers, tally.acknowledged, tally.delivered)
    assert (min(most, 2**53),) * 5 == counts
    assert min(2 * most, 2**53) == tally.messages


def test_without_counters_and_pods_there_is_never_any_news() -> None:
    target = Target(pods=None)
    target.line.counted = False

    assert target.run(60) is None
    assert target.memory is NOTHING_GUARDED


def test_news_of_one_entry_is_enough_and_says_nothing_about_the_others() -> None:
    target = five()
    before = target.memory
    for line in target.lines[1:]:
        line.counted = False
        line.ready = line.unacknowledged = 0.0
    target.now += 5
    target.look()

    assert target.memory is not before
    first, *others = target.memory.seen.progress
    assert first is not None
    assert target.now == first.read_at
    assert list(before.seen.progress[1:]) == others


def test_nothing_is_forbidden_to_begin_with() -> None:
    target = Target()

    assert forbids(memory=NOTHING_GUARDED, index=0, observation=target.observation(), now=target.now) is None


def test_one_replica_can_be_stuck() -> None:
    target = Target(replicas=1)
    target.scale(1)
    target.line.consumers = 1

    forbidden = target.run(95)
    assert forbidden is not None
    assert ("ConsumersStuck", 1) == (forbidden.reason, forbidden.replicas)


def test_at_zero_replicas_others_who_consume_are_not_called_stuck() -> None:
    target = Target(replicas=0, pods=None)

    assert target.run(600) is None
    assert 0 == target.memory.stuck


@pytest.mark.parametrize(("age", "stuck"), [(60.0, 0), (60.1, 1)])
def test_pods_that_are_not_ready_count_for_a_minute(age: float, stuck: int) -> None:
    target = Target()
    for _ in range(20):
        target.now += 5
        observation = replace(target.observation(), pods=Pods(ready=0, starting=(0.0,), at=target.now - age))
        target.memory = taken(target, observation)

    assert stuck == target.memory.stuck


def test_an_entry_that_is_stuck_is_not_told_the_limit_of_another() -> None:
    target = Target(lines=[Line(ready=1e9, acks=40.0), Line(ready=0.0, unacknowledged=5.0)], spec=spec_of({}, {}))
    for replicas, seconds in ((8, 300), (16, 200)):
        target.scale(replicas)
        target.line.consumers = replicas
        target.run(seconds)
    assert (0b01, 0b10) == (target.memory.limited, target.memory.stuck)

    observation = target.observation()
    told = [forbids(memory=target.memory, index=index, observation=observation, now=target.now) for index in (0, 1)]
    assert ["DownstreamLimited", "ConsumersStuck"] == [forbidden.reason for forbidden in told if forbidden]


def test_counters_that_come_later_in_one_vhost_than_in_another_are_not_missed() -> None:
    target = Target(lines=[Line(), Line()], spec=spec_of({}, {}))
    first, second = target.lines
    for _ in range(20):
        first.counted, second.counted = True, False
        target.now += 5
        target.look()
        first.counted, second.counted = False, True
        # Read 0.1 s before the other one, heard of after it.
        target.now -= 0.1
        target.look()
        target.now += 0.1

    assert 0b11 == target.memory.stuck


def test_pods_that_find_no_node_are_told_first_and_consumers_that_are_stuck_before_a_limit() -> None:
    target = Target()
    target.scale(8)
    target.line.ready, target.line.consumers, target.line.acks = 1e9, 8, 40.0
    target.run(300)
    target.scale(16)
    target.line.consumers = 16
    target.until("DownstreamLimited", within=600)
    target.line.acks = 0.0

    told = []
    for _ in range(20):
        forbidden = target.run(5)
        told.append(forbidden.reason if forbidden else None)
    assert ["DownstreamLimited"] * 17 + ["ConsumersStuck"] * 3 == told

    target.scale(16, ready=15, unschedulable=1)
    target.run(15)
    forbidden = target.look()
    assert forbidden is not None
    assert "Unschedulable" == forbidden.reason


def test_when_entries_are_added_all_begins_anew() -> None:
    target = Target()
    target.run(95)
    assert 1 == target.memory.stuck

    target.lines.append(Line())
    target.spec = spec_of({}, {})

    assert target.run(5) is None
    assert target.run(85) is None
    assert target.run(5) is not None
    assert 0b11 == target.memory.stuck


def test_a_memory_of_fewer_entries_is_no_reason_to_fail() -> None:
    target = Target()
    target.run(95)

    target.lines.append(Line())

    observation = target.observation()
    assert forbids(memory=target.memory, index=1, observation=observation, now=target.now) is None


def test_all_queues_of_a_pattern_are_taken_together() -> None:
    target = Target(lines=[Line(acknowledged=7, delivered=9)])
    one = target.observation().entries[0]
    entry = replace(one, queues=one.queues * 3)

    tally = tallied(entry=entry, now=target.now)

    assert tally is not None
    assert (3000, 9, 90, 3090) == (tally.ready, tally.consumers, tally.unacknowledged, tally.messages)
    assert (21, 27) == (tally.acknowledged, tally.delivered)


def test_what_one_queue_of_a_pattern_lacks_the_whole_entry_lacks() -> None:
    target = Target()
    entry = target.observation().entries[0]
    (queue,) = entry.queues
    assert queue.counters is not None

    def told(**changed: object) -> object:
        return tallied(entry=replace(entry, queues=(queue, replace(queue, **changed))), now=target.now)  # type: ignore[arg-type]

    assert told(counters=None) is None
    assert told(depth=UNREAD) is None
    assert told(counters=replace(queue.counters, at=target.now - 15.1)) is None
    older = told(counters=replace(queue.counters, at=target.now - 15.0))
    assert target.now - 15.0 == getattr(older, "at")  # noqa: B009 - of a value that is typed as an object
    old = Totals(ready=1, unacknowledged=2, at=target.now - 15.1, answered_at=target.now)
    in_time = told(totals=replace(old, at=target.now - 15.0))
    assert (32, 1033) == (getattr(in_time, "unacknowledged"), getattr(in_time, "messages"))  # noqa: B009
    for totals in (UNREAD, old):
        without = told(totals=totals)
        assert (None, None) == (getattr(without, "unacknowledged"), getattr(without, "messages"))  # noqa: B009


def test_an_entry_says_nothing_without_queues_under_an_alarm_and_while_it_is_not_known_what_matches() -> None:
    target = Target()
    entry = target.observation().entries[0]

    for change in ({"queues": ()}, {"alarmed": True}, {"unmatched": UNREAD}):
        assert tallied(entry=replace(entry, **change), now=target.now) is None


def test_rates_that_are_not_known_yet_are_no_reason_to_fail() -> None:
    target = Target(rates=Rates())

    assert 635.0 >= target.until("ConsumersStuck", within=900) > 600.0
