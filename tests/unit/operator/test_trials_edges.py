"""What a trial of a step up, and the watch for stuck consumers, keep of each reading."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from qc_operator.scaling.downstream_limit import Figures, Limit, Step, Trial, figures, tried
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.step_effect import Span
from qc_operator.scaling.stuck_consumers import Progress, progressed
from qc_operator.scaling.tally import Tally

NOW = 1000.0


def tally(*, at: float = NOW, acknowledged: int = 500, delivered: int = 500, **changes: Any) -> Tally:
    usual = Tally(
        at=at, acknowledged=acknowledged, delivered=delivered, ready=9, consumers=3, unacknowledged=5, messages=100
    )
    return replace(usual, **changes)


def seen(*tallies: Tally | None, at: float = NOW, current: int = 8, all_ready: bool = True) -> Figures:
    saturated = sum(1 << index for index, each in enumerate(tallies) if each is not None and each.ready > 0)
    return Figures(at=at, tallies=tallies, saturated=saturated, current=current, all_ready=all_ready)


def after(before: Trial | None, figures: Figures, *, limit: Limit | None = None) -> tuple[Trial | None, Limit | None]:
    return tried(before=before, limit=limit, seen=figures, start_seconds=0.0, now=figures.at)


@pytest.mark.parametrize(
    ("ready", "current", "starting", "unschedulable", "expected"),
    [
        (8, 8, 0, 0, True),
        (1, 1, 0, 0, True),
        (0, 0, 0, 0, False),
        (7, 8, 0, 0, False),
        (8, 8, 1, 0, False),
        (8, 8, 0, 1, False),
    ],
)
def test_all_pods_are_ready_when_none_is_starting_or_finds_no_node(
    ready: int, current: int, starting: int, unschedulable: int, *, expected: bool
) -> None:
    pods = Pods(ready=ready, starting=(NOW,) * starting, unschedulable=unschedulable, at=NOW)
    observation = Observation(entries=(), current=current, running=current, pods=pods)
    found = figures(tallies=[tally()], consumed=[True], observation=observation, now=NOW)

    assert found is not None
    assert expected is found.all_ready


def test_figures_leave_out_what_others_consume() -> None:
    observation = Observation(entries=(), current=8, running=8, pods=Pods(ready=8, at=NOW))
    busy, old, others = tally(), tally(at=NOW - 4), tally(at=NOW - 9)
    found = figures(
        tallies=[busy, replace(busy, ready=0), others, old],
        consumed=[True, True, False, True],
        observation=observation,
        now=NOW,
    )

    assert found is not None
    assert (NOW - 4, 0b1001, 8) == (found.at, found.saturated, found.current)
    assert (busy, replace(busy, ready=0), None, old) == found.tallies


def test_a_trial_begins_with_the_counters_of_all_entries_that_have_work() -> None:
    first, second = tally(acknowledged=500, consumers=3), tally(acknowledged=70, consumers=4)
    idle = [tally(acknowledged=3, ready=0), tally(acknowledged=9, ready=0)]
    trial, _ = after(None, seen(first, None, second, *idle))

    assert Trial(entries=0b101, replicas=8, consumers=7, at=NOW, acknowledged=570, elsewhere=12) == trial


TRIAL = Trial(entries=1, replicas=8, consumers=3, at=NOW, acknowledged=500, elsewhere=0)


def test_the_same_reading_changes_nothing() -> None:
    assert after(TRIAL, seen(tally()))[0] is TRIAL


@pytest.mark.parametrize(
    ("figures", "span"),
    [
        (seen(tally(acknowledged=540), at=NOW + 5), Span(seconds=5.0, acknowledged=40.0)),
        (seen(tally(acknowledged=540), at=NOW + 15), Span(seconds=15.0, acknowledged=40.0)),
        # Nothing was finished, which is a measurement, too.
        (seen(tally(), at=NOW + 5), Span(seconds=5.0)),
        (seen(tally(), tally(acknowledged=7, ready=0), at=NOW + 5), Span(seconds=5.0, elsewhere=7.0)),
    ],
)
def test_a_trial_goes_on_with_what_was_finished_since(figures: Figures, span: Span) -> None:
    trial, _ = after(TRIAL, figures)

    assert trial is not None
    assert span == trial.span


@pytest.mark.parametrize(
    "figures",
    [
        pytest.param(seen(tally(acknowledged=540), at=NOW + 15.5), id="a gap"),
        pytest.param(seen(tally(acknowledged=499), at=NOW + 5), id="counters that fell"),
        pytest.param(seen(tally(acknowledged=540), at=NOW + 5, current=7), id="fewer replicas"),
    ],
)
def test_a_trial_begins_anew_where_full_work_is_not_certain(figures: Figures) -> None:
    trial, _ = after(replace(TRIAL, span=Span(seconds=90.0, acknowledged=900.0)), figures)

    assert trial is not None
    assert Span() == trial.span


def test_a_step_up_is_compared_with_all_that_was_measured_before_it() -> None:
    measured = Span(seconds=90.0, acknowledged=900.0)
    trial, _ = after(replace(TRIAL, span=measured), seen(tally(acknowledged=540), at=NOW + 5, current=16))

    assert trial is not None
    assert (16, Span(), Step(replicas=8, consumers=3, span=measured, at=NOW + 5)) == (
        trial.replicas,
        trial.span,
        trial.step,
    )


def test_a_limit_that_is_gone_takes_what_was_measured_with_it() -> None:
    limit = Limit(entries=1, low=4, high=8, enough=5, before=1.0, after=1.0, variance=0.0, times=1, until=NOW + 99)
    measured = replace(TRIAL, span=Span(seconds=500.0, acknowledged=5000.0))
    trial, gone = after(measured, seen(tally(acknowledged=550), at=NOW + 5), limit=limit)

    assert gone is None
    assert trial is not None
    assert Span() == trial.span


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


def next_of(reading: Tally | None, *, before: Progress = PROGRESS) -> Progress:
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
def test_the_watch_begins_anew_after_a_gap_and_when_one_counter_falls(reading: Tally, *, anew: bool) -> None:
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
def test_silence_lasts_while_messages_are_held_and_nothing_moves(reading: Tally, since: float, messages: int) -> None:
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
