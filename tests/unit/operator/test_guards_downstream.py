"""DownstreamLimited: a step up that brought nothing blocks the next one for a while."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from qc_operator.scaling.downstream_limit import DownstreamLimit, _found, allowed, limit_words
from qc_operator.scaling.full_work import FullWork, full_work
from qc_operator.scaling.step_effect import Span
from qc_operator.scaling.tally import tallied
from qc_operator.scaling.trial import Added, Crew, Trial
from tests.guarded_target import Line, Target, spec_of

FOREVER = 1e9
LIMIT = DownstreamLimit(
    entries=1,
    low=8,
    high=16,
    enough=8,
    before=40.0,
    after=40.0,
    variance=1.0,
    times=1,
    until=0.0,
    busy_at=0.0,
    known_at=0.0,
)


def at_full_work(*, replicas: int = 8, rate: float = 40.0, seconds: float = 300.0, start: float = 30.0) -> Target:
    """More messages wait than will ever be worked on, and have done so for a while."""
    target = Target(start_seconds=start)
    target.scale(replicas)
    target.line.ready, target.line.consumers, target.line.acks = FOREVER, replicas, rate
    assert target.run(seconds) is None
    return target


def stepped(target: Target, replicas: int, *, rate: float, starting: float = 15.0) -> None:
    """Ask for more; they are all ready after some seconds."""
    ready = target.replicas
    target.scale(replicas, ready=ready, starting=replicas - ready)
    target.run(starting)
    target.scale(replicas)
    target.line.consumers, target.line.acks = replicas, rate


def test_a_database_at_its_limit() -> None:
    target = at_full_work(rate=40.1)
    stepped(target, 16, rate=40.9)

    # A reading sees all of them at work; start-up and the age of the statistics take 40 s, the comparison 30 s.
    assert 75.0 == target.until("DownstreamLimited", within=600)

    forbidden = target.look()
    assert forbidden is not None
    assert 16 == forbidden.replicas
    assert (
        "from 8 to 16 replicas brought 2 % more (40.1 -> 40.9 messages/s): what the consumers call is the limit; "
        "give it more capacity, or set maxReplicas to 9"
    ) == forbidden.message
    # With the same words for as long as there is full work, and for five minutes after it.
    later = target.run(3600)
    assert later is not None
    assert (forbidden.reason, forbidden.message) == (later.reason, later.message)
    target.line.ready = 0.0
    assert target.run(295) is not None
    assert target.run(5) is None


def test_where_replicas_were_taken_away_they_may_come_back_up_to_as_many_as_help() -> None:
    target = at_full_work(rate=40.0)
    stepped(target, 16, rate=41.0)
    target.until("DownstreamLimited", within=600)

    target.scale(2)

    forbidden = target.look()
    assert forbidden is not None
    assert 9 == forbidden.replicas


def test_a_step_that_brings_what_is_expected_is_no_reason_to_block_the_next() -> None:
    target = at_full_work()
    stepped(target, 16, rate=80.0)

    assert target.run(900) is None
    assert target.limit is None
    trial = target.trial
    assert trial is not None
    assert (16, None) == (trial.replicas, trial.added)


@pytest.mark.parametrize("rate", [44.5, 50.0, 60.0])
def test_one_that_brings_a_part_of_it_neither(rate: float) -> None:
    target = at_full_work()
    stepped(target, 16, rate=rate)

    assert target.run(1800) is None


def test_the_block_doubles_each_time_up_to_half_an_hour_and_grows_no_further() -> None:
    target = at_full_work(replicas=8)
    blocks = []
    for replicas in (16, 32, 64, 128, 256):
        stepped(target, replicas, rate=40.0)
        target.run(75)
        limit = target.limit
        assert limit is not None
        blocks.append((limit.times, limit.until - target.now, limit.enough))
        target.run(blocks[-1][1])

    assert [(1, 300.0, 8), (2, 600.0, 8), (3, 1200.0, 8), (4, 1800.0, 8), (5, 1800.0, 8)] == blocks


@pytest.mark.parametrize(("enough", "then"), [(1, 2), (2, 3), (4, 5), (9, 11), (40, 50)])
def test_after_the_block_a_quarter_more_than_were_enough_may_be_tried(enough: int, then: int) -> None:
    limit = msgspec.structs.replace(LIMIT, enough=enough, until=1000.0, busy_at=1000.0, known_at=1290.0)

    assert [enough, then, then, None] == [allowed(limit=limit, now=now) for now in (999.9, 1000.0, 1299.9, 1300.0)]


@pytest.mark.parametrize(
    ("until", "busy_at", "known_at", "held"),
    [
        pytest.param(2000.0, 1000.0, 1000.0, [(1600.0, 8), (1600.1, None)], id="the block goes on for ten minutes"),
        pytest.param(1000.0, 990.0, 1000.0, [(1300.0, 10), (1600.0, 10), (1600.1, None)], id="unknown is no rest"),
        pytest.param(1000.0, 700.0, 1000.0, [(1000.0, None)], id="known to be at rest"),
        pytest.param(1000.0, 700.1, 999.9, [(1000.0, 10), (1000.1, None)], id="rest that was seen to come"),
    ],
)
def test_what_is_not_known_keeps_what_a_limit_held_for_ten_minutes(
    until: float, busy_at: float, known_at: float, held: list[tuple[float, int | None]]
) -> None:
    limit = msgspec.structs.replace(LIMIT, until=until, busy_at=busy_at, known_at=known_at)

    assert held == [(now, allowed(limit=limit, now=now)) for now, _ in held]


@pytest.mark.parametrize("times", [1, 3])
def test_a_step_that_is_never_judged_is_made_larger_until_it_is(times: int) -> None:
    limit = msgspec.structs.replace(LIMIT, enough=4, until=0.0, busy_at=1e9, times=times, known_at=1e9)

    assert [5, 6, 8, 12] == [allowed(limit=limit, now=times * now) for now in (899.9, 900.0, 1800.0, 2700.0)]
    assert 4 + 2**20 == allowed(limit=limit, now=9e8)


@pytest.mark.parametrize(
    ("there", "current", "most"),
    [(20, 20, 22), (20, 22, 22), (20, 30, 22), (20, 19, 10), (0, 16, 18), (0, 15, 10), (20, 0, 10)],
)
def test_where_all_are_still_there_that_were_too_many_the_step_goes_on_from_them(
    there: int, current: int, most: int
) -> None:
    """Eight were enough of 16 at work; more may have been asked for, which is not known any more after a restart."""
    limit = msgspec.structs.replace(LIMIT, there=there, until=1000.0, busy_at=1000.0, known_at=1000.0)

    assert most == allowed(limit=limit, now=1000.0, current=current)
    assert 8 == allowed(limit=limit, now=999.9, current=current)


def test_a_limit_that_is_none_is_looked_at_again_when_its_block_ends() -> None:
    """Sixteen do what eight did, for messages became heavier just then. Two more do as much more as they should."""
    target = at_full_work(replicas=8)
    stepped(target, 16, rate=40.0)
    target.until("DownstreamLimited", within=600)
    assert target.limit is not None
    assert 16 == target.limit.there
    target.run(300)
    forbidden = target.run(5)
    assert forbidden is not None
    assert 18 == forbidden.replicas
    stepped(target, 18, rate=45.0)
    target.run(300)

    assert (0, 18, 45.0) == (target.limit.times, target.limit.enough, target.limit.after)


def test_the_steps_that_follow_one_limit_after_another_go_on_from_the_fewest() -> None:
    target = at_full_work(replicas=8)
    for replicas in (16, 24):
        stepped(target, replicas, rate=40.0)
        target.run(300)

    assert target.limit is not None
    assert (2, 8, 16) == (target.limit.times, target.limit.enough, target.limit.there)


def test_a_block_never_ends_in_a_jump() -> None:
    target = at_full_work(replicas=8)
    stepped(target, 16, rate=40.0)
    target.until("DownstreamLimited", within=600)
    target.scale(4)
    target.line.consumers = 4

    told = []
    for _ in range(120):
        forbidden = target.run(5)
        assert forbidden is not None
        told.append(forbidden.replicas)
    assert [8] * 59 + [10] * 61 == told


def test_the_fewest_that_were_enough_stay_the_advice() -> None:
    target = at_full_work(replicas=8, rate=40.0)
    stepped(target, 16, rate=41.0)
    target.until("DownstreamLimited", within=600)
    target.run(60)
    stepped(target, 32, rate=41.0)
    target.run(120)

    limit = target.limit
    assert limit is not None
    assert (16, 32, 9) == (limit.low, limit.high, limit.enough)


def test_the_advice_of_other_entries_is_none_for_these() -> None:
    seen = FullWork(at=1000.0, tallies=(), saturated=1, current=16, pods=16)
    before = Span(seconds=100.0, acknowledged=4000.0, pod_seconds=800.0, consumer_seconds=800.0)
    after = msgspec.structs.replace(before, pod_seconds=1600.0, consumer_seconds=1600.0)
    crew = Crew(16, 16)
    trial = Trial(
        entries=1,
        replicas=16,
        at=995.0,
        acknowledged=0,
        elsewhere=0,
        ready=100,
        since=0.0,
        span=before,
        added=Added(800.0, 900.0, crew, crew, after),
    )
    for entries, enough in ((1, 3), (2, 8)):
        limit = _found(trial=trial, limit=msgspec.structs.replace(LIMIT, entries=entries, enough=3), now=seen.at)
        assert (8, 16, enough) == (limit.low, limit.high, limit.enough)


def test_a_step_while_the_block_holds_as_by_a_schedule_is_no_further_time() -> None:
    target = at_full_work()
    stepped(target, 16, rate=40.0)
    target.until("DownstreamLimited", within=600)

    target.run(60)
    stepped(target, 32, rate=40.0)
    target.run(120)

    limit = target.limit
    assert limit is not None
    assert (1, 16, 32) == (limit.times, limit.low, limit.high)


def test_a_block_that_ended_an_hour_ago_is_forgotten() -> None:
    target = at_full_work()
    stepped(target, 16, rate=40.0)
    target.until("DownstreamLimited", within=600)
    target.line.ready = 0.0
    # Five minutes of the block, and an hour.
    target.run(3900)
    assert target.limit is not None

    target.run(5)

    assert target.limit is None


def test_when_the_database_is_given_more_capacity_the_block_is_lifted_before_its_time() -> None:
    target = at_full_work()
    stepped(target, 16, rate=40.0)
    target.until("DownstreamLimited", within=600)
    assert target.run(300) is not None
    stepped(target, 32, rate=40.0)
    target.run(75)
    assert target.limit is not None
    assert 2 == target.limit.times

    target.line.acks = 320.0

    # It takes half a minute of full work with the 32 to see it, and another to measure what each of them manages.
    told: list[tuple[int, str]] = []
    while (forbidden := target.run(5)) is not None:
        told.append((forbidden.replicas, forbidden.message))
    gone = (
        "the limit behind the consumers is gone (40 -> 320 messages/s): what a replica manages is measured first, "
        "then there may be twice as many every 30 s"
    )
    assert [(replicas, gone) for replicas in (32, 64, 128, 256) for _ in range(6)] == told[7:]
    assert {32} == {replicas for replicas, _ in told[:7]}
    assert target.memory.seen.limit is None
    # And the next one, should it come, is a first one again.
    assert target.run(300) is None
    stepped(target, 128, rate=320.0)
    target.until("DownstreamLimited", within=600)
    assert target.limit is not None
    assert 1 == target.limit.times


def test_nothing_is_judged_while_pods_start_or_wait_for_a_node() -> None:
    target = at_full_work()
    target.scale(16, ready=8, starting=8)
    assert target.run(300) is None
    target.scale(16, ready=15, unschedulable=1)
    assert target.run(5) is None
    target.scale(16, ready=15, starting=1)
    assert target.run(150) is None
    # One more than asked for, as while pods are replaced.
    target.scale(16, ready=16, unschedulable=1)
    assert target.run(5) is None
    target.scale(16, ready=16, starting=1)
    assert target.run(150) is None
    assert target.limit is None


def test_nor_while_the_new_pods_have_no_consumers() -> None:
    target = at_full_work()
    stepped(target, 16, rate=40.0)
    target.line.consumers = 8
    assert target.run(60) is None

    target.line.consumers = 16

    assert 75.0 == target.until("DownstreamLimited", within=600)


def test_nor_where_pods_open_more_consumers_for_themselves() -> None:
    target = at_full_work()
    target.line.consumers = 80

    assert target.run(1800) is None


def test_the_start_up_time_puts_the_verdict_off() -> None:
    target = at_full_work(start=120.0)
    stepped(target, 16, rate=40.0)

    # The first of them were seen at work 15 s ago.
    assert 165.0 == target.until("DownstreamLimited", within=600)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"ready": 0.0}, id="the queue ran empty"),
        pytest.param({"counted": False}, id="the statistics are missing"),
        pytest.param({"alarmed": True}, id="an alarm of the broker"),
    ],
)
def test_what_comes_in_between_ends_the_trial_without_a_verdict(change: dict[str, object]) -> None:
    target = at_full_work()
    stepped(target, 16, rate=40.0)
    target.run(60)
    before = {name: getattr(target.line, name) for name in change}
    for name, value in change.items():
        setattr(target.line, name, value)
    target.run(20)
    for name, value in before.items():
        setattr(target.line, name, value)

    assert target.run(900) is None
    assert target.limit is None


def test_fewer_replicas_end_it_too() -> None:
    target = at_full_work()
    stepped(target, 16, rate=40.0)
    target.run(60)
    target.scale(15)
    target.run(5)
    target.scale(16)

    assert target.run(900) is None


def test_counters_that_fall_end_it_too() -> None:
    target = at_full_work()
    stepped(target, 16, rate=40.0)
    target.run(60)
    target.line.acknowledged = target.line.delivered = 0.0

    assert target.run(5) is None
    trial = target.trial
    assert trial is not None
    assert (None, 0.0) == (trial.added, trial.span.seconds)
    assert target.run(900) is None


def test_a_pod_that_crashes_after_the_step_counts_for_nothing_until_it_has_warmed_up_again() -> None:
    target = at_full_work()
    stepped(target, 16, rate=40.0)
    target.run(40)
    target.scale(16, ready=15, starting=1)
    target.run(5)
    trial = target.trial
    assert trial is not None
    assert trial.added is not None
    assert (Crew(15, 16), Crew(15, 16)) == (trial.added.certain, trial.added.mark)

    # It is back, and after another 40 s what it does is in the counters.
    target.scale(16)
    target.run(30)
    assert target.limit is not None
    assert (8, 15) == (target.limit.low, target.limit.high)


def test_steps_that_follow_one_another_do_not_put_the_verdict_off() -> None:
    target = at_full_work()
    for replicas in (12, 16, 20, 24, 28):
        stepped(target, replicas, rate=40.0, starting=10.0)
        target.run(10)

    limit = target.limit
    assert limit is not None
    # The first four were seen at work 15 s after they were asked for and count 40 s later, then the next.
    assert (8, 13, 8, 100.0) == (limit.low, limit.high, limit.enough, limit.until - 300.0 - 10_300.0)


def test_pods_that_start_for_a_quarter_of_an_hour_are_compared_once_they_work() -> None:
    target = at_full_work()
    target.scale(16, ready=8, starting=8)
    assert target.run(905) is None
    target.scale(16)
    target.line.consumers = 16

    assert 75.0 == target.until("DownstreamLimited", within=900)


def test_without_full_work_before_the_step_there_is_nothing_to_compare_with() -> None:
    target = at_full_work(seconds=35.0)
    stepped(target, 16, rate=40.0, starting=0.0)

    assert target.run(900) is None


@pytest.mark.parametrize(("waiting", "held"), [(200.0, True), (199.0, False)])
def test_as_many_must_wait_as_are_worked_on_until_the_next_reading(waiting: float, *, held: bool) -> None:
    """Of fewer it is not certain that all were busy in between: 40/s are 200 in 5 s."""
    target = at_full_work()
    target.line.ready, target.line.arrives = waiting, 40.0
    target.run(300)
    stepped(target, 16, rate=40.0)

    assert held is (target.run(300) is not None)


@pytest.mark.parametrize(("age", "known"), [(60.0, True), (60.1, False)])
def test_pods_that_were_read_a_minute_ago_are_known(age: float, known: bool) -> None:  # noqa: FBT001 - a table
    target = at_full_work()
    target.now += 5
    observation = target.observation()
    assert observation.pods is not None
    tallies = [tallied(entry=entry, now=target.now) for entry in observation.entries]
    older = replace(observation, pods=msgspec.structs.replace(observation.pods, at=target.now - age))

    assert known == (full_work(tallies=tallies, consumed=[True], observation=older, now=target.now) is not None)


def test_what_was_measured_is_halved_after_ten_minutes() -> None:
    target = Target(
        lines=[Line(ready=FOREVER, acks=40.0), Line(ready=0.0, acks=2.0, arrives=2.0)], spec=spec_of({}, {})
    )
    # The counters tell of nothing but full work 10 s after the first reading.
    target.run(620)
    assert target.trial is not None
    assert 605.0 == target.trial.span.seconds

    target.run(5)

    assert (
        Span(
            seconds=307.5,
            acknowledged=12_300.0,
            elsewhere=615.0,
            pod_seconds=922.5,
            consumer_seconds=922.5,
        )
        == target.trial.span
    )


def test_a_step_from_zero_is_never_judged() -> None:
    target = at_full_work(replicas=0, rate=0.0)
    stepped(target, 16, rate=40.0)

    assert target.run(900) is None


def test_an_entry_without_messages_is_not_held_up_and_one_with_some_is() -> None:
    target = Target(
        lines=[Line(ready=FOREVER, acks=40.0), Line(ready=0.0, acks=1.0, arrives=1.0)], spec=spec_of({}, {})
    )
    target.scale(8)
    target.line.consumers = 8
    target.run(300)
    stepped(target, 16, rate=40.0)

    assert target.until("DownstreamLimited", within=600) <= 600
    assert target.look(index=1) is None
    assert target.limit is not None
    assert 0b01 == target.limit.entries


def test_work_that_the_new_pods_do_in_another_entry_is_a_gain() -> None:
    target = Target(
        lines=[Line(ready=FOREVER, acks=40.0), Line(ready=0.0, acks=1.0, arrives=1.0)], spec=spec_of({}, {})
    )
    target.scale(8)
    target.line.consumers = 8
    target.run(300)
    stepped(target, 16, rate=40.0)
    target.lines[1].acks = target.lines[1].arrives = 30.0

    assert target.run(900) is None


def test_an_entry_whose_counters_are_not_known_may_be_where_the_work_goes() -> None:
    target = Target(lines=[Line(ready=FOREVER, acks=40.0), Line(counted=False)], spec=spec_of({}, {}))
    target.scale(8)
    target.line.consumers = 8
    target.run(300)
    stepped(target, 16, rate=40.0)

    assert target.run(900) is None


def test_an_entry_that_the_target_only_feeds_is_left_out() -> None:
    target = Target(
        lines=[Line(counted=False), Line(ready=FOREVER, acks=40.0)],
        spec=spec_of({"deliverRate": {"perReplica": 5}}, {}),
    )
    target.scale(8)
    target.lines[1].consumers = 8
    target.run(300)
    target.scale(16)
    target.lines[1].consumers = 16

    assert target.until("DownstreamLimited", within=600, index=1) < 600
    assert target.look(index=0) is None


def test_the_statistics_go_missing_and_what_was_held_is_held_for_ten_minutes() -> None:
    target = at_full_work()
    stepped(target, 16, rate=40.0)
    target.until("DownstreamLimited", within=600)
    target.line.counted = False

    assert target.run(600) is not None
    assert target.run(5) is None

    target.line.counted = True
    assert target.run(5) is not None


def test_pods_that_are_not_known_are_no_trial() -> None:
    target = at_full_work()
    target.pods = None
    target.replicas = 16

    assert target.run(900) is None
    assert target.trial is None


def test_throughput_that_flaps_is_no_limit_while_steps_bring_something_on_average() -> None:
    target = at_full_work(replicas=8, rate=40.0, seconds=600)
    stepped(target, 16, rate=80.0)
    for rate in (100.0, 30.0) * 30:
        target.line.acks = rate
        assert target.run(15) is None


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (40.1, 40.9, "from 8 to 16 replicas brought 2 % more (40.1 -> 40.9 messages/s)"),
        (40.0, 40.4, "from 8 to 16 replicas brought 1 % more (40 -> 40.4 messages/s)"),
        (40.0, 40.1, "from 8 to 16 replicas brought nothing (40 -> 40.1 messages/s)"),
        (40.0, 30.0, "from 8 to 16 replicas brought nothing (40 -> 30 messages/s)"),
    ],
)
def test_what_it_says(before: float, after: float, words: str) -> None:
    limit = DownstreamLimit(
        entries=1,
        low=8,
        high=16,
        enough=9,
        before=before,
        after=after,
        variance=0.0,
        times=1,
        until=0.0,
        busy_at=0.0,
        known_at=0.0,
    )

    assert (
        f"{words}: what the consumers call is the limit; give it more capacity, or set maxReplicas to 9"
    ) == limit_words(limit)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [(0.4, 0.6, (1, 2)), (0.6, 2.4, (1, 2)), (1.6, 2.4, (2, 3)), (1.4, 2.6, (1, 3)), (8.0, 16.0, (8, 16))],
)
def test_averages_are_told_as_whole_replicas_of_which_there_were_more(
    before: float, after: float, told: tuple[int, int]
) -> None:
    crew = Crew(16, 16)
    trial = Trial(
        entries=1,
        replicas=16,
        at=995.0,
        acknowledged=0,
        elsewhere=0,
        ready=100,
        since=0.0,
        span=Span(seconds=100.0, acknowledged=4000.0, pod_seconds=100.0 * before, consumer_seconds=800.0),
        added=Added(
            800.0,
            900.0,
            crew,
            crew,
            Span(seconds=100.0, acknowledged=4000.0, pod_seconds=100.0 * after, consumer_seconds=800.0),
        ),
    )
    limit = _found(trial=trial, limit=None, now=1000.0)

    assert told == (limit.low, limit.high)
    assert limit.low <= limit.enough <= limit.high
