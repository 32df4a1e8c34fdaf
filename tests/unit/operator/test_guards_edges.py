"""Where a guard begins to hold, and where it ends."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from qc_operator.scaling.downstream_limit import DownstreamLimit, _found, limit_words
from qc_operator.scaling.forbidden import Forbidden
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.redelivery import loops
from qc_operator.scaling.step_effect import Effect, Span, effect, rose
from qc_operator.scaling.trial import TRIAL, Added, Crew, Trial
from qc_operator.scaling.unschedulable import unschedulable_words
from tests.guarded_target import TURN, Target


def test_replicas_that_were_added_are_compared_for_a_quarter_of_an_hour_and_are_then_what_is_compared_with() -> None:
    target = Target(start_seconds=30.0)
    target.scale(8)
    target.line.ready, target.line.consumers, target.line.acks = 1e9, 8, 40.0
    target.run(300)
    target.scale(16)
    # An eighth of what is expected is neither nothing nor certainly something.
    target.line.consumers, target.line.acks = 10, 41.25

    target.run(TURN + TRIAL)
    assert target.trial is not None
    assert target.trial.added is not None
    target.run(TURN)
    assert target.trial is not None
    # Of 860 s that were measured half is kept, as of all that is older than ten minutes.
    ended = target.trial
    assert (None, 435.0) == (ended.added, ended.span.seconds)


@pytest.mark.parametrize(
    ("after", "words"), [(16.0, "60 % more (10 -> 16 messages/s)"), (10.04, "nothing (10 -> 10 messages/s)")]
)
def test_what_a_step_brought_is_told_as_a_share(after: float, words: str) -> None:
    limit = DownstreamLimit(
        entries=1,
        low=8,
        high=16,
        enough=9,
        before=10.0,
        after=after,
        variance=0.1,
        times=1,
        until=1000.0,
        busy_at=700.0,
        known_at=700.0,
    )

    assert (
        f"from 8 to 16 replicas brought {words}: what the consumers call is the limit; "
        "give it more capacity, or set maxReplicas to 9"
    ) == limit_words(limit)


LONG = Span(seconds=10_000.0, acknowledged=100_000.0, pod_seconds=10_000.0, consumer_seconds=10_000.0)
"""10/s, with next to no noise."""


@pytest.mark.parametrize(
    ("after", "found"),
    [
        # Of a gain of 10/s that is expected a tenth is neither nothing nor clearly more.
        ({"acknowledged": 110_000.0}, Effect.UNCLEAR),
        ({"acknowledged": 109_000.0}, Effect.NOTHING),
        ({"acknowledged": 120_000.0}, Effect.SOMETHING),
        ({"elsewhere": 10_000.0}, Effect.NOTHING),
        ({"elsewhere": 10_001.0}, Effect.ELSEWHERE),
    ],
)
def test_a_tenth_of_what_is_expected_is_where_a_step_begins_to_bring_something(
    after: dict[str, float], found: Effect
) -> None:
    doubled = replace(LONG, pod_seconds=20_000.0, consumer_seconds=20_000.0, **after)

    assert found is effect(before=LONG, after=doubled)


@pytest.mark.parametrize(("acknowledged", "more"), [(110_000.0, False), (110_010.0, True)])
def test_throughput_rose_when_it_is_more_than_a_tenth_higher(acknowledged: float, *, more: bool) -> None:
    assert more is rose(span=Span(seconds=10_000.0, acknowledged=acknowledged), rate=10.0, variance=0.0)


def test_each_recovery_from_silence_takes_half_a_minute() -> None:
    target = Target()
    target.until("ConsumersStuck", within=600)
    for _ in range(2):
        target.line.acks = 1.0
        assert 35.0 == target.until(None, within=600)
        target.line.acks = 0.0
        # Nothing at all comes after the acknowledgement that ended the silence.
        assert target.until("ConsumersStuck", within=600) < 600


def test_the_schedulers_words_lose_nothing_but_their_full_stop() -> None:
    pods = Pods(ready=1, unschedulable=2, why_unschedulable=" no room in zone X. ", at=100.0)

    assert (
        "2 of 3 pods find no node (no room in zone X): no more are asked for until they do; "
        "add nodes, lower the pods' requests, or set maxReplicas to 1"
    ) == unschedulable_words(since=50.0, pods=pods, now=100.0)


def test_one_replica_is_enough_to_be_held_for_want_of_nodes() -> None:
    target = Target(replicas=1)
    target.scale(1, ready=0, unschedulable=1)
    forbidden = target.run(60)

    assert (
        Forbidden(
            reason="Unschedulable",
            message=(
                "1 of 1 pod finds no node (0/3 nodes are available: 3 Insufficient cpu): no more are asked for until "
                "it does; add nodes or lower the pods' requests"
            ),
            replicas=1,
        )
        == forbidden
    )


def test_no_replica_is_held_where_there_is_none() -> None:
    target = Target(replicas=1)
    target.scale(1, ready=0, unschedulable=1)
    target.run(60)
    target.replicas = 0
    target.pods = replace_pods(target.pods)

    assert target.look() is None


def replace_pods(pods: Pods | None) -> Pods:
    assert pods is not None
    return Pods(ready=0, unschedulable=pods.unschedulable, at=pods.at)


def test_where_pods_start_at_once_only_the_age_of_the_statistics_is_waited_for() -> None:
    target = Target(start_seconds=0.0)
    target.scale(8)
    target.line.ready, target.line.consumers, target.line.acks = 1e9, 8, 40.0
    target.run(300)
    target.scale(16)
    target.line.consumers = 16

    # One reading sees more replicas; statistics may be 10 s old, and a message takes 0.2 s; a comparison takes 30 s.
    assert 50.0 == target.until("DownstreamLimited", within=600)


@pytest.mark.parametrize(("now", "times"), [(999.0, 1), (1000.0, 2)])
def test_a_limit_that_is_found_as_the_block_ends_is_found_once_more(now: float, times: int) -> None:
    before = DownstreamLimit(
        entries=1,
        low=8,
        high=16,
        enough=9,
        before=10.0,
        after=10.0,
        variance=0.1,
        times=1,
        until=1000.0,
        busy_at=900.0,
        known_at=900.0,
    )
    crew = Crew(32, 32)
    trial = Trial(
        entries=1,
        replicas=32,
        at=now,
        acknowledged=0,
        elsewhere=0,
        ready=100,
        since=0.0,
        span=LONG,
        added=Added(900.0, 900.0, crew, crew, replace(LONG, pod_seconds=20_000.0)),
    )

    found = _found(trial=trial, limit=before, now=now)
    assert (times, now + 300.0 * times, now) == (found.times, found.until, found.busy_at)


@pytest.mark.parametrize(
    ("acknowledged", "held", "windows"),
    [
        pytest.param(0, (0, 0), 0, id="they acknowledge automatically"),
        pytest.param(5, (0, 0), 2, id="a quarter was finished"),
        pytest.param(0, (0, 5), 2, id="none, and five are in hand"),
        pytest.param(0, (5, 0), 2, id="none, and five were given back"),
        pytest.param(9, (3, 3), 2, id="a little less than half"),
        pytest.param(10, (3, 3), 1, id="half"),
        pytest.param(12, (3, 3), 1, id="three fifths"),
        pytest.param(13, (3, 3), 0, id="more than that"),
    ],
)
def test_when_most_deliveries_are_repeated(acknowledged: int, held: tuple[int, int], windows: int) -> None:
    assert windows == loops(seconds=60.0, delivered=20, acknowledged=acknowledged, held=held, before=1)


def test_two_windows_are_as_many_as_are_counted() -> None:
    assert 2 == loops(seconds=60.0, delivered=20, acknowledged=0, held=(5, 5), before=2)


@pytest.mark.parametrize(("seconds", "windows"), [(299.0, None), (300.0, 0)])
def test_too_few_deliveries_say_nothing_and_are_let_go_after_five_minutes(seconds: float, windows: int | None) -> None:
    assert windows == loops(seconds=seconds, delivered=19, acknowledged=0, held=(3, 3), before=1)


def test_of_the_schedulers_words_the_first_sentence_is_told() -> None:
    pods = Pods(ready=0, unschedulable=1, why_unschedulable="no room. preemption: none. ", at=100.0)
    words = unschedulable_words(since=50.0, pods=pods, now=100.0)

    assert words is not None
    assert words.startswith("1 of 1 pod finds no node (no room): ")
