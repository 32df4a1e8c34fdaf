"""`drain`: what is there now is gone in time, and what arrives is kept up with.

Where the test says nothing else, 10 messages a second arrive and a replica manages 2, so five keep up; pods need 40 s
to start and half a poll of 5 s to be asked for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qc_operator.scaling.drain import drain
from qc_operator.scaling.observation import Depth, QueueObservation, Unknown
from qc_operator.scaling.situation import Demand
from tests.unit.operator.conftest import entry, queue, totals, unknown
from tests.unit.operator.situations import NOW, situation, waiting

# 557.5 s are left once pods work, in which a replica clears 1115 messages.
TARGET = {"drain": {"withinSeconds": 600}}
EACH = 1115


def answer(*queues: QueueObservation, target: dict[str, Any] = TARGET, **changes: Any) -> Demand:
    demand = drain(situation(*queues, target=target, **changes))
    assert demand is not None
    assert "drain" == demand.target
    assert demand.infeasible is None
    assert demand.window_seconds is None
    assert demand.waiting_seconds is None
    return demand


def seconds_ago(seconds: float, *, ready: int, counted: int, unacknowledged: int = 0) -> QueueObservation:
    """A queue whose slow lane is so old; the fast lane has just been read."""
    old = totals(ready=counted, unacknowledged=unacknowledged, at=NOW - seconds)
    return queue(Depth(ready=ready, consumers=5, at=NOW), old)


@pytest.mark.parametrize(
    ("ready", "replicas"), [(1, 6), (EACH, 6), (EACH + 1, 7), (5 * EACH, 10), (5 * EACH + 1, 11), (100 * EACH, 105)]
)
def test_on_top_of_those_that_keep_up_come_those_that_clear_the_backlog(ready: int, replicas: int) -> None:
    demand = answer(waiting(ready))

    assert (replicas, True, True, 0) == (demand.replicas, demand.complete, demand.observed, demand.busy_floor)


@pytest.mark.parametrize(
    ("within", "ready", "replicas"),
    [
        # 957.5 s are left.
        (1000, 1915, 6),
        (1000, 1916, 7),
        # Starting takes half of the time.
        (85, 85, 6),
        (85, 86, 7),
        # It takes more than half: half is taken all the same.
        (60, 60, 6),
        (60, 61, 7),
        (1, 5, 10),
        # A second more than twice the lead.
        (86, 87, 6),
        (86, 88, 7),
    ],
)
def test_the_time_is_what_is_left_when_pods_work_but_half_of_it_at_least(
    within: int, ready: int, replicas: int
) -> None:
    assert replicas == answer(waiting(ready), target={"drain": {"withinSeconds": within}}).replicas


@pytest.mark.parametrize(
    ("effective", "ready", "replicas"),
    [
        # 4 more per second than are worked off: 170 until new pods work.
        (3.0, EACH - 170, 6),
        (3.0, EACH - 169, 7),
        # 2 less per second, 85 until then.
        (6.0, EACH + 85, 6),
        (6.0, EACH + 86, 7),
    ],
)
def test_what_comes_and_goes_until_pods_work_counts(effective: float, ready: int, replicas: int) -> None:
    assert replicas == answer(waiting(ready), effective=effective).replicas


def test_the_messages_that_replicas_work_on_are_no_backlog() -> None:
    assert 6 == answer(waiting(EACH, unacknowledged=5)).replicas
    assert 6 == answer(waiting(EACH - 3, unacknowledged=8)).replicas
    assert 7 == answer(waiting(EACH - 3, unacknowledged=9)).replicas
    # What is ready waits for certain, even where the slow lane has counted less.
    assert 7 == answer(seconds_ago(3, ready=EACH + 1, counted=0, unacknowledged=5)).replicas


def test_up_takes_the_larger_of_two_readings() -> None:
    assert 7 == answer(seconds_ago(14, ready=0, counted=EACH + 1)).replicas
    assert 5 == answer(seconds_ago(16, ready=0, counted=EACH + 1)).replicas


@pytest.mark.parametrize(
    ("done", "lasting", "replicas"),
    [
        # 600 s are left, so of what is not worked off a tenth counts: 4 + 0.6.
        (4.0, "4.6", 4),
        (0.0, "1", 2),
        # All of it, where all of it is worked off, or nobody knows.
        (10.0, None, 7),
        (11.0, None, 7),
        (None, None, 7),
    ],
)
def test_a_burst_is_not_counted_as_backlog_and_as_arrivals(
    done: float | None, lasting: str | None, replicas: int
) -> None:
    demand = answer(
        waiting(1176),
        target={"drain": {"withinSeconds": 640}},
        start_seconds=37.5,
        current=1,
        effective=2.0,
        acknowledgements=done,
    )

    assert replicas == demand.replicas
    words = f", of which {lasting}/s seem to last," if lasting else ""
    assert demand.explanation.startswith(f"10 messages/s into receipts{words} need ")


@pytest.mark.parametrize(
    ("recent", "ready", "lasting", "replicas"),
    [
        # Smoothed over 20 s, 1,500 that wait make up 75/s at most: all but what has arrived for three readings.
        (0.6, 1500, "0.6", 14),
        (10.0, 1500, "10", 19),
        (66.0, 1500, "66", 48),
        # It has lasted.
        (66.8, 1500, None, 48),
        (70.0, 1500, None, 48),
        (None, 1500, None, 48),
        # 600 of it are still there, and 30/s at most of them.
        (0.6, 600, "36.8", 25),
        # None is: the burst may be over or not.
        (0.6, 0, None, 35),
    ],
)
def test_what_still_waits_of_a_burst_is_no_arrival_rate(
    recent: float | None, ready: int, lasting: str | None, replicas: int
) -> None:
    """66.8/s since 1,500 came at once, 2 for each replica, and 57.5 s are left of 60: 115 messages for each."""
    demand = answer(
        waiting(ready),
        target={"drain": {"withinSeconds": 60}},
        arrivals=66.8,
        acknowledgements=None,
        recent=recent,
        current=1,
        start_seconds=0.0,
        effective=0.0,
    )

    assert replicas == demand.replicas
    words = f", of which {lasting}/s seem to last," if lasting else ""
    assert demand.explanation.startswith(f"66.8 messages/s into receipts{words} need ")


@pytest.mark.parametrize(("within", "replicas"), [(60, 7), (102, 7), (103, 7), (120, 6)])
def test_in_a_short_time_all_that_arrives_counts(within: int, replicas: int) -> None:
    """Up to 60 s that are left, which is withinSeconds 102."""
    target = {"drain": {"withinSeconds": within}}
    demand = answer(waiting(0), target=target, current=1, effective=5.0, acknowledgements=0.0)

    assert replicas == demand.replicas + 2
    assert ("seem to last" in demand.explanation) == (within > 102)


def test_from_zero_what_is_ready_counts() -> None:
    slow = seconds_ago(0.5, ready=EACH, counted=EACH, unacknowledged=9999)

    woken = answer(slow, current=0, effective=0.0, arrivals=None)
    steady = answer(slow, current=0, effective=0.0, arrivals=0.0)
    nothing = answer(waiting(0), current=0, effective=0.0, arrivals=0.0)

    assert (1, True) == (woken.replicas, woken.complete)
    assert (1, True) == (steady.replicas, steady.complete)
    assert (0, True) == (nothing.replicas, nothing.complete)
    assert 2 == answer(waiting(EACH + 1), current=0, effective=0.0, arrivals=None).replicas


@pytest.mark.parametrize(
    ("ready", "replicas"),
    [
        (0, 6),
        (1, 6),
        # 60 s are what the rest has to be done in, with a tenth to spare: 5 + 54/120 = 5.45.
        (54, 6),
        (55, 7),
        (600, 11),
        (1472, 19),
        (1473, 20),
        (6000, 20),
    ],
)
def test_replicas_go_when_the_fewer_are_done_with_the_rest_in_a_minute(ready: int, replicas: int) -> None:
    demand = answer(waiting(ready), current=20)

    assert (replicas, True, 0) == (demand.replicas, demand.complete, demand.busy_floor)


@pytest.mark.parametrize(
    ("within", "throughput", "ready", "replicas"),
    [
        # Ten services of 20 s, so 200 s: 200 + 10 * 10 / 0.05 / 200, with a tenth to spare.
        (600, 0.05, 100, 231),
        (600, 0.05, 101, 232),
        # No longer than withinSeconds.
        (100, 0.05, 50, 231),
        (100, 0.05, 51, 232),
        (30, 2.0, 27, 6),
        (30, 2.0, 28, 7),
    ],
)
def test_the_rest_has_ten_services_of_time_within_the_target(
    within: int, throughput: float, ready: int, replicas: int
) -> None:
    target = {"drain": {"withinSeconds": within}}

    assert replicas == answer(waiting(ready), target=target, throughput=throughput, current=400).replicas


def test_what_keeps_up_is_what_stays() -> None:
    """Ten a second take five replicas: 5.5 with a tenth to spare, so six stay and five are not left for four."""
    assert 6 == answer(waiting(0), current=6).replicas
    assert 5 == answer(waiting(0), current=5).replicas
    assert 5 == answer(waiting(0), current=5, arrivals=9.1).replicas
    assert 4 == answer(waiting(0), current=5, arrivals=7.2).replicas
    assert 0 == answer(waiting(0), current=5, arrivals=0.0).replicas


def test_on_the_way_down_a_burst_counts_in_full() -> None:
    demand = answer(waiting(0), current=20, arrivals=10.0, acknowledgements=0.0)

    assert 6 == demand.replicas
    assert "10 messages/s into receipts need 5 replicas at 2/s each, 6 with a tenth to spare" == demand.explanation


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"ready": 5 * EACH},
            (
                "10 messages/s into receipts need 5 replicas at 2/s each, "
                "5 more clear about 5575 messages within 558 s = 10"
            ),
        ),
        (
            {"ready": EACH, "arrivals": 8.5, "arrivals_observed": False, "acknowledgements": 8.5, "effective": 4.25},
            (
                "about 8.5 messages/s into receipts need 5 replicas at 2/s each, "
                "1 more clear about 1115 messages within 558 s = 6"
            ),
        ),
        (
            {"ready": 100, "arrivals": 11.0, "acknowledgements": 11.0, "effective": 5.5},
            "11 messages/s into receipts need 6 replicas at 2/s each, which also clear about 100 messages within 558 s",
        ),
        (
            {"ready": 100, "arrivals": None, "current": 0, "effective": 0.0},
            (
                "to clear about 100 messages in receipts within 558 s takes 1 replica at 2/s each, "
                "besides what arrives, which is not known"
            ),
        ),
        (
            {"ready": 600, "current": 20},
            (
                "10 messages/s into receipts need 5 replicas at 2/s each, "
                "5 more clear about 600 messages within 60 s = 10, 11 with a tenth to spare"
            ),
        ),
        (
            {"ready": 6000, "current": 20},
            (
                "10 messages/s into receipts and up to 6000 messages that may wait take 20 replicas at 2/s each: "
                "fewer would not be done with them in 60 s"
            ),
        ),
    ],
)
def test_the_arithmetic_is_told(changes: dict[str, Any], words: str) -> None:
    given = dict(changes)

    assert words == answer(waiting(given.pop("ready")), **given).explanation


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (seconds_ago(1.5, ready=0, counted=0), "not all messages were counted a moment ago"),
        (
            queue(Depth(ready=0, consumers=1, at=NOW), Unknown(cause="ManagementUnreachable", message="no", at=NOW)),
            "not all messages were counted a moment ago",
        ),
        (
            queue(Depth(ready=0, consumers=0, at=NOW), Unknown(cause="ManagementUnreachable", message="no", at=NOW)),
            "receipts reads empty and without consumers while 20 pods run, which nothing confirms",
        ),
    ],
)
def test_without_a_fresh_count_of_all_messages_no_replica_goes(seen: QueueObservation, why: str) -> None:
    demand = answer(seen, current=20)

    assert (20, False) == (demand.replicas, demand.complete)
    assert f"receipts takes no more than 20 replicas at 2/s each, perhaps fewer: {why}" == demand.explanation


def test_an_alarm_and_an_unread_queue_only_let_replicas_come() -> None:
    alarmed = replace(entry(waiting(0)), alarmed=True)
    half = entry(waiting(0), unknown(at=NOW, name="other"), pattern="^r")

    for seen in (alarmed, half):
        held = answer(seen=seen, current=20)
        more = answer(seen=seen, current=4)
        assert (20, False) == (held.replicas, held.complete)
        assert (6, True) == (more.replicas, more.complete)
    assert "an alarm of the broker blocks" in answer(seen=alarmed, current=20).explanation


def test_without_the_arrival_rate_only_a_backlog_moves_replicas() -> None:
    held = answer(waiting(0), arrivals=None, current=20)
    more = answer(waiting(7000), arrivals=None, current=5)

    assert (20, False) == (held.replicas, held.complete)
    assert held.explanation.endswith(
        "perhaps fewer: the arrival rate is not known yet: the counters have not been read often enough"
    )
    # What five work off until others work is not left for them: 7000 - 425.
    assert 6 == more.replicas
    assert 20 == answer(waiting(0), at=NOW - 16, current=20).replicas


@pytest.mark.parametrize("aggregate", ["Sum", "Max", "Average"])
def test_all_messages_of_a_pattern_have_to_be_worked_off(aggregate: str) -> None:
    target = TARGET | {"name": None, "pattern": "^r", "aggregate": aggregate}
    seen = entry(waiting(EACH), waiting(EACH), pattern="^r")
    demand = answer(target=target, seen=seen)

    assert 7 == demand.replicas
    assert demand.explanation.startswith("10 messages/s into the 2 queues that match ^r need 5 replicas")
    assert 20 == answer(target=target, seen=entry(waiting(736), waiting(737), pattern="^r"), current=20).replicas


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert drain(situation(unknown(at=NOW), target=TARGET)) is None
    assert drain(situation(target={"lag": {"scaleUpAbove": 1}})) is None


@pytest.mark.parametrize(
    ("given", "each", "observed"),
    [
        ({}, "2/s", True),
        ({"acknowledged": 20}, "2/s", True),
        ({"acknowledged": 19}, "about 4/s", False),
        ({"throughput": None, "throughput_from": None}, "about 4/s", False),
        ({"throughput_from": "spec"}, "about 2/s", False),
        ({"throughput_from": "lowerBound"}, "about 4/s", False),
        ({"throughput": 0.0}, "about 4/s", False),
        ({"start_observed": False}, "2/s", False),
        ({"arrivals_observed": False}, "2/s", False),
    ],
)
def test_the_specs_word_holds_until_enough_was_learned(given: dict[str, Any], each: str, observed: bool) -> None:  # noqa: FBT001
    demand = answer(waiting(9999), target=TARGET | {"secondsPerMessage": "0.25"}, **given)

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
        ({"throughput": 0.0}, 6, 10),
    ],
)
def test_where_nobody_knows_what_a_replica_manages_it_is_tried(
    given: dict[str, Any], ready: int, replicas: int
) -> None:
    demand = answer(waiting(ready), **given)

    assert (replicas, False, False) == (demand.replicas, demand.complete, demand.observed)
    assert demand.explanation.startswith("it is not known what a replica manages")


def test_what_a_replica_manages_at_least_lets_replicas_go_and_does_not_bring_more() -> None:
    least: dict[str, Any] = {"throughput_from": "lowerBound"}

    fewer = answer(waiting(0), current=20, **least)
    few = answer(waiting(3), current=5, **least)
    many = answer(waiting(5 * EACH), current=5, **least)
    enough = answer(waiting(2 * EACH), current=5, **least)

    assert (6, True, False) == (fewer.replicas, fewer.complete, fewer.observed)
    assert "at at least" not in fewer.explanation
    assert "need 5 replicas at 2/s each or more" in fewer.explanation
    assert (5, False) == (few.replicas, few.complete)
    assert (10, False) == (many.replicas, many.complete)
    assert (7, False) == (enough.replicas, enough.complete)
    # At zero there is nothing to try, and the bound is good enough.
    assert 1 == answer(waiting(3), current=0, effective=0.0, arrivals=None, **least).replicas


@pytest.mark.parametrize(
    ("ready", "replicas", "held"),
    [(5 * EACH, 9, "scaleUp"), (6 * EACH, 11, None)],
)
def test_a_tolerance_holds_replicas_back(ready: int, replicas: int, held: str | None) -> None:
    behavior = {"scaleUp": {"tolerance": "0.12"}}
    demand = answer(waiting(ready), current=9, effective=5.0, behavior=behavior)

    assert (replicas, True) == (demand.replicas, demand.complete)
    assert demand.explanation.endswith(f"held at 9 within the tolerance of {held}") == (held is not None)


def test_a_tolerance_of_the_way_down_is_about_what_is_needed_without_the_spare() -> None:
    behavior = {"scaleDown": {"tolerance": "0.5"}}

    assert 10 == answer(waiting(0), current=10, behavior=behavior).replicas
    assert 6 == answer(waiting(0), current=11, behavior=behavior).replicas
