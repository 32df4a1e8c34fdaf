"""The status as a real API server keeps it: whatever else is written meanwhile, and by whichever definition."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.adapters.kubernetes.access import Access, deployments, until
from tests.adapters.kubernetes.queueconsumers import Operator, another_definition, condition, create, path, schema
from tests.e2e.hpa.control_plane import ControlPlane

pytestmark = pytest.mark.usefixtures("crd")


@pytest.fixture
async def serving(admin: Access) -> AsyncIterator[Operator]:
    async with Operator(admin) as made:
        yield made


async def shop(admin: Access, name: str, *, replicas: int = 0, **spec: Any) -> str:
    """A namespace with a Deployment and a QueueConsumer."""
    namespace = await admin.namespace(name)
    await admin.deployment(namespace, "receipts", replicas=replicas)
    await create(admin, namespace, **spec)
    return namespace


def ready(reason: str) -> Callable[[dict[str, Any]], bool]:
    return lambda shown: condition(shown, "Ready").get("reason") == reason


def desired(replicas: int) -> Callable[[dict[str, Any]], bool]:
    return lambda shown: shown.get("status", {}).get("desiredReplicas") == replicas


async def test_the_first_status_and_a_change(admin: Access, serving: Operator) -> None:
    namespace = await shop(admin, "status-first")
    await serving.see(namespace)
    await serving.shows(namespace, ready("Scaling"))
    serving.messages(namespace, 95)
    shown = await serving.shows(namespace, desired(5))

    assert 5 == (await admin.api.get(f"{deployments(namespace)}/receipts"))["spec"]["replicas"]
    assert (1, "0->5/0", 0) == (
        shown["status"]["observedGeneration"],
        shown["status"]["columns"]["replicas"],
        shown["status"]["originalReplicas"],
    )
    assert ("True", "ReplicasRunning") == tuple(condition(shown, "Active")[key] for key in ("status", "reason"))


async def test_whoever_else_writes_meanwhile_no_status_is_lost(admin: Access, serving: Operator) -> None:
    namespace = await shop(admin, "status-crowd")
    await serving.see(namespace)
    await serving.shows(namespace, ready("Scaling"))

    async def annotate(number: int) -> None:
        for turn in range(10):
            await admin.patch(path(namespace), {"metadata": {"annotations": {f"team/{number}": str(turn)}}})

    async with asyncio.TaskGroup() as crowd:
        for number in range(8):
            crowd.create_task(annotate(number))
        for messages in range(20, 220, 20):
            serving.messages(namespace, messages + 15, after=16.0)
            await asyncio.sleep(0.05)
    shown = await serving.shows(namespace, desired(10))

    # Each change begins where the one before it ended, whichever of the readings were taken together.
    history = shown["status"]["history"]
    assert [10, *(change["from"] for change in history[:-1])] == [change["to"] for change in history]
    assert 0 == history[-1]["from"]
    assert {f"team/{number}": "9" for number in range(8)} == shown["metadata"]["annotations"]
    assert 0 == serving.metrics.api_errors.labels("status", "Conflict")._value.get()


async def test_what_somebody_else_writes_into_the_status_is_put_right_by_the_next_change(
    admin: Access, serving: Operator
) -> None:
    namespace = await shop(admin, "status-foreign")
    await serving.see(namespace)
    before = await serving.shows(namespace, ready("Scaling"))
    foreign = {"desiredReplicas": 77, "conditions": [], "columns": {"reason": "Nonsense"}, "startSeconds": "9"}
    await admin.patch(f"{path(namespace)}/status", {"status": foreign})
    await serving.see(namespace)
    serving.messages(namespace, 95)
    shown = await serving.shows(namespace, desired(5))

    assert condition(before, "Ready") == condition(shown, "Ready")
    assert "startSeconds" not in shown["status"]
    assert "MessagesReady" != shown["status"]["columns"]["reason"] != "Nonsense"


async def test_an_object_that_is_gone_is_served_no_longer(admin: Access, serving: Operator) -> None:
    namespace = await shop(admin, "status-gone")
    shown = await serving.see(namespace)
    await serving.shows(namespace, ready("Scaling"))
    # Deleted while the watch is away.
    await admin.delete(path(namespace))
    assert [shown["metadata"]["uid"]] == list(serving.reconciler.known.values())
    serving.messages(namespace, 95)
    await until(lambda: not serving.reconciler.known)

    assert serving.feeds[f"{namespace}/receipts"].closed


def laxer(version: dict[str, Any]) -> None:
    """Take every rule of the spec away."""
    del version["selectableFields"]
    spec = schema(version, "spec")
    spec.clear()
    spec |= {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


SLIPPED: dict[str, tuple[dict[str, Any], str]] = {
    "bound": ({"maxReplicas": 0}, "spec.maxReplicas: expected `int` >= 1 (is 0)"),
    "order": ({"minReplicas": 12}, "spec.minReplicas: must not be greater than maxReplicas 10 (is 12)"),
    "word": ({"mode": "Maybe"}, "spec.mode: invalid enum value 'Maybe' (is 'Maybe')"),
    "below": ({"queues": [{"name": "q", "lag": {"scaleUpAbove": 0}}]}, "spec.queues[0].lag.scaleUpAbove: "),
    "target": ({"scaleTargetRef": {}}, "spec.scaleTargetRef: object missing required field `name`"),
}
"""Specs, and how what is said of them begins."""


async def test_a_spec_that_slipped_past_the_schema_is_told_with_path_rule_and_value(
    plane: ControlPlane, admin: Access, serving: Operator
) -> None:
    namespace = await admin.namespace("status-lax")
    with another_definition(plane, laxer):
        for name, (spec, _) in SLIPPED.items():
            await create(admin, namespace, name, **spec)
    for name, (_, said) in SLIPPED.items():
        await serving.see(namespace, name)
        shown = await serving.shows(namespace, ready("InvalidSpec"), name=name)
        told = condition(shown, "Ready")
        assert ("False", 1) == (told["status"], told["observedGeneration"])
        assert told["message"].startswith(said), told["message"]
        assert "Unknown" == condition(shown, "Active")["status"]


async def test_what_the_schema_does_not_let_be_stored_any_more_is_told_by_an_event(
    plane: ControlPlane, admin: Access, serving: Operator
) -> None:
    """Of an object whose spec has another type than the schema says, the API server takes no status."""
    namespace = await admin.namespace("status-type")
    with another_definition(plane, laxer):
        await create(admin, namespace, maxReplicas="many")
    await serving.see(namespace)
    refused = serving.metrics.api_errors.labels("status", "Invalid")
    await until(lambda: refused._value.get() == 1)
    events = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
    while not (told := (await admin.api.get(events))["items"]):  # noqa: ASYNC110 - nothing here that could be set
        await asyncio.sleep(0.02)

    assert [("InvalidSpec", "spec.maxReplicas: expected `int`, got `str` (is 'many')")] == [
        (event["reason"], event["note"]) for event in told
    ]


def older(version: dict[str, Any]) -> None:
    """Know less of the status than this operator tells."""
    status = schema(version, "status")["properties"]
    for name in ("columns", "lastDecision", "learned", "originalReplicas"):
        del status[name]


async def test_a_definition_that_lacks_fields_of_the_status_loses_these_only(
    plane: ControlPlane, admin: Access, serving: Operator
) -> None:
    with another_definition(plane, older):
        namespace = await shop(admin, "status-older")
        await serving.see(namespace)
        serving.messages(namespace, 95)
        shown = await serving.shows(namespace, desired(5))
        serving.messages(namespace, 95, after=16.0)
        await asyncio.sleep(0.2)
        # The echo of it is no news, so it is not written again and again.
        version = (await serving.see(namespace))["metadata"]["resourceVersion"]
        for _ in range(20):
            serving.messages(namespace, 95, after=1.0)
            await asyncio.sleep(0.02)
        again = await serving.see(namespace)

    assert ready("Scaling")(shown)
    assert {"columns", "lastDecision", "originalReplicas"}.isdisjoint(shown["status"])
    assert version == again["metadata"]["resourceVersion"]


def stricter(version: dict[str, Any]) -> None:
    """Refuse the status that this operator writes."""
    schema(version, "status")["properties"]["desiredReplicas"]["maximum"] = 3


async def test_a_status_that_is_refused_holds_up_no_scaling(
    plane: ControlPlane, admin: Access, serving: Operator
) -> None:
    with another_definition(plane, stricter):
        namespace = await shop(admin, "status-refused")
        await serving.see(namespace)
        await serving.shows(namespace, ready("Scaling"))
        for _ in range(20):
            serving.messages(namespace, 95, after=0.2)
            await asyncio.sleep(0.02)
        refused = serving.metrics.api_errors.labels("status", "Invalid")._value.get()
        scaled = await admin.api.get(f"{deployments(namespace)}/receipts")
        shown = await admin.api.get(path(namespace))
    serving.messages(namespace, 95, after=6.0)

    assert (5, 0, 1) == (scaled["spec"]["replicas"], shown["status"]["desiredReplicas"], refused)
    await serving.shows(namespace, desired(5))


async def test_the_generation_is_that_of_the_spec_that_was_acted_on(admin: Access, serving: Operator) -> None:
    namespace = await shop(admin, "status-generations")
    await serving.see(namespace)
    for bound in range(1, 31):
        await admin.patch(path(namespace), {"spec": {"maxReplicas": bound}})
        await serving.see(namespace)
        serving.messages(namespace, 2000)
    shown = await serving.shows(namespace, lambda shown: shown["status"]["observedGeneration"] == 31)

    assert (31, 30) == (shown["metadata"]["generation"], shown["status"]["desiredReplicas"])
    assert {31} == {one["observedGeneration"] for one in shown["status"]["conditions"]}


async def test_no_status_claims_a_generation_before_it_was_acted_on(admin: Access, serving: Operator) -> None:
    namespace = await shop(admin, "status-claims")
    await serving.see(namespace)
    serving.messages(namespace, 2000)
    await serving.shows(namespace, desired(10))
    for generation, bound in enumerate(range(11, 31), start=2):
        await admin.patch(path(namespace), {"spec": {"maxReplicas": bound}})
        # The new spec is not known to the operator yet, and it decides by the old one.
        serving.messages(namespace, 2000 + bound, after=16.0)
        await asyncio.sleep(0.01)
        shown = await admin.api.get(path(namespace))
        assert (generation, generation - 1, bound - 1) == (
            shown["metadata"]["generation"],
            shown["status"]["observedGeneration"],
            shown["status"]["desiredReplicas"],
        )
        await serving.see(namespace)
        serving.messages(namespace, 2000 + bound)
        await serving.shows(namespace, desired(bound))


async def test_conditions_keep_their_times_over_a_restart(admin: Access) -> None:
    namespace = await shop(admin, "status-restart")
    async with Operator(admin) as first:
        await first.see(namespace)
        first.messages(namespace, 95)
        before = await first.shows(namespace, desired(5))
    async with Operator(admin) as second:
        second.clock.now += 3600.0
        await second.see(namespace)
        second.messages(namespace, 195, after=61.0)
        after = await second.shows(namespace, desired(10))

    for kind in ("Ready", "Active"):
        assert condition(before, kind)["lastTransitionTime"] == condition(after, kind)["lastTransitionTime"]
    assert ["5->10", "0->5"] == [f"{one['from']}->{one['to']}" for one in after["status"]["history"]]
    assert 0 == after["status"]["originalReplicas"]


async def test_a_restart_writes_nothing_where_nothing_has_changed(admin: Access) -> None:
    namespace = await shop(admin, "status-again")
    async with Operator(admin) as first:
        await first.see(namespace)
        before = await first.shows(namespace, ready("Scaling"))
    async with Operator(admin) as second:
        await second.see(namespace)
        for _ in range(20):
            second.messages(namespace, 0, after=1.0)
            await asyncio.sleep(0.02)
        after = await second.access.api.get(path(namespace))

    assert before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]


async def test_what_was_learned_of_other_queues_is_gone_from_the_status(admin: Access, serving: Operator) -> None:
    namespace = await shop(admin, "status-learned")
    learned = {"learned": {"startSeconds": [3.0], "firstAcknowledgementSeconds": 2.0}, "observedGeneration": 1}
    await admin.patch(f"{path(namespace)}/status", {"status": learned})
    await serving.see(namespace)
    serving.messages(namespace, 95)
    kept = await serving.shows(namespace, desired(5))
    other = [{"name": "invoices", "lag": {"scaleUpAbove": 20}}]
    await admin.patch(path(namespace), {"spec": {"queues": other}})
    await serving.see(namespace)
    shown = await serving.shows(namespace, lambda shown: shown["status"]["observedGeneration"] == 2)

    assert learned["learned"] == kept["status"]["learned"]
    assert "learned" not in shown["status"]
