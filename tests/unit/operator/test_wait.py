"""`wait`: replicas that keep the time a message waits under the objective.

Where the test says nothing else, 10 messages a second arrive and a replica manages 2, so five keep up. Pods need 40 s
to start and counters are read every 5 s, so the lead is 45 s and what is asked for now works in 42.5 s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qc_operator.scaling.observation import Depth, QueueObservation, Unavailable, Unknown
from qc_operator.scaling.situation import Demand
from qc_operator.scaling.wait import wait
from tests.unit.operator.conftest import entry, queue, unknown
from tests.unit.operator.situations import NOW, situation, waiting


def objective(seconds: int) -> dict[str, Any]:
    return {"wait": {"objectiveSeconds": seconds}}


# 0.44375 of the objective may stand, 2662.5 messages at 10/s; what is more is worked off in 277.5 s, 555 for a replica.
LONG = objective(600)
# 0.21875 of it, 262.5 messages; 37.5 s, 75 for a replica.
SHORT = objective(120)
# A fifth of it, 120 messages, as with any longer lead. Six let 99 % wait for less than the objective; what waits beyond
# is worked off in 30 s, 60 for a replica.
TIGHT = objective(60)


def answer(*queues: QueueObservation, target: dict[str, Any], **changes: Any) -> Demand:
    demand = wait(situation(*queues, target=target, **changes))
    assert demand is not None
    assert "wait" == demand.target
    return demand


@pytest.mark.parametrize(
    ("target", "ready", "replicas"),
    [
        (LONG, 2663, 6),
        (LONG, 3217, 6),
        (LONG, 3218, 7),
        (LONG, 2662 + 100 * 555, 105),
        (SHORT, 263, 6),
        (SHORT, 337, 6),
        (SHORT, 338, 7),
        (TIGHT, 121, 7),
        (TIGHT, 180, 7),
        (TIGHT, 181, 8),
        (TIGHT, 6000, 104),
    ],
)
def test_what_waits_beyond_what_may_stand_takes_more(target: dict[str, Any], ready: int, replicas: int) -> None:
    demand = answer(waiting(ready, unacknowledged=3), target=target)

    assert (replicas, True, True, 0) == (demand.replicas, demand.complete, demand.observed, demand.busy_floor)


@pytest.mark.parametrize(
    ("effective", "ready", "replicas"),
    [
        # 4 more per second than are worked off, for 42.5 s: 170.
        (3.0, 92, 5),
        (3.0, 93, 6),
        # 2 less per second: 85.
        (6.0, 347, 5),
        (6.0, 348, 6),
    ],
)
def test_what_comes_and_goes_until_pods_work_counts(effective: float, ready: int, replicas: int) -> None:
    assert replicas == answer(waiting(ready), target=SHORT, effective=effective).replicas


@pytest.mark.parametrize(
    ("current", "ready", "replicas"),
    [
        # With four, 2 more come in each second than go: 85 in 42.5 s. 2022.5 messages are those that may stand, less
        # the 555 by which the queue may grow for each replica that there are too few.
        (4, 2022, 4),
        (4, 2023, 5),
        (1, 102, 1),
        (1, 103, 5),
        (5, 0, 5),
        (6, 0, 6),
        # Five keep up; 5.5 with a tenth to spare.
        (7, 0, 6),
        (20, 0, 6),
    ],
)
def test_below_what_may_stand_replicas_stay_fewer_but_none_goes_that_keeps_up(
    current: int, ready: int, replicas: int
) -> None:
    demand = answer(waiting(ready), target=LONG, current=current)

    assert (replicas, True) == (demand.replicas, demand.complete)


@pytest.mark.parametrize(
    ("seconds", "ready", "replicas"),
    [
        # Up to 1.5 leads, 67.5 s, Erlang's formula says how many keep up, and what is more than a fifth of the
        # objective is worked off in half of it: 67 for a replica. Beyond, it is the load and the time left: 23.
        (67, 0, 6),
        (67, 134, 6),
        (67, 135, 7),
        (67, 201, 7),
        (67, 202, 8),
        (68, 136, 5),
        (68, 137, 6),
        (68, 159, 6),
        (68, 160, 7),
        # Half of 1 - 67.5/T is a fifth at T = 112.5 s; 33.5 s for the rest, 67 for a replica, and 34 s.
        (112, 224, 5),
        (112, 225, 6),
        (114, 232, 5),
        (114, 233, 6),
    ],
)
def test_what_may_stand_ends_at_a_fifth_of_the_objective(seconds: int, ready: int, replicas: int) -> None:
    assert replicas == answer(waiting(ready), target=objective(seconds), current=1, effective=5.0).replicas


def test_a_backlog_is_worked_off_in_a_poll_at_the_least() -> None:
    """Pods that start in no time, an objective of 8 s: 16 messages may stand, and the rest takes 5 s."""
    given: dict[str, Any] = {"target": objective(8), "start_seconds": 0.0, "current": 1, "effective": 5.0}

    assert [5, 6, 6, 7] == [answer(waiting(ready), **given).replicas for ready in (16, 17, 26, 27)]


@pytest.mark.parametrize(("seconds", "window"), [(1, 60.0), (60, 60.0), (61, 61.0), (299, 299.0), (301, 300.0)])
def test_the_window_is_the_objective_from_one_to_five_minutes(seconds: int, window: float) -> None:
    target = objective(seconds)

    assert window == answer(waiting(9), target=target).window_seconds
    assert window == answer(waiting(9), target=target, throughput=None).window_seconds
    assert window == answer(waiting(9), target=target, arrivals=None).window_seconds


@pytest.mark.parametrize(("unacknowledged", "floor"), [(0, 0), (1, 1), (6, 6), (20, 20), (900, 20)])
def test_on_the_way_down_those_with_work_in_hand_are_told(unacknowledged: int, floor: int) -> None:
    demand = answer(waiting(0, unacknowledged=unacknowledged), target=LONG, current=20)

    assert (6, True, floor) == (demand.replicas, demand.complete, demand.busy_floor)


@pytest.mark.parametrize(
    ("ready", "replicas"),
    [
        # Twenty work off 30 a second more than arrive, so 1275 are gone before others would work.
        (0, 6),
        (1275 + 2662, 6),
        (1275 + 2663, 20),
        (1275 + 9000, 20),
        (1275 + 12000, 22),
    ],
)
def test_replicas_stay_while_more_messages_wait_than_may_stand(ready: int, replicas: int) -> None:
    assert replicas == answer(waiting(ready), target=LONG, current=20).replicas


@pytest.mark.parametrize(
    ("ready", "replicas", "wanted"),
    [
        # Six are needed, five keep up while no more than 120 messages wait.
        (120, 5, 5),
        (121, 5, 7),
        # Six work off 85 in 42.5 s. What is more than 120 then, they are done with in 30 s up to 180.
        (205, 6, 6),
        (206, 6, 6),
        (265, 6, 6),
        (266, 6, 8),
        # With four, 85 messages will wait. That is less than 120, but one replica too few takes 60 of those.
        (0, 4, 6),
    ],
)
def test_with_a_short_objective_replicas_stay_fewer_while_little_waits(ready: int, replicas: int, wanted: int) -> None:
    assert wanted == answer(waiting(ready), target=TIGHT, current=replicas, effective=float(replicas)).replicas


@pytest.mark.parametrize(
    ("seconds", "arrivals", "replicas"),
    [
        # Smoothed over 20 s, 10.3/s are off by 0.507/s, so 11.82/s, and 10.5/s by 0.512/s, so 12.04/s; six do 12/s.
        (60, 10.3, 6),
        (60, 10.5, 7),
        # A tenth is more from 90/s on: 45, 49.5 with a tenth to spare; 88/s are off by 1.483/s, so 92.45/s.
        (60, 88.0, 49),
        (60, 100.0, 56),
        # 10.7/s, smoothed over 28 s: 12.01/s. One second more, and what may stand evens that out: a tenth is enough.
        (112, 10.7, 7),
        (113, 10.7, 6),
    ],
)
def test_replicas_go_only_with_what_the_rate_may_be_off_by_to_spare(
    seconds: int, arrivals: float, replicas: int
) -> None:
    given: dict[str, Any] = {"arrivals": arrivals, "current": 300, "effective": 300.0}

    assert replicas == answer(waiting(0), target=objective(seconds), **given).replicas


@pytest.mark.parametrize(
    ("target", "changes", "words"),
    [
        (
            SHORT,
            {"ready": 412},
            (
                "10 messages/s into receipts need 5 replicas at 2/s each, "
                "2 more clear about 150 messages within 37.5 s = 7"
            ),
        ),
        (
            SHORT,
            {"ready": 300, "arrivals": 9.0, "current": 4},
            "9 messages/s into receipts need 5 replicas at 2/s each, 1 more clear about 106 messages within 37.5 s = 6",
        ),
        (
            SHORT,
            {"ready": 200, "arrivals": 9.0, "current": 4, "arrivals_observed": False},
            (
                "about 9 messages/s into receipts need 5 replicas at 2/s each, "
                "which also clear about 6.25 messages within 37.5 s"
            ),
        ),
        (
            LONG,
            {"ready": 0, "current": 2},
            "10 messages/s into receipts need 5 replicas at 2/s each, held at 2: up to 2662 messages may wait",
        ),
        (
            LONG,
            {"ready": 0, "current": 20, "arrivals": 20.0},
            "20 messages/s into receipts need 10 replicas at 2/s each, 11 with a tenth to spare",
        ),
        (
            TIGHT,
            {"ready": 220, "current": 1, "effective": 5.0},
            (
                "10 messages/s into receipts need 6 replicas at 2/s each for 99 % of them to wait no longer than 60 s, "
                "2 more clear about 100 messages within 30 s = 8"
            ),
        ),
        (
            SHORT,
            {"ready": 100, "arrivals": None, "current": 0, "effective": 0.0},
            (
                "to clear about 100 messages in receipts within 37.5 s takes 2 replicas at 2/s each, "
                "besides what arrives, which is not known"
            ),
        ),
        (
            LONG,
            {"ready": 5000, "current": 20},
            (
                "10 messages/s into receipts need 5 replicas at 2/s each, 2 more clear about 1062 messages "
                "within 278 s = 7, 8 with a tenth to spare, held at 20: more than 2662 messages wait"
            ),
        ),
        (
            TIGHT,
            {"ready": 0, "current": 7, "arrivals": 10.5},
            (
                "10.5 messages/s into receipts need 6 replicas at 2/s each for 99 % of them to wait no longer "
                "than 60 s, 7 with 1.54/s to spare, held at 7: none to spare"
            ),
        ),
        (
            TIGHT,
            {"ready": 0, "current": 8, "arrivals": 10.5},
            (
                "10.5 messages/s into receipts need 6 replicas at 2/s each for 99 % of them to wait no longer "
                "than 60 s, 7 with 1.54/s to spare"
            ),
        ),
        (
            TIGHT,
            {"ready": 0, "current": 6},
            (
                "10 messages/s into receipts need 6 replicas at 2/s each for 99 % of them to wait no longer "
                "than 60 s, held at 6: none to spare"
            ),
        ),
        (
            TIGHT,
            {"ready": 0, "current": 5},
            (
                "10 messages/s into receipts need 6 replicas at 2/s each for 99 % of them to wait no longer "
                "than 60 s, held at 5: up to 120 messages may wait"
            ),
        ),
        (
            TIGHT,
            {"ready": 220, "current": 6, "effective": 6.0},
            (
                "10 messages/s into receipts need 6 replicas at 2/s each for 99 % of them to wait no longer "
                "than 60 s, 1 more clear about 15 messages within 30 s = 7, held at 6: they are done with them "
                "in time, too"
            ),
        ),
    ],
)
def test_the_arithmetic_is_told(target: dict[str, Any], changes: dict[str, Any], words: str) -> None:
    given = dict(changes)

    assert words == answer(waiting(given.pop("ready")), target=target, **given).explanation


def test_from_zero_there_are_as_many_as_it_takes() -> None:
    # What arrives until pods work waits, too: 425 messages, of which 262.5 may stand.
    given: dict[str, Any] = {"target": SHORT, "current": 0, "effective": 0.0}

    assert 8 == answer(waiting(1), **given).replicas
    assert (1, True) == (answer(waiting(1), arrivals=0.0, **given).replicas, True)
    assert 2 == answer(waiting(76), arrivals=None, **given).replicas
    assert 0 == answer(waiting(0), arrivals=0.0, **given).replicas


def test_nothing_to_do_asks_for_nothing() -> None:
    for target in (LONG, SHORT, TIGHT):
        demand = answer(waiting(0), target=target, arrivals=0.0, current=3)
        assert (0, True, 0, 0.0) == (demand.replicas, demand.complete, demand.busy_floor, demand.waiting_seconds)


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (
            queue(Depth(ready=0, consumers=1, at=NOW), Unknown(cause="ManagementUnreachable", message="no", at=NOW)),
            "who has work in hand is not known",
        ),
        (
            queue(Depth(ready=0, consumers=1, at=NOW), Unavailable(message="no management API")),
            "who has work in hand is not known",
        ),
        (
            queue(Depth(ready=0, consumers=0, at=NOW), Unknown(cause="ManagementUnreachable", message="no", at=NOW)),
            "receipts reads empty and without consumers while 20 pods run, which nothing confirms",
        ),
    ],
)
def test_without_knowing_who_works_no_replica_goes(seen: QueueObservation, why: str) -> None:
    demand = answer(seen, target=LONG, current=20)

    assert (20, False) == (demand.replicas, demand.complete)
    assert f"receipts takes no more than 20 replicas at 2/s each, perhaps fewer: {why}" == demand.explanation


def test_an_alarm_and_an_unread_queue_only_let_replicas_come() -> None:
    alarmed = replace(entry(waiting(3000)), alarmed=True)
    half = entry(waiting(3000), unknown(at=NOW, name="other"), pattern="^r")

    for seen, why in (
        (alarmed, "an alarm of the broker blocks what publishes to receipts"),
        (half, "not every queue can be read"),
    ):
        held = answer(seen=seen, target=LONG, current=20)
        more = answer(seen=seen, target=LONG, current=5)
        assert (20, False) == (held.replicas, held.complete)
        assert held.explanation.endswith(f"perhaps fewer: {why}")
        assert (6, True) == (more.replicas, more.complete)


def test_without_the_arrival_rate_only_a_backlog_moves_replicas() -> None:
    held = answer(waiting(0), target=SHORT, arrivals=None, current=20)
    # What five work off until others work is not left for them: 1000 - 425, 75 for each.
    more = answer(waiting(1000), target=SHORT, arrivals=None)

    assert (20, False) == (held.replicas, held.complete)
    assert held.explanation.endswith("the arrival rate is not known yet: the counters have not been read often enough")
    assert (8, True) == (more.replicas, more.complete)
    assert 20 == answer(waiting(0), target=SHORT, at=NOW - 16, current=20).replicas


@pytest.mark.parametrize("aggregate", ["Sum", "Max", "Average"])
def test_all_messages_of_a_pattern_have_to_be_taken_in_time(aggregate: str) -> None:
    target = SHORT | {"name": None, "pattern": "^r", "aggregate": aggregate}
    demand = answer(target=target, seen=entry(waiting(169), waiting(169), pattern="^r"))

    assert 7 == demand.replicas
    assert demand.explanation.startswith("10 messages/s into the 2 queues that match ^r need 5 replicas")


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert wait(situation(unknown(at=NOW), target=LONG)) is None
    assert wait(situation(target={"lag": {"scaleUpAbove": 1}})) is None


@pytest.mark.parametrize(
    ("given", "each", "observed"),
    [
        ({}, "2/s", True),
        ({"acknowledged": 20}, "2/s", True),
        ({"acknowledged": 19}, "about 4/s", False),
        ({"throughput": None, "throughput_from": None}, "about 4/s", False),
        ({"throughput_from": "spec"}, "about 2/s", False),
        ({"start_observed": False}, "2/s", False),
        ({"arrivals_observed": False}, "2/s", False),
    ],
)
def test_the_specs_word_holds_until_enough_was_learned(given: dict[str, Any], each: str, *, observed: bool) -> None:
    demand = answer(waiting(9999), target=SHORT | {"secondsPerMessage": "0.25"}, **given)

    assert f"at {each} each" in demand.explanation
    assert observed == demand.observed


@pytest.mark.parametrize(
    ("given", "ready", "replicas"),
    [
        ({"throughput": None}, 6, 10),
        ({"throughput": None}, 5, 5),
        ({"throughput": None, "changed_at": NOW - 39}, 6, 5),
        ({"throughput": None, "current": 0}, 6, 1),
        ({"acknowledged": 19}, 6, 10),
    ],
)
def test_where_nobody_knows_what_a_replica_manages_it_is_tried(
    given: dict[str, Any], ready: int, replicas: int
) -> None:
    demand = answer(waiting(ready), target=SHORT, **given)

    assert (replicas, False, False) == (demand.replicas, demand.complete, demand.observed)
    assert demand.explanation.startswith("it is not known what a replica manages")


def test_what_a_replica_manages_at_least_lets_replicas_go_and_does_not_bring_more() -> None:
    given: dict[str, Any] = {"target": SHORT, "throughput_from": "lowerBound"}

    fewer = answer(waiting(0), current=20, **given)
    many = answer(waiting(9000), current=5, **given)
    enough = answer(waiting(400), current=5, **given)

    assert (6, True, False) == (fewer.replicas, fewer.complete, fewer.observed)
    assert (10, False) == (many.replicas, many.complete)
    assert (7, False) == (enough.replicas, enough.complete)
    assert 2 == answer(waiting(76), current=0, effective=0.0, arrivals=None, **given).replicas


@pytest.mark.parametrize(("seconds", "feasible"), [(1, False), (44, False), (45, False), (46, True), (600, True)])
@pytest.mark.parametrize("given", [{}, {"throughput": None}, {"arrivals": None}, {"current": 20}, {"current": 0}])
def test_an_objective_within_the_lead_cannot_be_met_by_scaling(
    given: dict[str, Any], seconds: int, *, feasible: bool
) -> None:
    assert feasible == (answer(waiting(9), target=objective(seconds), **given).infeasible is None)


@pytest.mark.parametrize(("seconds", "feasible"), [(4, False), (5, False), (6, True), (45, True)])
def test_of_a_start_up_time_that_is_only_assumed_nothing_follows(seconds: int, *, feasible: bool) -> None:
    demand = answer(waiting(9), target=objective(seconds), start_observed=False)

    assert feasible == (demand.infeasible is None)


NO_SCALING = "no scaling keeps waits under 2 s: a pod works 45 s after it is needed, so enough of them have to be there"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, f"{NO_SCALING} before: minReplicas 7 would do at 10 messages/s"),
        ({"arrivals": 120.0}, f"{NO_SCALING} before: minReplicas and maxReplicas 68 would do at 120 messages/s"),
        ({"arrivals": 0.0}, f"{NO_SCALING} before: minReplicas 1 would do at 0 messages/s"),
        ({"arrivals": None}, f"{NO_SCALING} before, by minReplicas"),
        ({"throughput": None}, f"{NO_SCALING} before, by minReplicas"),
        ({"throughput_from": "lowerBound"}, f"{NO_SCALING} before, by minReplicas"),
        (
            {"start_observed": False},
            f"{NO_SCALING.replace('45 s', 'more than 5 s')} before: minReplicas 7 would do at 10 messages/s",
        ),
    ],
)
def test_what_would_meet_it_is_told(given: dict[str, Any], words: str) -> None:
    assert words == answer(waiting(9), target=objective(2), **given).infeasible


@pytest.mark.parametrize(
    ("ready", "given", "seconds"),
    [
        (0, {}, 0.0),
        (100, {}, 10.0),
        (100, {"effective": 2.5}, 20.0),
        # An objective shorter than a start would be missed all night, by an empty queue.
        (0, {"effective": 0.0}, 0.0),
        (1, {"effective": 0.0, "arrivals": 0.0}, 40.1),
        # Those that are asked for: five, then 31 with 42.5 s of arrivals.
        (100, {"effective": 0.0, "arrivals": 0.0}, 50.0),
        (3000, {"effective": 0.0, "current": 0, "arrivals": 0.0}, 40.0 + 3000 / 80),
        (100, {"throughput": None}, 10.0),
        (100, {"throughput": None, "acknowledgements": 4.0}, 25.0),
        (100, {"throughput_from": "lowerBound", "acknowledgements": 4.0}, 25.0),
        (100, {"throughput": None, "acknowledgements": 0.0}, None),
        (100, {"throughput": None, "acknowledgements": None}, None),
        (100, {"throughput": None, "at": NOW - 16}, None),
        (0, {"throughput": None}, 0.0),
        (100, {"throughput": None, "effective": 0.0}, None),
    ],
)
def test_a_message_waits_until_those_before_it_are_taken(
    ready: int, given: dict[str, Any], seconds: float | None
) -> None:
    assert seconds == answer(waiting(ready), target=SHORT, **given).waiting_seconds


@pytest.mark.parametrize(("ready", "replicas", "held"), [(412, 6, "scaleUp"), (600, 10, None)])
def test_a_tolerance_holds_replicas_back(ready: int, replicas: int, held: str | None) -> None:
    behavior = {"scaleUp": {"tolerance": "0.2"}}
    demand = answer(waiting(ready), target=SHORT, current=6, effective=5.0, behavior=behavior)

    assert (replicas, True) == (demand.replicas, demand.complete)
    assert demand.explanation.endswith("held at 6 within the tolerance of scaleUp") == (held is not None)


def test_a_tolerance_of_the_way_down_is_about_what_is_needed_without_the_spare() -> None:
    behavior = {"scaleDown": {"tolerance": "0.4"}}

    assert 10 == answer(waiting(0), target=TIGHT, current=10, behavior=behavior).replicas
    assert 6 == answer(waiting(0), target=TIGHT, current=11, behavior=behavior).replicas
