"""`publishRate` and `deliverRate`: replicas for messages per second, and what happens when nobody knows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from qc_operator.scaling.observation import EntryObservation, QueueObservation, Unknown
from qc_operator.scaling.rate_targets import deliver_rate, publish_rate
from qc_operator.scaling.situation import Demand, Situation
from tests.unit.operator.conftest import entry, unknown
from tests.unit.operator.situations import NOW, situation, waiting

PUBLISH = {"publishRate": {"perReplica": 5}}
DELIVER = {"deliverRate": {"perReplica": 5}}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One of the two targets, with 5/s for a replica, and the rate that it is about."""

    ask: Callable[[Situation], Demand | None]
    name: str
    rate: str

    def demand(self, per_second: float | None, *queues: QueueObservation, **changes: Any) -> Demand:
        asked: dict[str, Any] = {"target": {self.name: {"perReplica": 5}}, self.rate: per_second}
        return answer(self.ask, situation(*queues, **(asked | changes)))


BOTH = pytest.mark.parametrize(
    "kind",
    [
        pytest.param(Kind(ask=publish_rate, name="publishRate", rate="arrivals"), id="publishRate"),
        pytest.param(Kind(ask=deliver_rate, name="deliverRate", rate="deliveries"), id="deliverRate"),
    ],
)


def answer(ask: Callable[[Situation], Demand | None], seen: Situation) -> Demand:
    demand = ask(seen)
    assert demand is not None
    return demand


@BOTH
@pytest.mark.parametrize("current", [0, 3, 50])
@pytest.mark.parametrize(
    ("per_second", "replicas"),
    [(0.0, 0), (1e-9, 1), (5.0, 1), (5.0001, 2), (38.0, 8), (40.0, 8), (40.000000001, 8), (250.0, 50), (1e12, 10**9)],
)
def test_replicas_are_the_rate_over_what_one_manages_rounded_up(
    kind: Kind, per_second: float, replicas: int, current: int
) -> None:
    demand = kind.demand(per_second, current=current)

    assert (replicas, True) == (demand.replicas, demand.complete)
    assert (kind.name, True, 0, None) == (
        demand.target,
        demand.observed,
        demand.busy_floor,
        demand.window_seconds,
    )


@BOTH
@pytest.mark.parametrize(("each", "replicas"), [("100m", 30), ("0.5", 6), (3, 1), ("1k", 1)])
def test_what_a_replica_manages_may_be_a_fraction(kind: Kind, each: str | int, replicas: int) -> None:
    # 0.1 * 3 / 0.1 is 3.0000000000000004 and no reason for one more.
    assert replicas == kind.demand(3.0, target={kind.name: {"perReplica": each}}).replicas
    assert 3 == kind.demand(0.1 * 3, target={kind.name: {"perReplica": "0.1"}}).replicas


def test_the_arithmetic_is_told() -> None:
    published = answer(publish_rate, situation(target=PUBLISH, arrivals=38.0))
    estimated = answer(publish_rate, situation(target=PUBLISH, arrivals=38.04, arrivals_observed=False))
    delivered = answer(deliver_rate, situation(target=DELIVER, deliveries=38.0))

    assert "38 messages/s into receipts / 5 per replica = 8" == published.explanation
    assert "about 38 messages/s into receipts / 5 per replica = 8" == estimated.explanation
    assert not estimated.observed
    assert "38 deliveries/s from receipts / 5 per replica = 8" == delivered.explanation


def test_all_queues_of_a_pattern_are_told_of() -> None:
    seen = entry(waiting(1), waiting(2), pattern="^r")
    asked = situation(target={"name": None, "pattern": "^r"} | PUBLISH, seen=seen, arrivals=7.0)

    assert "7 messages/s into the 2 queues that match ^r / 5 per replica = 2" == answer(publish_rate, asked).explanation


