"""Changes of replicas in the metrics: zeros at first, counts, times that survive a restart, how long they took."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from qc_operator import metric_families as family
from qc_operator.metric_families import FAMILIES
from qc_operator.object_series import ObjectSeries
from qc_operator.registry import Key
from qc_operator.scale_metrics import ScaleMetrics
from qc_operator.scale_record import last_direction, latest, possible
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.reasons import Limit, Reason
from tests.unit.operator.conftest import spec

AT = datetime(2026, 11, 27, 12, tzinfo=UTC)
WAIT = {"name": "a", "wait": {"objectiveSeconds": 9}}
NIGHT = {"name": "night", "start": "0 22 * * *", "end": "0 6 * * *"}


def change(before: int, after: int, reason: Reason, limit: Limit = Limit.NONE) -> Decision:
    return cast("Decision", SimpleNamespace(current=before, replicas=after, reason=reason, limited_by=limit))


def past(time: str, before: object, after: object, reason: str = "BacklogAboveTarget") -> dict[str, Any]:
    return {"time": time, "from": before, "to": after, "reason": reason, "limitedBy": "none", "message": "as it was"}


class Scene:
    def __init__(self) -> None:
        self.all = ObjectSeries(FAMILIES)
        self.series = self.all.of(Key("shop", "receipts"))
        self.completed: list[tuple[str, float]] = []
        self.scale = ScaleMetrics(series=self.series, completed=lambda way, took: self.completed.append((way, took)))

    def up(self, replicas: int, *, now: float = 100.0) -> None:
        self.scale.scaled(change(0, replicas, Reason.WOKE_UP), now=now, at=AT)

    def seen(self, *, asked: int, running: int, ready: int | None = None, at: float = 0.0, now: float = 100.0) -> None:
        pods = None if ready is None else Pods(ready=ready, at=at)
        self.scale.seen(asked=asked, running=running, pods=pods, now=now)


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, "up BacklogAboveTarget, down BacklogBelowTarget, up WokeUp, down Idle"),
        ({"minReplicas": 1}, "up BacklogAboveTarget, down BacklogBelowTarget, up WokeUp"),
        (
            {"minReplicas": 1, "schedules": [NIGHT | {"minReplicas": 0}]},
            "up BacklogAboveTarget, down BacklogBelowTarget, up WokeUp, down Idle, up Scheduled, down Scheduled",
        ),
        (
            {"queues": [WAIT, {"name": "b", "publishRate": {"perReplica": 2}}]},
            "up ObjectiveAtRisk, up ArrivalAboveCapacity, down ArrivalBelowCapacity, up WokeUp, down Idle",
        ),
        *(
            (
                {"minReplicas": 1, "fallback": {"afterSeconds": 60, "policy": policy} | replicas},
                f"up BacklogAboveTarget, down BacklogBelowTarget, up WokeUp{more}",
            )
            for policy, replicas, more in (
                ("AtLeast", {"replicas": 3}, ", up Fallback"),
                ("AtMost", {"replicas": 3}, ", down Fallback"),
                ("Exactly", {"replicas": 3}, ", up Fallback, down Fallback"),
                ("KeepCurrent", {}, ""),
            )
        ),
    ],
    ids=["to zero", "not to zero", "to zero at night", "two targets", "AtLeast", "AtMost", "Exactly", "KeepCurrent"],
)  # fmt: skip
def test_what_the_spec_can_bring_about_is_there_at_zero(scene: Scene, changes: dict[str, Any], kinds: str) -> None:
    scene.scale.specified(spec(**changes))

    shown = scene.series.value(family.SCALE_EVENTS)
    assert dict.fromkeys((tuple(kind.split()) for kind in kinds.split(", ")), 0.0) == shown
    assert {("up",): 0.0, ("down",): 0.0} == scene.series.value(family.SCALED_REPLICAS)
    assert scene.series.value(family.REVERSALS) == 0


def test_each_change_counts_by_direction_and_reason_and_by_its_replicas(scene: Scene) -> None:
    scene.scale.specified(spec())
    scene.up(3)
    scene.scale.scaled(change(3, 8, Reason.BACKLOG_ABOVE_TARGET, Limit.MAX), now=1.0, at=AT)
    scene.scale.scaled(change(8, 9, Reason.BACKLOG_ABOVE_TARGET), now=2.0, at=AT)
    scene.scale.scaled(change(9, 4, Reason.OVERRIDE, Limit.PAUSED), now=3.0, at=AT)

    assert {
        ("up", "BacklogAboveTarget"): 2.0,
        ("down", "BacklogBelowTarget"): 0.0,
        ("up", "WokeUp"): 1.0,
        ("down", "Idle"): 0.0,
        ("down", "Override"): 1.0,
    } == scene.series.value(family.SCALE_EVENTS)
    assert {("up",): 9.0, ("down",): 5.0} == scene.series.value(family.SCALED_REPLICAS)
    text = b"".join(scene.all.pieces(openmetrics=True)).decode()
    assert 'reason="BacklogAboveTarget"} 2 # {from="8",to="9",limited_by="none"} 1 1795780800.000\n' in text
    assert 'reason="Override"} 1 # {from="9",to="4",limited_by="paused"} 1 1795780800.000\n' in text


def test_another_spec_keeps_what_has_happened_and_shows_what_may(scene: Scene) -> None:
    scene.scale.specified(spec())
    scene.up(3)

    scene.scale.specified(spec(minReplicas=1, queues=[{"name": "a", "publishRate": {"perReplica": 2}}]))

    assert {
        ("up", "ArrivalAboveCapacity"): 0.0,
        ("down", "ArrivalBelowCapacity"): 0.0,
        ("up", "WokeUp"): 1.0,
    } == scene.series.value(family.SCALE_EVENTS)


def test_a_turn_of_direction_counts_also_across_a_restart(scene: Scene) -> None:
    scene.scale.specified(spec())
    scene.scale.remember([past("2026-11-27T11:00:00Z", 8, 3)])
    for before, after in ((3, 5), (5, 9), (9, 4), (4, 5)):
        scene.scale.scaled(change(before, after, Reason.BACKLOG_ABOVE_TARGET), now=1.0, at=AT)

    assert scene.series.value(family.REVERSALS) == 3


def test_the_first_change_of_all_is_no_turn(scene: Scene) -> None:
    scene.scale.specified(spec())
    scene.up(3)

    assert scene.series.value(family.REVERSALS) == 0


def test_the_time_of_each_kinds_last_change_comes_from_the_status(scene: Scene) -> None:
    history = [
        past("2026-11-27T12:00:05Z", 8, 5, "BacklogBelowTarget"),
        past("2026-11-27T12:00:00Z", 3, 8),
        past("2026-11-27T11:59:00Z", 2, 3),
        past("2026-11-27T11:00:00Z", 0, 2, "WokeUp"),
        past("2026-11-27T10:00:00Z", 2, 0, "Idle"),
        past("2026-11-27T09:00:00Z", 9, 8, "BacklogBelowTarget"),
    ]
    scene.scale.remember(history)

    assert {
        ("down", "BacklogBelowTarget"): AT.timestamp() + 5,
        ("up", "BacklogAboveTarget"): AT.timestamp(),
        ("up", "WokeUp"): AT.timestamp() - 3600,
    } == scene.series.value(family.LAST_SCALE)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "text",
        {},
        past("yesterday", 1, 2),
        past("2026-11-27T12:00:00", 1, 2),
        past("2026-11-27T12:00:00Z", "1", 2),
        past("2026-11-27T12:00:00Z", 2, 2),
        past("2026-11-27T12:00:00Z", 1, 2, 'x"} 1\nqueueconsumer_info{namespace="'),
    ],
)
def test_what_makes_no_sense_in_a_status_is_left_out(entry: object) -> None:
    good = past("2026-11-27T12:00:00Z", 0, 2)

    assert {("up", "BacklogAboveTarget"): AT.timestamp()} == latest([entry, good])
    assert "up" == last_direction([entry, good])


@pytest.mark.parametrize("history", [None, {}, "x", []])
def test_no_history_is_no_time(history: object) -> None:
    assert ({}, None) == (latest(history), last_direction(history))


def test_up_has_arrived_once_all_pods_are_ready_by_a_look_after_the_write(scene: Scene) -> None:
    scene.up(3, now=100.0)
    scene.seen(asked=3, running=1, ready=1, at=101.0, now=101.0)
    scene.seen(asked=3, running=3, ready=2, at=103.0, now=103.0)
    scene.seen(asked=3, running=3, ready=3, at=99.0, now=104.0)
    scene.seen(asked=3, running=3, now=105.0)
    assert [] == scene.completed
    scene.seen(asked=3, running=3, ready=3, at=106.0, now=106.5)
    scene.seen(asked=3, running=3, ready=3, at=107.0, now=107.0)

    assert [("up", 6.5)] == scene.completed


def test_down_has_arrived_once_no_more_pods_exist_than_were_asked_for(scene: Scene) -> None:
    scene.scale.scaled(change(5, 2, Reason.IDLE), now=100.0, at=AT)
    scene.seen(asked=2, running=4, now=101.0)
    scene.seen(asked=2, running=2, now=130.0)

    assert [("down", 30.0)] == scene.completed


def test_what_another_change_overtakes_never_arrives(scene: Scene) -> None:
    scene.up(3, now=100.0)
    scene.seen(asked=5, running=3, ready=3, at=101.0, now=101.0)
    scene.seen(asked=3, running=3, ready=3, at=102.0, now=102.0)

    assert [] == scene.completed


def test_kinds_are_named_once() -> None:
    kinds = possible(spec(queues=[{"name": name, "lag": {"scaleUpAbove": 9}} for name in ("a", "b")]))

    assert len(kinds) == len(set(kinds)) == 4
