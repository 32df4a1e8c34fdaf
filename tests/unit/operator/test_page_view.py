"""What is shown of one QueueConsumer, and that nothing else of it can be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import yaml

from bench.page_course import condition
from qc_operator.page.board import Board
from qc_operator.page.manifest import manifest, raised
from qc_operator.page.view import view
from qc_operator.registry import Known, read
from qc_operator.reporting import Change
from qc_operator.resource import parse

NOW = datetime(2026, 11, 27, 6, tzinfo=UTC)
AT = "2026-11-27T06:00:00Z"
PLANTED = "hunter2"
SPEC = {
    "scaleTargetRef": {"name": "orders"},
    "broker": {"secretName": "shop-rabbitmq"},
    "queues": [{"name": "orders", "wait": {"objectiveSeconds": 10}}],
    "maxReplicas": 8,
}


def about() -> Known:
    """An object with words in it that are nobody's business: what was applied last, and who may log in."""
    return read(
        {
            "metadata": {
                "namespace": "shop", "name": "orders", "uid": "1", "generation": 1,
                "labels": {"password": PLANTED},
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": PLANTED, "note": PLANTED},
                "managedFields": [{"manager": PLANTED}],
            },
            "spec": SPEC,
            "status": {"credentials": PLANTED},
        }
    )  # fmt: skip


def status() -> dict[str, Any]:
    """A status in which each part has a field that no page knows of."""
    record = {
        "time": AT, "from": 3, "to": 8, "reason": "ObjectiveAtRisk", "limitedBy": "max",
        "message": "48, limited to maxReplicas 8", "password": PLANTED,
    }  # fmt: skip
    steps = [
        {"step": "wait", "replicas": 48, "source": "orders", "observed": True, "message": "48", "password": PLANTED},
        {"step": "bounds", "replicas": 8, "source": "spec.maxReplicas", "observed": True, "message": "8"},
    ]
    return {
        "conditions": [{**condition("Ready", "True", "Scaling", "well", since=AT), "uri": PLANTED}],
        "queues": [{"name": "orders", "state": "Read", "ready": 7, "unacknowledged": 1, "uri": PLANTED}],
        "currentReplicas": 3,
        "desiredReplicas": 8,
        "lastDecision": {**record, "steps": steps},
        "history": [record],
        "columns": {"target": "Deployment/orders", "broker": "shop-rabbitmq", "queues": "orders", "uri": PLANTED},
        "startSeconds": "11.2",
        "connectionString": PLANTED,
    }  # fmt: skip


def board() -> Board:
    made = Board(utcnow=lambda: NOW)
    made.told(about(), status=status(), change=Change(before=3, after=8), now=NOW)
    return made


def test_all_that_is_known_is_told() -> None:
    shown = board()
    told, row = shown.find(about().key), shown.row(about().key)
    assert told is not None
    assert row is not None
    made = view(told, row=row, now=int(NOW.timestamp()))

    assert ("ObjectiveAtRisk", ["wait", "bounds"]) == (
        made.decision["reason"],
        [step["step"] for step in made.decision["steps"]],
    )
    assert [("Ready", "True")] == [(each["type"], each["status"]) for each in made.conditions]
    assert ([("orders", 7)], [(3, 8)]) == (
        [(each["name"], each["ready"]) for each in made.queues],
        [(each["from"], each["to"]) for each in made.history],
    )
    assert ([7.0], [1.0], [3.0], [8.0], [None]) == tuple(
        made.series[name] for name in ("ready", "unacked", "current", "desired", "wait")
    )
    assert ("11.2", 48) == (made.start_seconds, made.raised.max_replicas if made.raised else None)


def test_what_no_page_knows_of_is_not_shown_by_accident() -> None:
    """Each field is named: one that is written into a status some day does not come along."""
    shown = board()
    told, row = shown.find(about().key), shown.row(about().key)
    assert told is not None
    assert row is not None
    everything = (
        msgspec.json.encode(view(told, row=row, now=int(NOW.timestamp()))),
        msgspec.json.encode(row),
        msgspec.json.encode(list(shown.tally.latest)),
    )

    assert [False, False, False] == [PLANTED.encode() in each for each in everything]
    assert b"48, limited to maxReplicas 8" in everything[2]


def test_the_course_ends_with_the_figures_of_the_row() -> None:
    """Both stand on one screen, and a point is kept every fifteen seconds."""
    shown, later = board(), NOW + timedelta(seconds=9)
    shown._utcnow = lambda: later
    flow = {"arrivalsPerSecond": "235.613", "throughputPerReplica": "5.88", "waitSeconds": "27.44"}
    told = status() | {"queues": [{**status()["queues"][0], "ready": 123_457, **flow}], "currentReplicas": 8}
    shown.told(about(), status=told, change=None, now=later)
    found, row = shown.find(about().key), shown.row(about().key)
    assert found is not None
    assert row is not None
    series = view(found, row=row, now=int(later.timestamp())).series

    assert [7, 123_457] == series["ready"]
    assert (row.ready, row.unacked, row.wait_seconds, row.arrivals, row.capacity, row.current, row.desired) == tuple(
        series[name][-1] for name in ("ready", "unacked", "wait", "arrivals", "capacity", "current", "desired")
    )
    assert (235.6, 47.04) == (row.arrivals, row.capacity)


def test_an_object_that_nothing_was_decided_on_has_a_view_all_the_same() -> None:
    shown = Board(utcnow=lambda: NOW)
    wrong = read({"metadata": {"namespace": "shop", "name": "odd", "uid": "1", "generation": 1}, "spec": {}})
    shown.told(wrong, status={}, change=None, now=NOW)
    told, row = shown.find(wrong.key), shown.row(wrong.key)
    assert told is not None
    assert row is not None
    made = view(told, row=row, now=int(NOW.timestamp()))

    assert ("notReady", "", None, {"steps": []}, []) == (
        made.row.state, made.yaml, made.raised, made.decision, made.history,
    )  # fmt: skip


def test_the_yaml_is_the_object_without_what_is_not_set() -> None:
    known = about()
    assert known.spec is not None
    written = yaml.safe_load(manifest(known.key, known.spec))

    assert {"name": "orders", "namespace": "shop"} == written["metadata"]
    assert known.spec == parse(written["spec"])
    assert None not in written["spec"].values()


def test_more_replicas_are_offered_only_where_the_bound_is_in_the_way() -> None:
    spec = about().spec
    assert spec is not None
    asked = {"limitedBy": "max", "steps": [{"replicas": 48}, {"replicas": 8}]}
    more = raised(spec, decision=asked)

    assert more is not None
    assert 48 == more.max_replicas
    assert raised(spec, decision={**asked, "limitedBy": "upPolicy"}) is None
    assert raised(spec, decision={**asked, "steps": [{"replicas": 8}]}) is None
    assert raised(spec, decision={}) is None