@BOTH
@pytest.mark.parametrize(
    ("per_second", "changes", "why"),
    [
        pytest.param(None, {}, "is not known yet: the counters have not been read often enough", id="too few"),
        pytest.param(None, {"at": None}, "is not known: the counters have not been read", id="never"),
        pytest.param(10.0, {"at": NOW - 15.1}, "is not known: the counters have not been read for 15 s", id="old"),
        pytest.param(
            10.0,
            {"at": NOW - 31.0, "poll_seconds": 10.0},
            "is not known: the counters have not been read for 30 s",
            id="slow",
        ),
    ],
)
def test_a_rate_that_is_not_known_moves_nothing(
    kind: Kind, per_second: float | None, changes: dict[str, Any], why: str
) -> None:
    demand = kind.demand(per_second, current=7, **changes)

    assert (7, False) == (demand.replicas, demand.complete)
    assert demand.explanation.endswith(f" of receipts {why}, held at 7")


@BOTH
@pytest.mark.parametrize("changes", [{"at": NOW - 15.0}, {"at": NOW - 30.0, "poll_seconds": 10.0}, {"at": None}])
def test_a_rate_is_known_for_three_polls(kind: Kind, changes: dict[str, Any]) -> None:
    demand = kind.demand(10.0, **changes)

    assert (2, True) == (demand.replicas, demand.complete)


@BOTH
@pytest.mark.parametrize(("ready", "replicas"), [(0, 0), (1, 1), (1000, 1)])
def test_from_zero_what_is_ready_is_reason_enough_for_one(kind: Kind, ready: int, replicas: int) -> None:
    demand = kind.demand(None, waiting(ready), current=0)

    assert (replicas, False) == (demand.replicas, demand.complete)
    assert demand.explanation.endswith("one replica to begin with" if ready else "held at 0")


@BOTH
def test_an_alarm_and_an_unread_queue_only_let_replicas_come(kind: Kind) -> None:
    alarmed = replace(entry(waiting(0)), alarmed=True)
    half = entry(waiting(0), unknown(at=NOW, name="other"), pattern="^r")
    lost = entry(waiting(0), pattern="^r", unmatched=Unknown(cause="ManagementUnreachable", message="no", at=NOW))

    for seen, why in (
        (alarmed, "an alarm of the broker blocks what publishes to receipts"),
        (half, "not every queue can be read"),
        (lost, "not every queue can be read"),
    ):
        down = kind.demand(10.0, seen=seen, current=7)
        up = kind.demand(36.0, seen=seen, current=7)
        assert (7, False) == (down.replicas, down.complete)
        assert down.explanation.endswith(f" / 5 per replica = 2, held at 7: {why}")
        assert (8, True) == (up.replicas, up.complete)


@BOTH
def test_nothing_is_said_where_nothing_is_known(kind: Kind) -> None:
    lost = Unknown(cause="ManagementUnreachable", message="no", at=NOW)

    target = {kind.name: {"perReplica": 5}}

    assert kind.ask(situation(unknown(at=NOW), target=target)) is None
    assert kind.ask(situation(target=target, seen=_none_matched(lost))) is None
    assert kind.ask(situation(target={"lag": {"scaleUpAbove": 1}})) is None
    assert 2 == kind.demand(10.0, seen=_none_matched(None)).replicas


def _none_matched(unmatched: Unknown | None) -> EntryObservation:
    return EntryObservation(name="^r", vhost="shop", queues=(), pattern=True, unmatched=unmatched)


@BOTH
@pytest.mark.parametrize(
    ("per_second", "replicas", "held"),
    [
        (50.0, 10, None),
        (55.0, 10, "scaleUp"),
        (55.1, 12, None),
        (40.1, 10, "scaleDown"),
        (40.0, 10, "scaleDown"),
        (39.9, 8, None),
    ],
)
def test_a_tolerance_is_about_the_rate_of_each_replica(
    kind: Kind, per_second: float, replicas: int, held: str | None
) -> None:
    behavior = {"scaleUp": {"tolerance": "0.1"}, "scaleDown": {"tolerance": "200m"}}
    demand = kind.demand(per_second, current=10, behavior=behavior)

    assert (replicas, True) == (demand.replicas, demand.complete)
    if held:
        assert demand.explanation.endswith(f", held at 10 within the tolerance of {held}")
    else:
        assert "tolerance" not in demand.explanation


@BOTH
def test_from_zero_there_is_no_tolerance(kind: Kind) -> None:
    behavior = {"scaleUp": {"tolerance": 1}, "scaleDown": {"tolerance": 1}}

    assert 1 == kind.demand(0.1, current=0, behavior=behavior).replicas
