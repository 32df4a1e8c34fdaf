"""Where a target's answer turns: the exact number, and what is said of it, on either side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from qc_operator.scaling.decision import Decision
from qc_operator.scaling.drain import drain
from qc_operator.scaling.lag import lag
from qc_operator.scaling.observation import Counters, Depth, QueueObservation
from qc_operator.scaling.probe import probe
from qc_operator.scaling.rate_targets import deliver_rate, publish_rate
from qc_operator.scaling.situation import Demand, Situation
from qc_operator.scaling.wait import wait
from tests.unit.operator.conftest import Story, entry, known, queue, spec, totals
from tests.unit.operator.situations import NOW, situation, waiting

DRAIN = {"drain": {"withinSeconds": 600}}
LAG = {"lag": {"scaleUpAbove": 20}}


def objective(seconds: int) -> dict[str, Any]:
    return {"wait": {"objectiveSeconds": seconds}}


def answer(ask: Callable[[Situation], Demand | None], seen: Situation) -> Demand:
    demand = ask(seen)
    assert demand is not None
    return demand


def counted_before(seconds: float, *, ready: int) -> QueueObservation:
    return queue(Depth(ready=ready, consumers=5, at=NOW), totals(ready=ready, unacknowledged=0, at=NOW - seconds))


@pytest.mark.parametrize(
    ("ask", "name"),
    [pytest.param(publish_rate, "publishRate", id="publishRate"), pytest.param(deliver_rate, "deliverRate", id="d")],
)
@pytest.mark.parametrize(("current", "replicas"), [(0, 1), (4, 4)])
def test_a_rate_that_is_not_known_still_says_whose_answer_it_is(
    ask: Callable[[Situation], Demand | None], name: str, current: int, replicas: int
) -> None:
    seen = situation(waiting(9), target={name: {"perReplica": 5}}, arrivals=None, deliveries=None, current=current)

    assert (name, replicas, False) == (
        answer(ask, seen).target,
        answer(ask, seen).replicas,
        answer(ask, seen).complete,
    )


def test_an_alarm_does_not_make_an_answer_incomplete_that_asks_for_as_many_as_there_are() -> None:
    alarmed = replace(entry(waiting(0)), alarmed=True)
    target = {"publishRate": {"perReplica": 5}}

    same = answer(publish_rate, situation(target=target, seen=alarmed, arrivals=25.0, current=5))
    fewer = answer(publish_rate, situation(target=target, seen=alarmed, arrivals=20.0, current=5))

    assert (5, True) == (same.replicas, same.complete)
    assert (5, False) == (fewer.replicas, fewer.complete)


@pytest.mark.parametrize(
    ("ask", "target", "ready"),
    [
        # 5 * 2 * 557.5 s and what five work off until then; 5 * 2 * 37.5 s.
        pytest.param(drain, DRAIN, 5575 + 425, id="drain"),
        pytest.param(wait, objective(120), 375 + 425, id="wait"),
    ],
)
def test_as_many_as_there_are_is_no_complete_answer_without_the_arrival_rate(
    ask: Callable[[Situation], Demand | None], target: dict[str, Any], ready: int
) -> None:
    held = answer(ask, situation(waiting(ready), target=target, arrivals=None))
    more = answer(ask, situation(waiting(ready + 1), target=target, arrivals=None))

    assert (5, False) == (held.replicas, held.complete)
    assert (6, True) == (more.replicas, more.complete)


def test_drain_says_what_would_not_be_done_when_a_tenth_to_spare_takes_all_there_are() -> None:
    demand = answer(drain, situation(waiting(0), target=DRAIN, current=6))

    assert 6 == demand.replicas
    assert (
        "10 messages/s into receipts need 6 replicas at 2/s each: fewer would have none to spare"
    ) == demand.explanation


@pytest.mark.parametrize(("changes", "observed"), [({}, True), ({"start_observed": False}, False)])
def test_drain_says_of_a_hold_whether_it_rests_on_what_was_seen(changes: dict[str, Any], *, observed: bool) -> None:
    held = answer(drain, situation(waiting(0), target=DRAIN, current=5, **changes))

    assert observed is held.observed


def test_there_is_nothing_to_try_beyond_the_maximum() -> None:
    replicas, words = probe(situation(target=DRAIN, current=50), ready=1000)

    assert 50 == replicas
    assert words.endswith(": held at 50")


def test_wait_needs_no_count_of_what_is_in_hand_to_know_what_waits() -> None:
    demand = answer(wait, situation(counted_before(3, ready=0), target=objective(600), current=20))

    assert (6, True) == (demand.replicas, demand.complete)


def test_wait_lets_no_replica_go_on_the_word_of_a_queue_whose_messages_were_counted() -> None:
    stuck = queue(Depth(ready=0, consumers=0, at=NOW), totals(ready=5, unacknowledged=0, at=NOW))
    demand = answer(wait, situation(stuck, target=objective(600), current=20))

    assert (20, False) == (demand.replicas, demand.complete)
    assert demand.explanation.endswith("receipts reads empty, but 5 messages were counted in it")


def test_wait_tells_how_long_messages_wait_also_where_replicas_are_held() -> None:
    seen = situation(waiting(100), target=objective(600), arrivals=None, current=20, acknowledgements=7.0)
    held = answer(wait, seen)

    # 20 replicas take 40 a second.
    assert (20, False, True, 2.5) == (held.replicas, held.complete, held.observed, held.waiting_seconds)


def test_wait_tells_how_long_messages_wait_while_it_is_tried_what_a_replica_manages() -> None:
    seen = situation(waiting(9000), target=objective(120), throughput_from="lowerBound", effective=0.0)
    demand = answer(wait, seen)

    # 9000 at 10 * 2 a second, once they have started.
    assert (10, 40.0 + 450.0) == (demand.replicas, demand.waiting_seconds)


@pytest.mark.parametrize(
    ("ready", "given", "seconds"),
    [
        (100, {"effective": 1.0}, 50.0),
        (100, {"effective": 0.5}, 100.0),
        (2, {"effective": 0.0, "current": 0, "arrivals": 0.0}, 41.0),
    ],
)
def test_one_replica_and_half_of_one_work_too(ready: int, given: dict[str, Any], seconds: float) -> None:
    assert seconds == answer(wait, situation(waiting(ready), target=objective(120), **given)).waiting_seconds


# A lead of 40 s is two thirds of 60 s: half of it is taken to work off what is more than 120 messages, not 10 s.
@pytest.mark.parametrize(("ready", "replicas"), [(180, 7), (181, 8)])
def test_from_a_lead_of_two_thirds_on_replicas_are_those_of_erlangs_formula(ready: int, replicas: int) -> None:
    demand = answer(wait, situation(waiting(ready), target=objective(60), start_seconds=35.0))

    assert replicas == demand.replicas
    assert "need 6 replicas at 2/s each for 99 % of them to wait no longer than 60 s" in demand.explanation


@pytest.mark.parametrize(("throughput", "replicas"), [(0.05, 203), (2.0, 6)])
def test_the_patience_of_messages_is_counted_in_services(throughput: float, replicas: int) -> None:
    seen = situation(waiting(0), target=objective(30), throughput=throughput, effective=10.0 / throughput, current=1)

    assert f" need {replicas} replicas " in answer(wait, seen).explanation


def test_wait_keeps_nobody_for_work_in_hand_where_nobody_is_to_go() -> None:
    held = answer(wait, situation(waiting(0, unacknowledged=3), target=objective(60), arrivals=10.5, current=7))
    fewer = answer(wait, situation(waiting(0, unacknowledged=3), target=objective(60), arrivals=10.5, current=8))

    assert (7, 0) == (held.replicas, held.busy_floor)
    assert (7, 3) == (fewer.replicas, fewer.busy_floor)


@pytest.mark.parametrize(("least", "enough"), [(6, False), (7, True), (8, True)])
def test_an_objective_is_met_by_as_many_minimum_replicas_as_it_takes(least: int, *, enough: bool) -> None:
    demand = answer(wait, situation(waiting(9), target=objective(2), min_replicas=least))

    assert enough == (demand.infeasible is None)


@pytest.mark.parametrize(
    ("ready", "direction", "arithmetic"), [(110, "scaleUp", "110 messages"), (75, "scaleDown", "75 messages")]
)
def test_lag_within_a_tolerance_holds_and_is_a_complete_answer(ready: int, direction: str, arithmetic: str) -> None:
    behavior = {direction: {"tolerance": "0.3"}}
    demand = answer(lag, situation(waiting(ready), target=LAG, behavior=behavior))

    assert (5, True) == (demand.replicas, demand.complete)
    needed = -(-ready // 20)
    assert (
        f"{arithmetic} in receipts / 20 per replica = {needed}, held at 5 within the tolerance of {direction}"
    ) == demand.explanation


@pytest.mark.parametrize(("least", "enough"), [(0, False), (1, True)])
def test_where_nothing_arrives_one_is_enough(least: int, *, enough: bool) -> None:
    demand = answer(wait, situation(waiting(9), target=objective(2), arrivals=0.0, min_replicas=least))

    assert enough == (demand.infeasible is None)


@pytest.mark.parametrize(
    ("rate", "need"), [(1.0, "1 message/s into receipts needs"), (2.0, "2 messages/s into receipts need")]
)
def test_one_message_needs_and_several_need(rate: float, need: str) -> None:
    demand = answer(wait, situation(waiting(0), target=objective(600), arrivals=rate, current=0, effective=0.0))

    assert demand.explanation.startswith(f"{need} 1 replica at 2/s each")


@pytest.mark.parametrize(("rate", "words"), [(1.0, "1 delivery/s"), (2.0, "2 deliveries/s")])
def test_one_is_a_delivery_and_several_are_deliveries(rate: float, words: str) -> None:
    demand = answer(deliver_rate, situation(target={"deliverRate": {"perReplica": 5}}, deliveries=rate))

    assert f"{words} from receipts / 5 per replica = 1" == demand.explanation


@pytest.mark.parametrize(("unacknowledged", "replicas"), [(5, 6), (10, 6), (173, 7), (174, 8), (282, 8), (283, 9)])
def test_what_replicas_have_in_hand_is_no_backlog_on_the_way_down(unacknowledged: int, replicas: int) -> None:
    """Ten replicas work on ten of them. What is left has a minute: 1.1 * (5 + left / 120), so 163.6 for 7 replicas."""
    seen = situation(waiting(0, unacknowledged=unacknowledged), target=DRAIN, current=10, acknowledgements=20.0)

    assert replicas == answer(drain, seen).replicas


def test_each_entry_is_asked_about_its_own_rate() -> None:
    told = Story(spec=spec(queues=[{"name": name, "publishRate": {"perReplica": 1}} for name in "ab"]), replicas=1)

    def counted(name: str, messages: int) -> QueueObservation:
        counters = Counters(published=messages + 1, acknowledged=messages, delivered=messages, at=told.now)
        return replace(known(ready=0, unacknowledged=0, at=told.now, name=name), counters=counters)

    for step in range(9):
        told.now += 5.0
        decision = told.turn(counted("a", 10 * step), counted("b", 35 * step))

    assert [(7, "b"), (2, "a")] == [(step.replicas, step.source) for step in decision.steps[:2]]


def test_the_answers_of_two_entries_stand_each_for_its_own() -> None:
    """Both were counted now and then a little before; with another number of replicas neither stands any more."""
    queues = [{"name": name, "lag": {"scaleUpAbove": 20}} for name in "ab"]
    told = Story(spec=spec(queues=queues, behavior={"scaleDown": {"selectPolicy": "Disabled"}}), replicas=8)

    def turn(*, ago: float) -> Decision:
        seen = [
            queue(
                Depth(ready=ready, consumers=1, at=told.now),
                totals(ready=ready, unacknowledged=0, at=told.now - ago),
                name=name,
            )
            for name, ready in (("a", 40), ("b", 60))
        ]
        return told.turn(*seen)

    first, later = turn(ago=0.0), turn(ago=3.0)
    told.replicas = 6
    other = turn(ago=3.0)

    for decision in (first, later):
        assert [(0, 2, 8), (1, 3, 8)] == [
            (stands.index, stands.demand.replicas, stands.current) for stands in decision.memory.standing
        ]
    assert () == other.memory.standing
    assert [False, False, True] == [decision.between for decision in (first, later, other)]
