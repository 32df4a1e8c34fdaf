"""What was answered at the last count, and for how long it stands."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from qc_operator.scaling.drain import drain
from qc_operator.scaling.flow import Throughput, throughput
from qc_operator.scaling.observation import Depth, QueueObservation
from qc_operator.scaling.situation import Demand
from qc_operator.scaling.stabilization import Answers, PastAnswer, floored
from qc_operator.scaling.staffing import clearing
from qc_operator.scaling.standing import STANDS, Standing, standing
from qc_operator.scaling.wanted import Answer, together
from qc_operator.spec_behavior import Behavior
from tests.unit.operator.conftest import Story, queue, spec, totals
from tests.unit.operator.situations import NOW, situation

TARGET = {"drain": {"withinSeconds": 600}}
ANSWER = Demand(replicas=4, complete=True, explanation="", target="drain")
WAITS = replace(ANSWER, complete=False, between=True)


@pytest.mark.parametrize(
    ("index", "demand", "current", "now", "stands"),
    [
        pytest.param(1, WAITS, 8, NOW, True, id="at once"),
        pytest.param(1, WAITS, 8, NOW + STANDS, True, id="for a poll and a half"),
        pytest.param(1, WAITS, 8, NOW + STANDS + 0.5, False, id="no longer"),
        pytest.param(0, WAITS, 8, NOW, False, id="of another entry"),
        pytest.param(1, replace(WAITS, target="lag"), 8, NOW, False, id="of another target"),
        pytest.param(1, WAITS, 7, NOW, False, id="for other replicas"),
        pytest.param(1, replace(WAITS, least=4), 8, NOW, True, id="as many are needed by now"),
        pytest.param(1, replace(WAITS, least=5), 8, NOW, False, id="more are"),
    ],
)
def test_an_answer_stands_until_the_next_count(
    index: int,
    demand: Demand,
    current: int,
    now: float,
    stands: bool,  # noqa: FBT001
) -> None:
    last = Standing(index=1, at=NOW, current=8, demand=ANSWER)
    found = standing(known=(last,), index=index, demand=demand, current=current, now=now)

    assert stands is (found is not None)
    assert ANSWER == last.demand
    assert standing(known=(), index=index, demand=demand, current=current, now=now) is None


def test_a_number_that_is_needed_at_least_holds_the_window_up_and_says_nothing_of_steps_up() -> None:
    behavior = Behavior()
    before = Answers(
        down=(PastAnswer(at=NOW - 50, replicas=5), PastAnswer(at=NOW - 20, replicas=2)),
        up=(PastAnswer(at=NOW - 20, replicas=2),),
    )

    assert Answers() == floored(answers=Answers(), least=3, behavior=behavior, now=NOW)
    after = floored(answers=before, least=3, behavior=behavior, now=NOW)
    assert Answers(down=(PastAnswer(at=NOW - 50, replicas=5), PastAnswer(at=NOW, replicas=3)), up=before.up) == after
    later = floored(answers=before, least=1, behavior=behavior, now=NOW + 10)
    assert (PastAnswer(at=NOW - 20, replicas=2), PastAnswer(at=NOW + 10, replicas=1)) == later.down


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        (1.0, "w, which also clear about 1 message within 60 s"),
        (1.1, "w, which also clear about 1.1 messages within 60 s"),
        (2.0, "w, which also clear about 2 messages within 60 s"),
    ],
)
def test_one_message_is_told_as_one(messages: float, words: str) -> None:
    assert words == clearing("w", keep=3, messages=messages, seconds=60.0, needed=3)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"throughput": 5.0, "throughput_from": "lowerBound"}, Throughput(5.0, certain=True, learned=True)),
        ({"throughput": 4.0, "throughput_from": "lowerBound"}, Throughput(4.0, certain=True, learned=False)),
        ({"throughput": 3.0, "throughput_from": "lowerBound"}, Throughput(4.0, certain=True, learned=False)),
        (
            {"throughput": 5.0, "throughput_from": "learned", "acknowledged": 19},
            Throughput(4.0, certain=True, learned=False),
        ),
        ({"throughput": None, "throughput_from": None}, Throughput(4.0, certain=True, learned=False)),
    ],
)
def test_replicas_that_were_seen_to_manage_more_than_the_spec_says_do(
    given: dict[str, Any], expected: Throughput
) -> None:
    assert expected == throughput(situation(target=TARGET | {"secondsPerMessage": "0.25"}, **given))


@pytest.mark.parametrize(
    ("asked", "arrivals", "between", "least"),
    [
        pytest.param(3.0, 10.0, True, 5, id="between two counts"),
        pytest.param(3.0, None, False, 0, id="the arrival rate is not known"),
        pytest.param(16.0, 10.0, False, 0, id="nothing was counted for long"),
    ],
)
def test_drain_says_how_many_are_needed_until_the_next_count(
    asked: float,
    arrivals: float | None,
    between: bool,  # noqa: FBT001
    least: int,
) -> None:
    seen = queue(Depth(ready=0, consumers=5, at=NOW), totals(ready=0, unacknowledged=0, at=NOW - asked))
    demand = drain(situation(seen, target=TARGET, arrivals=arrivals, current=20))

    assert demand is not None
    assert (20, False, between, least) == (demand.replicas, demand.complete, demand.between, demand.least)


def demanded(replicas: int, *, complete: bool = False, between: bool = False, least: int = 0) -> Answer:
    demand = Demand(replicas=replicas, complete=complete, between=between, least=least, explanation="", target="drain")
    return Answer(index=0, name="q", demand=demand)


@pytest.mark.parametrize(
    ("answers", "complete", "between", "least"),
    [
        pytest.param([demanded(4, complete=True)], True, False, 4, id="counted"),
        pytest.param([demanded(8, between=True, least=3)], False, True, 3, id="between two counts"),
        pytest.param([demanded(8)], False, False, 0, id="not known for another reason"),
        pytest.param([demanded(4, complete=True), demanded(8, between=True, least=3)], False, True, 4, id="one of two"),
        pytest.param([demanded(4, complete=True), demanded(8, between=True, least=6)], False, True, 6, id="the other"),
        pytest.param([demanded(8, between=True, least=3), demanded(8)], False, False, 3, id="for two reasons"),
    ],
)
def test_all_answers_together_wait_for_a_count_only_if_nothing_else_is_missing(
    answers: list[Answer],
    *,
    complete: bool,
    between: bool,
    least: int,
) -> None:
    found = together(answers, waiting=(), standings=())

    assert (complete, between, least) == (found.complete, found.between, found.least)


@pytest.mark.parametrize(("gap", "replicas"), [(2.0, 2), (8.0, 5)])
def test_queues_that_are_counted_at_different_times_count_together(gap: float, replicas: int) -> None:
    queues = [{"name": name, "lag": {"scaleUpAbove": 20}} for name in "ab"]
    told = Story(spec=spec(queues=queues, behavior={"scaleDown": {"stabilizationWindowSeconds": 0}}), replicas=5)
    told.memory = replace(told.memory, answers=Answers(down=(PastAnswer(at=told.now - 1, replicas=1),)))

    def seen(name: str, ago: float) -> QueueObservation:
        counts = totals(ready=40, unacknowledged=0, at=told.now - ago)
        return queue(Depth(ready=40, consumers=1, at=told.now), counts, name=name)

    first = told.turn(seen("a", 0.0), seen("b", 3.0))
    told.now += gap
    second = told.turn(seen("a", gap), seen("b", 0.0))

    assert (5, True) == (first.replicas, first.between)
    assert (replicas, replicas == 5) == (second.replicas, second.between)


@pytest.mark.parametrize(("ready", "least"), [(1, 1), (20, 1), (21, 2), (40, 2)])
def test_what_is_needed_at_least_between_two_counts_is_in_the_window(ready: int, least: int) -> None:
    queues = [{"name": name, "lag": {"scaleUpAbove": 20}} for name in "ab"]
    told = Story(spec=spec(queues=queues), replicas=5)
    told.memory = replace(told.memory, answers=Answers(down=(PastAnswer(at=told.now - 1, replicas=1),)))
    now, before = (totals(ready=ready, unacknowledged=0, at=told.now - ago) for ago in (0.0, 3.0))
    depth = Depth(ready=ready, consumers=1, at=told.now)
    decision = told.turn(queue(depth, now, name="a"), queue(depth, before, name="b"))

    assert (PastAnswer(at=told.now, replicas=least),) == decision.memory.answers.down


@pytest.mark.parametrize(("ready", "names"), [(1, ["lag"]), (21, ["lag"])])
def test_one_that_was_asked_for_needs_no_other_reason_to_wake_up(ready: int, names: list[str]) -> None:
    decision = Story(spec=spec()).see(ready=ready)

    assert names == [step.name for step in decision.steps]
