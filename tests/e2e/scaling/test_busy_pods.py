"""A step down while some pods are in the middle of a message: those stay."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.scaling.workload import Workload

LONG = 25.0
"""Seconds of work: longer than it takes until the broker's statistics tell of it, and the step down."""
TOLD_WITHIN = 6.0
"""Seconds after which the broker's statistics of its channels tell of a message that is held: every 5."""
COSTS = {"controller.kubernetes.io/pod-deletion-cost", "queueconsumer.dev/deletion-cost"}


def pods(workload: Workload) -> dict[str, dict[str, Any]]:
    """Its pods by name, without those that are being deleted."""
    said = workload.kubectl("-n", workload.namespace, "get", "pods", "-l", f"app={workload.name}", "-o", "json")
    found = json.loads(said)
    return {pod["metadata"]["name"]: pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]}


@pytest.mark.parametrize("before", [0, 3, 1])
def test_pods_that_are_in_the_middle_of_a_message_survive_a_step_down(
    make_workload: Callable[[str], Workload], before: int
) -> None:
    """Messages before that are done at once have others of the pods be the next to get one."""
    workload = make_workload(f"busy-{before}")
    workload.declare()
    workload.apply(minReplicas=6, maxReplicas=6)
    workload.until(lambda: workload.ready_replicas == 6, within=90, what="six pods are ready")
    workload.publish(before, seconds=0.01, first=100)
    workload.until(lambda: workload.broker.ready(workload.done) == before, within=20, what="the first are done")
    workload.broker.purge(workload.done)

    workload.publish(3, seconds=LONG)
    workload.until(lambda: workload.in_work == 3, within=20, what="three pods are at work")
    time.sleep(TOLD_WITHIN)
    workload.apply(minReplicas=3, maxReplicas=3)
    workload.until(lambda: len(pods(workload)) == 3, within=15, what="three pods are left")
    left = pods(workload)

    assert (6, 3) in workload.changes()
    assert 0 == workload.broker.ready(workload.done)  # All three are still at work.
    workload.until(lambda: workload.broker.ready(workload.done) == 3, within=2 * LONG, what="all three are done")
    done = workload.broker.taken(workload.done)
    assert set(left) == {message["pod"] for message in done}
    assert [False, False, False] == [message["redelivered"] for message in done]
    assert not any(COSTS & set(pod["metadata"].get("annotations", {})) for pod in left.values())


def test_a_cost_that_somebody_has_given_stands(make_workload: Callable[[str], Workload]) -> None:
    workload = make_workload("busy-owned")
    workload.declare()
    workload.apply(minReplicas=3, maxReplicas=3)
    workload.until(lambda: workload.ready_replicas == 3, within=90, what="three pods are ready")
    workload.publish(1, seconds=LONG)
    workload.until(lambda: workload.in_work == 1, within=20, what="one pod is at work")
    time.sleep(TOLD_WITHIN)
    wanted = min(pods(workload))
    cost = "controller.kubernetes.io/pod-deletion-cost=1000"
    workload.kubectl("-n", workload.namespace, "annotate", "pod", wanted, cost)

    workload.apply(minReplicas=1, maxReplicas=1)
    workload.until(lambda: len(pods(workload)) == 1, within=15, what="one pod is left")

    left = pods(workload)
    assert {wanted} == set(left)
    assert "queueconsumer.dev/deletion-cost" not in left[wanted]["metadata"]["annotations"]
