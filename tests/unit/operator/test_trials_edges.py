"""What a trial of a step up, and the watch for stuck consumers, keep of each reading."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from qc_operator.scaling.downstream_limit import DownstreamLimit, tried
from qc_operator.scaling.full_work import FullWork, full_work
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.step_effect import Span
from qc_operator.scaling.stuck_consumers import Progress, progressed
from qc_operator.scaling.tally import EntryTally
from qc_operator.scaling.trial import Added, Crew, Trial, compared_anew

NOW = 1000.0


def tally(*, at: float = NOW, acknowledged: int = 500, delivered: int = 500, **changes: Any) -> EntryTally:
    usual = EntryTally(
        at=at, acknowledged=acknowledged, delivered=delivered, ready=9, consumers=3, unacknowledged=5, messages=100
    )
    return replace(usual, **changes)


def seen(*tallies: EntryTally | None, at: float = NOW, current: int = 8, pods: int | None = None) -> FullWork:
    saturated = sum(1 << index for index, each in enumerate(tallies) if each is not None and each.ready > 0)
    return FullWork(
        at=at, tallies=tallies, saturated=saturated, current=current, pods=current if pods is None else pods
    )


def after(
    before: Trial | None, seen: FullWork, *, limit: DownstreamLimit | None = None, warm_up: float = 0.0
) -> tuple[Trial | None, DownstreamLimit | None]:
    return tried(before=before, limit=limit, seen=seen, warm_up=warm_up, now=seen.at)


@pytest.mark.parametrize(("ready", "current", "expected"), [(8, 8, 8), (7, 8, 7), (9, 8, 8), (0, 0, 0), (-1, 8, 0)])
def test_pods_at_work_are_those_that_are_ready_and_asked_for(ready: int, current: int, expected: int) -> None:
    pods = Pods(ready=ready, starting=(NOW,), unschedulable=1, at=NOW)
    observation = Observation(entries=(), current=current, running=current, pods=pods)
    found = full_work(tallies=[tally()], consumed=[True], observation=observation, now=NOW)

    assert found is not None
    assert expected == found.pods


def test_full_work_leaves_out_what_others_consume() -> None:
    observation = Observation(entries=(), current=8, running=8, pods=Pods(ready=8, at=NOW))
    busy, old, others = tally(), tally(at=NOW - 4), tally(at=NOW - 9)
    found = full_work(
        tallies=[busy, replace(busy, ready=0), others, old],
        consumed=[True, True, False, True],
        observation=observation,
        now=NOW,
    )

    assert found is not None
    assert (NOW - 4, 0b1001, 8) == (found.at, found.saturated, found.current)
    assert (busy, replace(busy, ready=0), None, old) == found.tallies


def test_one_message_that_waits_is_work() -> None:
    observation = Observation(entries=(), current=8, running=8, pods=Pods(ready=8, at=NOW))
    found = full_work(tallies=[tally(ready=1)], consumed=[True], observation=observation, now=NOW)

    assert found is not None
    assert 1 == found.saturated


def test_without_an_entry_that_is_consumed_there_is_no_work_of_the_target() -> None:
    observation = Observation(entries=(), current=8, running=8, pods=Pods(ready=8, at=NOW))

    assert full_work(tallies=[tally()], consumed=[False], observation=observation, now=NOW) is None
    assert full_work(tallies=[tally(), None], consumed=[True, True], observation=observation, now=NOW) is None


def test_a_trial_begins_with_the_counters_of_all_entries_that_have_work() -> None:
    first, second = tally(acknowledged=500, consumers=3), tally(acknowledged=70, consumers=4)
    idle = [tally(acknowledged=3, ready=0), tally(acknowledged=9, ready=0)]
    trial, _ = after(None, seen(first, None, second, *idle))

    # Counters tell of nothing but full work 10 s later.
    assert Trial(entries=0b101, replicas=8, at=NOW, acknowledged=570, elsewhere=12, ready=18, since=NOW + 10) == trial


@pytest.mark.parametrize(
    "nobody",
    [
        pytest.param(seen(tally(ready=0)), id="no work"),
        pytest.param(seen(tally(), pods=0), id="no pods"),
        pytest.param(seen(tally(consumers=0)), id="no consumers"),
    ],
)
def test_without_work_or_anybody_who_does_it_none_begins(nobody: FullWork) -> None:
    assert after(None, nobody)[0] is None


TRIAL = Trial(entries=1, replicas=8, at=NOW, acknowledged=500, elsewhere=0, ready=100, since=NOW)


def test_the_same_reading_changes_nothing() -> None:
    assert after(TRIAL, seen(tally()))[0] is TRIAL


def work(seconds: float, acknowledged: float, *, elsewhere: float = 0.0, pods: float = 8, consumers: float = 3) -> Span:
    return Span(
        seconds=seconds,
        acknowledged=acknowledged,
        elsewhere=elsewhere,
        pod_seconds=pods * seconds,
        consumer_seconds=consumers * seconds,
    )


@pytest.mark.parametrize(
    ("reading", "span"),
    [
        (seen(tally(acknowledged=540), at=NOW + 5), work(5.0, 40.0)),
        (seen(tally(acknowledged=540), at=NOW + 15), work(15.0, 40.0)),
        # Nothing was finished, which is a measurement, too.
        (seen(tally(), at=NOW + 5), work(5.0, 0.0)),
        (seen(tally(acknowledged=600), at=NOW + 5), work(5.0, 100.0)),
        (seen(tally(), tally(acknowledged=7, ready=0), at=NOW + 5), work(5.0, 0.0, elsewhere=7.0)),
        # Those that came meanwhile may have done it all.
        (seen(tally(consumers=9), at=NOW + 5, current=12, pods=10), work(5.0, 0.0, pods=10, consumers=9)),
    ],
)
def test_a_trial_goes_on_with_what_was_finished_since(reading: FullWork, span: Span) -> None:
    trial, _ = after(TRIAL, reading)

    assert trial is not None
    assert span == trial.span


def test_what_the_counters_tell_of_the_time_before_does_not_count() -> None:
    trial, _ = after(replace(TRIAL, since=NOW + 0.1), seen(tally(acknowledged=540), at=NOW + 5))

    assert trial is not None
    assert (Span(), 540, NOW + 5, NOW + 0.1) == (trial.span, trial.acknowledged, trial.at, trial.since)


MEASURED = work(90.0, 900.0)


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param(seen(tally(acknowledged=540), at=NOW + 15.5), id="a gap"),
        pytest.param(seen(tally(acknowledged=499), at=NOW + 5), id="counters that fell"),
        pytest.param(seen(tally(acknowledged=601), at=NOW + 5), id="more was finished than was waiting"),
        pytest.param(seen(tally(acknowledged=540), at=NOW + 5, current=7), id="fewer replicas"),
    ],
)
def test_a_trial_begins_anew_where_full_work_is_not_certain(reading: FullWork) -> None:
    trial, _ = after(replace(TRIAL, span=MEASURED), reading)

    assert trial is not None
    assert (Span(), reading.at + 10) == (trial.span, trial.since)


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param(seen(tally(acknowledged=540), at=NOW + 5, pods=0), id="no pods"),
        pytest.param(seen(tally(acknowledged=540, consumers=0), at=NOW + 5), id="no consumers"),
        pytest.param(seen(tally(acknowledged=540, ready=0), at=NOW + 5), id="no messages"),
    ],
)
def test_and_ends_where_there_is_none(reading: FullWork) -> None:
    assert after(replace(TRIAL, span=MEASURED), reading)[0] is None


def test_work_elsewhere_that_falls_ends_it_too() -> None:
    trial, _ = after(
        replace(TRIAL, span=MEASURED, elsewhere=8), seen(tally(), tally(acknowledged=7, ready=0), at=NOW + 5)
    )

    assert trial is not None
    assert Span() == trial.span


def test_replicas_that_were_added_are_compared_with_all_that_was_measured_before() -> None:
    reading = seen(tally(acknowledged=540, consumers=6), at=NOW + 5, current=20, pods=16)
    trial, _ = after(replace(TRIAL, span=MEASURED), reading)

    assert trial is not None
    assert (20, MEASURED) == (trial.replicas, trial.span)
    assert Added(NOW + 5, NOW + 5, Crew(16, 6), None, Span(), 0.0, 0.0) == trial.added


def added(at: float, **changes: Any) -> Added:
    """What is kept of replicas that were added 15 s ago, with one second for a message."""
    usual = Added(NOW - 15, NOW - 10, Crew(16, 6), Crew(14, 5), work(40.0, 1.0, pods=14, consumers=5), 800.0, 300.0)
    trial = replace(TRIAL, span=replace(MEASURED, consumer_seconds=900.0), added=replace(usual, **changes))
    found, _ = after(trial, seen(tally(acknowledged=510, consumers=7), at=at, current=18, pods=17))
    assert found is not None
    assert found.added is not None
    return found.added


def test_those_count_that_have_been_at_work_for_as_long_as_the_statistics_are_late_and_a_message_takes() -> None:
    assert Added(
        NOW - 15,
        NOW - 10,
        Crew(16, 6),
        Crew(14, 5),
        work(40.5, 11.0, pods=14, consumers=5),
        800.0 + 17 * 0.5,
        300.0 + 7 * 0.5,
    ) == added(NOW + 0.5)
    # 11 s after the mark it counts, from the next reading on.
    later = added(NOW + 1.0)
    assert (NOW + 1.0, Crew(17, 7), Crew(16, 6)) == (later.mark_at, later.mark, later.certain)
    assert work(41.0, 11.0, pods=14, consumers=5) == later.span


def test_a_warm_up_puts_that_off_by_five_minutes_at_most() -> None:
    for warm_up, late in ((0.0, 11.0), (1.5, 11.5), (300.0, 310.0), (1e9, 310.0)):
        for early in (0.5, 0.0):
            at = NOW + 5.0
            before = Added(NOW - 400, at + early - late, Crew(16, 6))
            trial = replace(TRIAL, span=replace(MEASURED, consumer_seconds=900.0), added=before)
            found, _ = after(trial, seen(tally(consumers=6), at=at, current=16), warm_up=warm_up)
            assert found is not None
            assert found.added is not None
            assert (found.added.certain is None) is (early > 0.0)


def test_pods_that_go_count_no_longer_at_once() -> None:
    found = added(NOW + 0.5, mark=Crew(30, 9), certain=Crew(20, 8))

    assert (Crew(17, 7), Crew(17, 7)) == (found.mark, found.certain)
    assert work(40.0, 1.0, pods=14, consumers=5).plus(work(0.5, 10.0, pods=17, consumers=7)) == found.span


def test_until_the_first_count_nothing_is_measured_of_them() -> None:
    found = added(NOW + 0.5, certain=None, span=Span(), pod_seconds=0.0, consumer_seconds=0.0)

    assert (None, Span(), 0.0, 0.0) == (found.certain, found.span, found.pod_seconds, found.consumer_seconds)


def test_a_gain_makes_them_what_the_next_ones_are_compared_with() -> None:
    long = Added(NOW - 300, NOW, Crew(16, 6), Crew(16, 6), work(100.0, 2000.0, pods=15, consumers=5), 1600.0, 600.0)
    trial, limit = after(replace(TRIAL, span=MEASURED, added=long), seen(tally(acknowledged=600), at=NOW + 5))

    assert limit is None
    assert trial is not None
    assert (None, Span(seconds=105.0, acknowledged=2100.0, pod_seconds=1640.0, consumer_seconds=615.0)) == (
        trial.added,
        trial.span,
    )


def test_work_elsewhere_has_all_begin_anew() -> None:
    long = Added(NOW - 300, NOW, Crew(16, 6), Crew(16, 6), work(100.0, 1000.0, elsewhere=500.0, pods=16, consumers=6))
    trial, limit = after(replace(TRIAL, span=MEASURED, added=long), seen(tally(acknowledged=550), at=NOW + 5))

    assert limit is None
    assert trial is not None
    assert (None, Span()) == (trial.added, trial.span)


LIMIT = DownstreamLimit(
    entries=1,
    low=4,
    high=8,
    enough=5,
    before=1.0,
    after=1.0,
    variance=0.0,
    times=1,
    until=NOW + 99,
    busy_at=NOW - 99,
    known_at=NOW,
)


def test_a_limit_that_is_gone_takes_what_was_measured_with_it() -> None:
    measured = replace(TRIAL, span=work(500.0, 5000.0))
    trial, gone = after(measured, seen(tally(acknowledged=550), at=NOW + 5), limit=LIMIT)

    # It remembers what there is, and from what to what throughput rose.
    at = NOW + 5
    risen = replace(LIMIT, enough=8, before=1.0, after=10.0, times=0, until=at, busy_at=at, known_at=at)
    assert risen == gone
    assert trial is not None
    assert Span() == trial.span


def fallen(*, less: bool, pods: int = 12) -> Trial:
    """Forty a second by eight, then so many a second less by more of them."""
    span = work(120.0, 4800.0, pods=8, consumers=8)
    added = Added(
        NOW - 300, NOW, Crew(pods, pods), Crew(pods, pods), work(120.0, 120.0 * 31.0, pods=pods, consumers=pods)
    )
    return replace(TRIAL, ready=1000, span=span, added=added, less=less)


def test_a_loss_has_the_comparison_made_anew_and_a_second_one_is_a_limit() -> None:
    seen_then = seen(tally(acknowledged=650, ready=1000), at=NOW + 5)
    trial, limit = after(fallen(less=False), seen_then)
    assert limit is None
    assert trial is not None
    assert (None, Span(), True) == (trial.added, trial.span, trial.less)
    # It is told on, and forgotten with the next comparison that ends well.
    longer, _ = after(trial, seen(tally(acknowledged=800), at=NOW + 10))
    assert longer is not None
    assert longer.less
    assert not compared_anew(fallen(less=True)).less

    trial, limit = after(fallen(less=True), seen_then)
    assert limit is not None
    assert trial is not None
    assert (8, 12, False) == (limit.low, limit.high, trial.less)


def test_a_loss_leaves_a_limit_that_holds_alone() -> None:
    _, limit = after(fallen(less=False), seen(tally(acknowledged=650), at=NOW + 5), limit=LIMIT)

    assert replace(LIMIT, busy_at=NOW + 5, known_at=NOW + 5) == limit


@pytest.mark.parametrize(("known_at", "busy_at"), [(NOW - 10, NOW - 99), (NOW - 10.1, NOW - 99 + 15.1)])
def test_a_time_in_which_nothing_was_known_is_no_rest(known_at: float, busy_at: float) -> None:
    """The next reading comes 15 s after the one before it, or a little later, and finds the queue empty."""
    limit = replace(LIMIT, known_at=known_at)
    _, found = after(TRIAL, seen(tally(acknowledged=505, ready=0), at=NOW + 5), limit=limit)

    assert found is not None
    assert found.busy_at == pytest.approx(busy_at)
    assert NOW + 5 == found.known_at


def test_a_limit_of_other_entries_is_left_alone() -> None:
    other = replace(LIMIT, entries=2)
    trial, limit = after(
        replace(TRIAL, span=work(500.0, 5000.0)), seen(tally(acknowledged=550), at=NOW + 5), limit=other
    )

    assert replace(other, known_at=NOW + 5) == limit
    assert trial is not None
    assert 505.0 == trial.span.seconds


def test_full_work_is_noted_in_its_limit() -> None:
    _, limit = after(TRIAL, seen(tally(acknowledged=505), at=NOW + 5), limit=LIMIT)
    assert replace(LIMIT, busy_at=NOW + 5, known_at=NOW + 5) == limit

    _, limit = after(TRIAL, seen(tally(acknowledged=505, ready=0), at=NOW + 5), limit=LIMIT)
    assert replace(LIMIT, known_at=NOW + 5) == limit


@pytest.mark.parametrize(
    ("until", "busy_at", "kept"),
    [
        (NOW - 3600.0, NOW - 9000.0, True),
        (NOW - 3600.1, NOW - 9000.0, False),
        (NOW - 9000.0, NOW - 3900.0, True),
        (NOW - 9000.0, NOW - 3900.1, False),
    ],
)
def test_a_limit_is_forgotten_an_hour_after_it_ceased_to_hold(until: float, busy_at: float, *, kept: bool) -> None:
    limit = replace(LIMIT, until=until, busy_at=busy_at)

    assert kept is (tried(before=None, limit=limit, seen=None, warm_up=0.0, now=NOW)[1] is limit)


PROGRESS = Progress(
    read_at=NOW,
    at=NOW - 30,
    acknowledged=400,
    delivered=400,
    unacknowledged=4,
    since=NOW - 20,
    last_acknowledged=500,
    messages=100,
)


def next_of(reading: EntryTally | None, *, before: Progress = PROGRESS) -> Progress:
    found = progressed(
        before=before,
        tally=reading,
        working=True,
        rates=Rates(throughput=1.0, throughput_from="learned"),
        seconds_per_message=None,
        start_seconds=0.0,
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("reading", "anew"),
    [
        pytest.param(tally(at=NOW + 15), False, id="three polls later"),
        pytest.param(tally(at=NOW + 15.5), True, id="a gap"),
        pytest.param(tally(at=NOW + 5, acknowledged=499), True, id="acknowledgements fell"),
        pytest.param(tally(at=NOW + 5, delivered=399), True, id="deliveries fell"),
    ],
)
def test_the_watch_begins_anew_after_a_gap_and_when_one_counter_falls(reading: EntryTally, *, anew: bool) -> None:
    found = next_of(reading)

    assert anew is (found.at == reading.at)
    assert anew is (found.since == reading.at)


@pytest.mark.parametrize(
    ("reading", "since", "messages"),
    [
        pytest.param(tally(at=NOW + 5, messages=120), NOW - 20, 100, id="only more came"),
        pytest.param(tally(at=NOW + 5, messages=100), NOW - 20, 100, id="nothing moves"),
        pytest.param(tally(at=NOW + 5, messages=99), NOW + 5, 99, id="one has gone"),
        pytest.param(tally(at=NOW + 5, acknowledged=501, messages=120), NOW + 5, 120, id="one was finished"),
        pytest.param(tally(at=NOW + 5, unacknowledged=1), NOW - 20, 100, id="one message is held"),
        pytest.param(tally(at=NOW + 5, unacknowledged=0, messages=120), NOW + 5, 120, id="none is"),
        pytest.param(tally(at=NOW + 5, consumers=0, messages=120), NOW + 5, 120, id="by nobody"),
    ],
)
def test_silence_lasts_while_messages_are_held_and_nothing_moves(
    reading: EntryTally, since: float, messages: int
) -> None:
    found = next_of(reading)

    assert (since, messages) == (found.since, found.messages)


@pytest.mark.parametrize(("at", "silence"), [(NOW + 39.5, 0.0), (NOW + 40.0, 60.0)])
def test_a_minute_of_silence_is_enough_where_a_message_takes_a_second(at: float, silence: float) -> None:
    assert silence == next_of(tally(at=at), before=replace(PROGRESS, read_at=at - 5)).silence


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        pytest.param(NOW + 5, (NOW - 30, 400, 400, 4), id="the window goes on"),
        pytest.param(NOW + 30, (NOW + 30, 500, 500, 5), id="the next one begins"),
    ],
)
def test_a_window_is_compared_with_the_figures_at_its_beginning(at: float, kept: tuple[float, int, int, int]) -> None:
    found = next_of(tally(at=at), before=replace(PROGRESS, read_at=at - 5))

    assert kept == (found.at, found.acknowledged, found.delivered, found.unacknowledged)
