"""Patterns and kinds of queues on a real cluster: followed as they come and go, warned of, or refused with a reason."""

from collections.abc import Callable

import pytest

from tests.e2e.scaling.workload import Workload

pytestmark = pytest.mark.cluster

Make = Callable[[str], Workload]


def test_a_pattern_counts_all_queues_that_match_also_those_that_come_later(make_workload: Make) -> None:
    tenants = make_workload("tenants")
    tenants.declare()
    tenants.publish(25, seconds=600)
    tenants.apply(queues=[{"pattern": r"^tenants(-\w\w)?$", "lag": {"scaleUpAbove": 10}}])
    tenants.until(lambda: tenants.replicas == 3, within=30, what="25 messages in one queue / 10 per replica = 3")

    tenants.broker.declare("tenants-de")
    tenants.broker.publish("tenants-de", count=15, seconds=0, done=tenants.done)
    tenants.until(lambda: tenants.replicas == 4, within=30, what="40 messages in two queues / 10 per replica = 4")
    tenants.until(lambda: tenants.status["queues"][0]["matched"] == 2, within=30, what="two queues in the status")
    assert r"the 2 queues that match ^tenants(-\w\w)?$" in tenants.status["history"][0]["message"]

    tenants.broker.delete("tenants-de")
    tenants.until(lambda: tenants.status["queues"][0]["matched"] == 1, within=30, what="one queue in the status")
    assert ("True", "Scaling") == tenants.condition("Ready")[:2]

    tenants.apply(queues=[{"pattern": "^nobody-has-this$", "lag": {"scaleUpAbove": 10}}])
    tenants.until(lambda: tenants.condition("Ready")[1] == "NoQueues", within=30, what="no match is told")
    tenants.until(lambda: "NoQueues" in tenants.event_reasons(), within=20, what="the event")


def test_a_pattern_that_does_not_compile_is_told_with_its_place(make_workload: Make) -> None:
    broken = make_workload("broken")
    broken.apply(queues=[{"pattern": "(unclosed", "lag": {"scaleUpAbove": 10}}])

    broken.until(lambda: broken.condition("Ready")[1] == "InvalidSpec", within=20, what="the condition")

    message = broken.condition("Ready")[2]
    assert message.startswith("spec.queues[0].pattern: must be a regular expression in RE2's syntax")
    assert "missing ): (unclosed" in message


def test_replicas_that_could_only_stand_by_are_warned_of(make_workload: Make) -> None:
    single = make_workload("single")
    single.broker.declare(single.name, x_single_active_consumer=True)
    single.apply(maxReplicas=3)

    single.until(
        lambda: single.condition("ScalingLimited")[:2] == ("True", "SingleActiveConsumer"), within=30, what="a warning"
    )
    single.until(lambda: "SingleActiveConsumer" in single.event_reasons(), within=20, what="the event")
    assert ("True", "Scaling") == single.condition("Ready")[:2]

    single.apply(maxReplicas=1)
    single.until(lambda: single.condition("ScalingLimited")[0] == "False", within=30, what="the warning is taken back")


def test_a_stream_is_refused_with_the_reason(make_workload: Make) -> None:
    stream = make_workload("stream")
    stream.broker.declare(stream.name, x_queue_type="stream")
    stream.apply()

    stream.until(lambda: stream.condition("Ready")[1] == "StreamNotSupported", within=30, what="the condition")
    assert "its length says nothing about lag" in stream.condition("Ready")[2]
    stream.stays_at(1, seconds=5)
