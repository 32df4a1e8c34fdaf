"""While it is not decided whether more replicas brought anything, none counts for less than those before them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from qc_operator.scaling.full_work import FullWork
from qc_operator.scaling.step_effect import Span
from qc_operator.scaling.throughput import Work, throughput
from qc_operator.scaling.trial import Added, Crew, Trial
from qc_operator.scaling.undecided import DECIDED, Undecided, kept_up, limited_to, on_trial
from tests.guarded_target import Line, Target, spec_of

SEEN = FullWork(at=100.0, tallies=(), saturated=1, current=8, pods=8)
BEFORE = Span(seconds=10.0, acknowledged=20.0, pod_seconds=40.0, consumer_seconds=40.0)
"""Two messages a second by four replicas."""
TRIAL = Trial(entries=1, replicas=8, at=100.0, acknowledged=0, elsewhere=0, ready=100, since=0.0, span=BEFORE)
CREW = Crew(4, 4)


@pytest.mark.parametrize(
    ("trial", "pods", "each"),
    [
        pytest.param(TRIAL, 8, 0.5, id="twice as many"),
        pytest.param(TRIAL, 5, 0.5, id="a quarter more"),
        pytest.param(TRIAL, 4, 0.0, id="no more of them"),
        pytest.param(replace(TRIAL, span=replace(BEFORE, pod_seconds=100.0)), 11, 0.0, id="a tenth more"),
        pytest.param(replace(TRIAL, added=Added(90.0, 90.0, CREW)), 4, 0.5, id="those that were added crashed"),
        pytest.param(replace(TRIAL, span=replace(BEFORE, acknowledged=19.0)), 8, 0.0, id="too few acknowledgements"),
        pytest.param(replace(TRIAL, span=replace(BEFORE, pod_seconds=0.0)), 8, 0.0, id="by nobody"),
        pytest.param(replace(TRIAL, span=replace(BEFORE, pod_seconds=1.0)), 8, 20.0, id="by a tenth of a replica"),
        pytest.param(None, 8, 0.0, id="no full work"),
    ],
)
def test_what_replicas_before_the_step_were_measured_to_manage(trial: Trial | None, pods: int, each: float) -> None:
    expected = Undecided(entries=1, each=each) if each else DECIDED

    assert expected == on_trial(trial=trial, seen=replace(SEEN, pods=pods))


def test_where_not_everything_is_known_nothing_is_on_trial() -> None:
    assert on_trial(trial=TRIAL, seen=None) is DECIDED


def learned(each: float, *, acknowledged: float = 100.0) -> Work:
    return Work(acknowledged=acknowledged, seconds=acknowledged / each, total=1000)


def kept(before: list[Work], after: list[Work], **undecided: Any) -> list[float | None]:
    works = kept_up(before=before, after=after, undecided=Undecided(**undecided))
    return [None if (each := throughput(work)[0]) is None else round(each, 6) for work in works]


@pytest.mark.parametrize(
    ("before", "after", "on_trial", "limited"),
    [
        pytest.param(4.0, 1.0, 2.0, 2.0, id="no lower than measured"),
        pytest.param(4.0, 3.0, 3.0, 3.0, id="as low as that, as with heavier messages"),
        pytest.param(4.0, 5.0, 5.0, 5.0, id="higher"),
        pytest.param(1.5, 1.0, 1.5, 2.0, id="on trial nothing is put back that was not believed"),
        pytest.param(1.0, 1.5, 1.5, 2.0, id="and a step that brought nothing puts all of it back"),
    ],
)
def test_how_low_a_throughput_may_be(before: float, after: float, on_trial: float, limited: float) -> None:
    works = [learned(before)], [learned(after)]

    assert [on_trial] == kept(*works, entries=1, each=2.0)
    assert [limited] == kept(*works, entries=1, each=2.0, limited=True)


def test_what_is_put_back_gives_way_to_the_next_that_is_seen() -> None:
    (work,) = kept_up(before=[learned(4.0)], after=[learned(1.0)], undecided=Undecided(entries=1, each=2.0))

    assert (20.0, 10.0, 1000) == (work.acknowledged, work.seconds, work.total)
    few = [learned(1.0, acknowledged=8.0)]
    (work,) = kept_up(before=[learned(4.0)], after=few, undecided=Undecided(entries=1, each=2.0))
    assert (8.0, 4.0) == (work.acknowledged, work.seconds)


def test_several_entries_share_it_as_they_do_the_work() -> None:
    before, after = [learned(2.0), learned(9.0), learned(6.0)], [learned(0.5), learned(1.0), learned(1.5)]

    assert [1.0, 1.0, 3.0] == kept(before, after, entries=0b101, each=4.0)
    assert after == kept_up(before=before, after=after, undecided=Undecided(entries=0b101, each=2.0))


def test_nothing_is_put_back_where_the_part_of_an_entry_is_not_known() -> None:
    before, after = [learned(2.0), Work()], [learned(0.5), Work()]

    assert [0.5, None] == kept(before, after, entries=0b11, each=4.0)
    assert [2.0, None] == kept(before, after, entries=0b01, each=4.0)
    assert [4.0, None] == kept(before, after, entries=0b01, each=4.0, limited=True)
    assert after == kept_up(before=before, after=after, undecided=DECIDED)


def test_an_entry_of_which_nothing_was_known_before_adds_nothing() -> None:
    assert [1.0, 1.0] == kept([learned(2.0), Work()], [learned(0.5), learned(0.5)], entries=0b11, each=4.0)


def test_a_lower_bound_is_put_back_as_one() -> None:
    (work,) = kept_up(before=[Work(lower=4.0)], after=[Work(lower=1.0)], undecided=Undecided(entries=1, each=2.0))

    assert Work(lower=2.0) == work


def test_a_step_on_trial_its_verdict_and_its_end() -> None:
    target = Target(lines=[Line(ready=1e9, acks=40.0), Line(ready=0.0)], spec=spec_of({}, {}))
    target.scale(8)
    target.line.consumers = 8
    target.run(300)
    assert target.memory.undecided is DECIDED

    target.scale(16)
    target.line.consumers = 16
    target.run(5)
    assert Undecided(entries=1, each=5.0) == target.memory.undecided

    target.until("DownstreamLimited", within=600)
    assert Undecided(entries=1, each=5.0, limited=True) == target.memory.undecided
    assert target.limit is not None
    assert target.memory.undecided == limited_to(target.limit)

    # Throughput rises, and what each of them manages is learned.
    target.line.acks = 80.0
    target.run(90)
    assert target.limit is not None
    assert (0, DECIDED) == (target.limit.times, target.memory.undecided)
