"""Targets, limits, guards and people's words on a real cluster, with a real broker and real consumers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.conftest import Command
from tests.e2e.scaling.load import steady_load
from tests.e2e.scaling.workload import SECRET, Workload

pytestmark = pytest.mark.cluster

Make = Callable[[str], Workload]


@pytest.mark.timeout(400)
def test_a_waiting_time_objective_is_met_with_a_throughput_that_is_learned(make_workload: Make) -> None:
    late = make_workload("late")
    late.declare()
    late.apply(queues=[{"name": "late", "wait": {"objectiveSeconds": 60}, "secondsPerMessage": 1}], minReplicas=0)
    late.until(lambda: late.condition("Ready")[0] == "True", within=30, what="Ready")
    late.publish(1000, seconds=0.4)

    late.until(lambda: late.replicas == 5, within=20, what="more work than five replicas manage in time")
    learned = late.until(
        lambda: [q for q in late.status["queues"] if q.get("throughputFrom") == "learned"], within=60, what="learning"
    )
    # 0.4 s of work for each message and a few milliseconds around it.
    assert 1.5 < float(learned[0]["throughputPerReplica"]) < 2.6
    late.until(lambda: "startSeconds" in late.status, within=30, what="how long pods take to start")
    assert 0.3 < float(late.status["startSeconds"]) < 60
    late.until(lambda: late.condition("ObjectiveMet")[0] == "True", within=90, what="the objective is met")
    late.until(lambda: late.replicas == 0, within=180, what="all is done")

    told = {task["id"] for task in late.broker.taken(late.done)}
    assert told == set(range(1000))


@pytest.mark.timeout(240)
def test_an_arrival_rate_brings_the_replicas_that_manage_it(make_workload: Make) -> None:
    arriving = make_workload("arriving")
    arriving.declare()
    arriving.apply(queues=[{"name": "arriving", "publishRate": {"perReplica": "5"}}])
    with steady_load(arriving, per_second=12, seconds=0.01):
        arriving.until(lambda: arriving.replicas == 3, within=90, what="12/s at 5/s each")
        change = arriving.until(
            lambda: [c for c in arriving.status["history"] if c["to"] == 3], within=20, what="the change in the status"
        )
        assert change[0]["reason"] in {"ArrivalAboveCapacity", "WokeUp"}
        assert "messages/s into arriving" in change[0]["message"]


def test_policies_limit_how_fast_replicas_come(make_workload: Make) -> None:
    gradual = make_workload("gradual")
    gradual.declare()
    policy = {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 8}]}
    gradual.apply(minReplicas=1, behavior={"scaleUp": policy})
    gradual.until(lambda: gradual.condition("Ready")[0] == "True", within=30, what="Ready")
    gradual.publish(45, seconds=600)

    gradual.until(lambda: gradual.replicas == 4, within=60, what="one replica more every eight seconds")
    gradual.until(lambda: len(gradual.changes()) >= 3, within=20, what="three changes in the status")
    assert gradual.changes()[:3] == [(1, 2), (2, 3), (3, 4)]
    assert gradual.status["history"][0]["limitedBy"] == "upPolicy"
    gradual.until(lambda: gradual.condition("ScalingLimited")[1] == "ScaleUpLimited", within=30, what="the condition")


def test_the_fallback_decides_while_the_secret_is_missing_and_lets_go_afterwards(
    make_workload: Make, kubectl: Command
) -> None:
    blind = make_workload("blind")
    blind.declare()
    blind.apply(broker={"secretName": "blind-rabbitmq"}, fallback={"afterSeconds": 5, "replicas": 3}, minReplicas=1)

    blind.until(lambda: blind.replicas == 3, within=40, what="the fallback")
    blind.until(lambda: blind.condition("FallbackActive")[0] == "True", within=20, what="the condition")
    blind.until(lambda: "FallbackActivated" in blind.event_reasons(), within=20, what="the event")
    assert blind.condition("Ready")[1] == "SecretNotFound"

    secret = json.loads(kubectl("-n", blind.namespace, "get", "secret", SECRET, "-o", "json"))
    secret["metadata"] = {"name": "blind-rabbitmq", "namespace": blind.namespace}
    kubectl("apply", "-f", "-", stdin=json.dumps(secret))
    blind.until(lambda: blind.condition("FallbackActive")[0] == "False", within=60, what="the queues decide again")


def test_a_pause_holds_a_number_and_its_end_lets_go(make_workload: Make, kubectl: Command) -> None:
    held = make_workload("held")
    held.declare()
    held.apply(minReplicas=1)
    held.until(lambda: held.condition("Ready")[0] == "True", within=30, what="Ready")
    annotate = ("-n", held.namespace, "annotate", "--overwrite", "queueconsumer", "held")
    kubectl(*annotate, "queueconsumer.dev/paused-replicas=2")

    held.until(lambda: held.replicas == 2, within=20, what="the number of the annotation")
    held.publish(45, seconds=600)
    held.stays_at(2, seconds=5)
    held.until(lambda: held.condition("Paused")[:2] == ("True", "Annotation"), within=20, what="the condition")

    kubectl(*annotate, "queueconsumer.dev/paused-replicas-")
    held.until(lambda: held.replicas == 5, within=20, what="the queue decides again")


def test_observe_tells_what_it_would_do_and_does_nothing(make_workload: Make) -> None:
    watched = make_workload("watched")
    watched.declare()
    watched.apply(mode="Observe")
    watched.publish(45, seconds=600)

    watched.until(lambda: watched.status.get("desiredReplicas") == 5, within=40, what="the decision")
    watched.stays_at(1, seconds=5)
    assert watched.condition("Ready")[:2] == ("True", "Observing")


def test_an_open_schedule_raises_the_minimum(make_workload: Make) -> None:
    planned = make_workload("planned")
    planned.declare()
    now = datetime.now(UTC)
    start, end = now - timedelta(minutes=5), now + timedelta(hours=3)
    window = {"start": f"{start.minute} {start.hour} * * *", "end": f"{end.minute} {end.hour} * * *"}
    planned.apply(schedules=[{"name": "now", "timeZone": "UTC", "minReplicas": 3} | window])

    planned.until(lambda: planned.replicas == 3, within=30, what="the schedule's minimum")
    planned.until(lambda: planned.status.get("history"), within=20, what="the change in the status")
    change = planned.status["history"][0]
    assert (change["reason"], change["limitedBy"]) == ("Scheduled", "min")
    assert "minReplicas 3 of schedule now" in change["message"]


@pytest.mark.timeout(240)
def test_pods_without_a_node_are_not_asked_for_again_and_again(make_workload: Make, kubectl: Command) -> None:
    crowded = make_workload("crowded")
    crowded.declare()
    crowded.apply(minReplicas=1)
    crowded.until(lambda: crowded.condition("Ready")[0] == "True", within=30, what="Ready")
    _request(kubectl, crowded, cpu="1000")
    crowded.publish(25, seconds=600)
    crowded.until(lambda: crowded.replicas == 3, within=20, what="three replicas for 25 messages")

    crowded.until(
        lambda: crowded.condition("ScalingLimited")[:2] == ("True", "Unschedulable") or _more(crowded),
        within=60,
        what="the guard",
    )
    assert "Insufficient cpu" in crowded.condition("ScalingLimited")[2]
    crowded.stays_at(3, seconds=5)
    crowded.until(lambda: "Unschedulable" in crowded.event_reasons(), within=20, what="the event")

    _request(kubectl, crowded, cpu="10m")
    crowded.until(lambda: crowded.replicas == 5, within=90, what="what is wanted, once the pods have a node")


def _more(workload: Workload) -> bool:
    """Ask for more than there is, once the three pods have been seen to wait for a node."""
    if workload.broker.ready(workload.name) < 45:
        time.sleep(12)
        workload.publish(25, seconds=600, first=25)
    return False


def _request(kubectl: Command, workload: Workload, *, cpu: str) -> None:
    container = {"name": "consumer", "resources": {"requests": {"cpu": cpu}}}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    kubectl("-n", workload.namespace, "patch", "deployment", workload.name, "-p", json.dumps(patch))
