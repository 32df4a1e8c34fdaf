"""Where a guard begins to hold, and where it ends."""

from __future__ import annotations

import pytest

from qc_operator.scaling.downstream_limit import TRIAL, Limit, Step, Trial, _limited, limited
from qc_operator.scaling.guards import Forbidden
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.step_effect import Effect, Span, effect, rose
from qc_operator.scaling.stuck_consumers import Progress, _compared, _loops
from qc_operator.scaling.tally import Tally
from qc_operator.scaling.unschedulable import unschedulable
from tests.guarded_target import TURN, Target


def test_a_trial_whose_pods_do_not_start_ends_after_a_quarter_of_an_hour() -> None:
    target = Target(start_seconds=30.0)
    target.scale(8)
    target.line.ready, target.line.consumers, target.line.acks = 1e9, 8, 40.0
    target.run(300)
    target.scale(16, ready=8, starting=8)

    target.run(TURN + TRIAL)
    assert target.trial is not None
    assert target.trial.step is not None
    target.run(TURN)
    assert target.trial is None


@pytest.mark.parametrize(
    ("after", "words"), [(16.0, "60 % more (10 -> 16 messages/s)"), (10.04, "nothing (10 -> 10 messages/s)")]
)
def test_what_a_step_brought_is_told_as_a_share(after: float, words: str) -> None:
    limit = Limit(entries=1, low=8, high=16, enough=9, before=10.0, after=after, variance=0.1, times=1, until=1000.0)

    assert (
        f"from 8 to 16 replicas brought {words}: what the consumers call is the limit; "
        "give it more capacity, or set maxReplicas to 9"
    ) == limited(limit)


LONG = Span(seconds=10_000.0, acknowledged=100_000.0)
"""10/s, with next to no noise."""


@pytest.mark.parametrize(
    ("after", "found"),
    [
        # Of a gain of 10/s that is expected a tenth is neither nothing nor clearly more.
        (Span(seconds=10_000.0, acknowledged=110_000.0), Effect.UNCLEAR),
        (Span(seconds=10_000.0, acknowledged=109_000.0), Effect.NOTHING),
        (Span(seconds=10_000.0, acknowledged=120_000.0), Effect.SOMETHING),
        (Span(seconds=10_000.0, acknowledged=100_000.0, elsewhere=10_000.0), Effect.NOTHING),
        (Span(seconds=10_000.0, acknowledged=100_000.0, elsewhere=10_001.0), Effect.ELSEWHERE),
    ],
)
def test_a_tenth_of_what_is_expected_is_where_a_step_begins_to_bring_something(after: Span, found: Effect) -> None:
    assert found is effect(before=LONG, after=after, low=1, high=2)


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
    ) == unschedulable(since=50.0, pods=pods, now=100.0)


def test_one_replica_is_enough_to_be_held_for_want_of_nodes() -> None:
    target = Target(replicas=1)
    target.scale(1, ready=0, unschedulable=1)
    forbidden = target.run(60)

    assert (
        Forbidden(
            reason="Unschedulable",
            message=(
                "1 of 1 pods find no node (0/3 nodes are available: 3 Insufficient cpu): no more are asked for until "
                "they do; add nodes or lower the pods' requests"
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

    # One reading sees more replicas, the next all of them ready; statistics may be 10 s old, a comparison takes 60 s.
    assert 80.0 == target.until("DownstreamLimited", within=600)


@pytest.mark.parametrize(("now", "times"), [(999.0, 1), (1000.0, 2)])
def test_a_limit_that_is_found_as_the_block_ends_is_found_once_more(now: float, times: int) -> None:
    before = Limit(entries=1, low=8, high=16, enough=9, before=10.0, after=10.0, variance=0.1, times=1, until=1000.0)
    step = Step(replicas=16, consumers=16, span=LONG, at=900.0)
    trial = Trial(entries=1, replicas=32, consumers=32, at=now, acknowledged=0, elsewhere=0, span=LONG)

    found = _limited(step=step, trial=trial, limit=before, now=now)
    assert (times, now + 300.0 * times) == (found.times, found.until)


def progress(*, unacknowledged: int, loops: int = 1) -> Progress:
    return Progress(
        read_at=60.0,
        at=0.0,
        acknowledged=0,
        delivered=0,
        unacknowledged=unacknowledged,
        since=0.0,
        last_acknowledged=0,
        messages=100,
        loops=loops,
    )


@pytest.mark.parametrize(
    ("acknowledged", "held", "loops"),
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
def test_when_most_deliveries_are_repeated(acknowledged: int, held: tuple[int, int], loops: int) -> None:
    tally = Tally(
        at=60.0,
        acknowledged=acknowledged,
        delivered=20,
        ready=100,
        consumers=3,
        unacknowledged=held[1],
        messages=100,
    )

    assert loops == _loops(progress(unacknowledged=held[0]), tally=tally)


@pytest.mark.parametrize(("seconds", "loops"), [(299.0, None), (300.0, 0)])
def test_too_few_deliveries_say_nothing_and_are_let_go_after_five_minutes(seconds: float, loops: int | None) -> None:
    tally = Tally(at=seconds, acknowledged=0, delivered=19, ready=100, consumers=3, unacknowledged=3, messages=100)

    assert loops == _compared(progress(unacknowledged=3), tally=tally, working=True)


def test_of_the_schedulers_words_the_first_sentence_is_told() -> None:
    pods = Pods(ready=0, unschedulable=1, why_unschedulable="no room. preemption: none. ", at=100.0)
    words = unschedulable(since=50.0, pods=pods, now=100.0)

    assert words is not None
    assert words.startswith("1 of 1 pods find no node (no room): ")
