"""DownstreamLimited: a step up that brought nothing blocks the next one for a while."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from qc_operator.scaling.downstream_limit import Limit, figures, limited
from qc_operator.scaling.step_effect import Span
from qc_operator.scaling.tally import tallied
from tests.guarded_target import Line, Target, spec_of

FOREVER = 1e9


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

    # A reading sees all of them ready; start-up and the age of the statistics take 40 s, the comparison 60 s.
    assert 105.0 == target.until("DownstreamLimited", within=600)

    forbidden = target.look()
    assert forbidden is not None
    assert 16 == forbidden.replicas
    assert (
        "from 8 to 16 replicas brought 2 % more (40.1 -> 40.9 messages/s): what the consumers call is the limit; "
        "give it more capacity, or set maxReplicas to 9"
    ) == forbidden.message
    # For five minutes, with the same words.
    assert target.run(295) == forbidden
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
    assert (16, None) == (trial.replicas, trial.step)


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
        target.until("DownstreamLimited", within=600)
        limit = target.limit
        assert limit is not None
        blocks.append((limit.times, limit.until - target.now))
        assert target.run(blocks[-1][1] - 5) is not None
        assert target.run(5) is None

    assert [(1, 300.0), (2, 600.0), (3, 1200.0), (4, 1800.0), (5, 1800.0)] == blocks


def test_a_step_while_the_block_holds_as_by_a_schedule_is_no_further_time() -> None:
    target = at_full_work()
    stepped(target, 16, rate=40.0)
    target.until("DownstreamLimited", within=600)

    stepped(target, 32, rate=40.0)
    target.run(120)

    limit = target.limit
    assert limit is not None
    assert (1, 16, 32) == (limit.times, limit.low, limit.high)


def test_a_block_that_ended_an_hour_ago_is_forgotten() -> None:
    target = at_full_work()
    stepped(target, 16, rate=40.0)
    target.until("DownstreamLimited", within=600)
    target.run(300)
    target.line.ready = 0.0
    target.run(3600)
    assert target.limit is not None

    target.run(5)

    assert target.limit is None


def test_when_the_database_is_given_more_capacity_the_block_is_lifted_before_its_time() -> None:
    target = at_full_work()
    stepped(target, 16, rate=40.0)
    target.until("DownstreamLimited", within=600)
    assert target.run(300) is None
    stepped(target, 32, rate=40.0)
    target.until("DownstreamLimited", within=600)
    assert target.limit is not None
    assert 2 == target.limit.times

    target.line.acks = 320.0

    assert target.until(None, within=600) < 60
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
    target.line.consumers = 15
    assert target.run(600) is None

    target.line.consumers = 16

    assert 105.0 == target.until("DownstreamLimited", within=600)


def test_the_start_up_time_puts_the_verdict_off() -> None:
    target = at_full_work(start=120.0)
    stepped(target, 16, rate=40.0)

    assert 195.0 == target.until("DownstreamLimited", within=600)


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
    assert (None, 0.0) == (trial.step, trial.span.seconds)
    assert target.run(900) is None


def test_a_pod_that_crashes_after_the_step_has_the_comparison_begin_anew() -> None:
    target = at_full_work()
    stepped(target, 16, rate=40.0)
    target.run(70)
    target.scale(16, ready=15, starting=1)
    target.run(5)
    target.scale(16)

    assert 105.0 == target.until("DownstreamLimited", within=600)


def test_several_steps_one_after_the_other_are_judged_as_one() -> None:
    target = at_full_work()
    for replicas in (10, 12, 14, 16):
        stepped(target, replicas, rate=40.0)
        target.run(20)

    target.until("DownstreamLimited", within=600)

    limit = target.limit
    assert limit is not None
    assert (8, 16) == (limit.low, limit.high)


def test_a_quarter_of_an_hour_after_the_step_it_is_no_longer_compared() -> None:
    target = at_full_work()
    target.scale(16, ready=8, starting=8)
    target.run(905)
    target.scale(16)
    target.line.consumers = 16

    assert target.run(900) is None


def test_without_full_work_before_the_step_there_is_nothing_to_compare_with() -> None:
    target = at_full_work(seconds=55.0)
    stepped(target, 16, rate=40.0)

    assert target.run(900) is None


def test_one_message_that_waits_is_enough_to_say_that_all_are_busy() -> None:
    target = at_full_work()
    target.line.ready, target.line.arrives = 1.0, 40.0
    target.run(300)
    stepped(target, 16, rate=40.0)

    assert target.until("DownstreamLimited", within=600) <= 600


@pytest.mark.parametrize(("age", "known"), [(60.0, True), (60.1, False)])
def test_pods_that_were_read_a_minute_ago_are_known(age: float, known: bool) -> None:  # noqa: FBT001 - a table
    target = at_full_work()
    target.now += 5
    observation = target.observation()
    assert observation.pods is not None
    tallies = [tallied(entry=entry, now=target.now) for entry in observation.entries]
    older = replace(observation, pods=msgspec.structs.replace(observation.pods, at=target.now - age))

    assert known == (figures(tallies=tallies, consumed=[True], observation=older, now=target.now) is not None)


def test_what_was_measured_is_halved_after_ten_minutes() -> None:
    target = Target(
        lines=[Line(ready=FOREVER, acks=40.0), Line(ready=0.0, acks=2.0, arrives=2.0)], spec=spec_of({}, {})
    )
    target.run(605)
    assert target.trial is not None
    assert 600.0 == target.trial.span.seconds

    target.run(5)

    assert Span(seconds=302.5, acknowledged=12_100.0, elsewhere=605.0) == target.trial.span


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


def test_the_statistics_go_missing_and_the_block_rests() -> None:
    target = at_full_work()
    stepped(target, 16, rate=40.0)
    target.until("DownstreamLimited", within=600)
    target.line.counted = False

    assert target.run(15) is not None
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
    limit = Limit(entries=1, low=8, high=16, enough=9, before=before, after=after, variance=0.0, times=1, until=0.0)

    assert (
        f"{words}: what the consumers call is the limit; give it more capacity, or set maxReplicas to 9"
    ) == limited(limit)
