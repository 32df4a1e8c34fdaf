"""The status subresource and what `kubectl get qc` makes of it.

The object is real, in a namespace of its own; its statuses are dry runs, so that an operator on the same cluster
cannot get in between.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from tests.e2e.crd_schema.admission import Admission
from tests.e2e.crd_schema.manifests import GROUP, PLURAL, VERSION, smallest

pytestmark = pytest.mark.cluster

TIME = "2026-11-27T06:00:00Z"
CHANGE = {"time": TIME, "from": 3, "to": 8, "reason": "BacklogAboveTarget", "limitedBy": "max", "message": "1240 / 100"}
WHOLE: dict[str, Any] = {
    "observedGeneration": 1,
    "currentReplicas": 3,
    "desiredReplicas": 8,
    "originalReplicas": 1,
    "lastScaleTime": TIME,
    "lastActiveTime": TIME,
    "queues": [
        {"name": "receipts", "vhost": "shop", "ready": 1240, "unacknowledged": 64, "readAt": TIME, "state": "Read"},
        {"name": "invoices", "state": "Missing", "message": "there is no such queue"},
    ],
    "startSeconds": "7.25",
    "lastDecision": CHANGE
    | {
        "steps": [
            {"step": "lag", "replicas": 14, "source": "receipts", "observed": True, "message": "1304 / 100 = 14"},
            {
                "step": "bounds",
                "replicas": 8,
                "source": "spec.maxReplicas",
                "observed": True,
                "message": "limited to 8",
            },
        ]
    },
    "history": [CHANGE] * 20,
    "columns": {
        "target": "Deployment/receipts",
        "ready": "1240",
        "unacked": "64",
        "wait": "27s/10s",
        "replicas": "3->8/8",
        "reason": "BacklogAboveTarget",
        "limited": "max",
        "queues": "receipts,invoices",
        "broker": "shop-rabbitmq/shop",
        "rates": "210/135",
        "readingAge": "fresh",
        "conditions": "Ready,Active",
    },
    "conditions": [
        {"type": "Ready", "status": "True", "lastTransitionTime": TIME, "reason": "AllGood", "message": "All is read."}
    ],
}


@pytest.fixture(scope="module")
def statuses(admission: Admission, cluster: client.ApiClient) -> Iterator["Statuses"]:
    """A QueueConsumer whose status can be written."""
    assert admission.accepted(smallest())
    namespaces = client.CoreV1Api(cluster)
    created = namespaces.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(generate_name="crd-schema-")))
    assert created.metadata is not None
    namespace = str(created.metadata.name)
    manifest = smallest()
    manifest["metadata"]["namespace"] = namespace
    client.CustomObjectsApi(cluster).create_namespaced_custom_object(GROUP, VERSION, namespace, PLURAL, manifest)
    yield Statuses(cluster, path=f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURAL}/crd-schema-test")
    namespaces.delete_namespace(namespace)


class Statuses:
    """Writes statuses of one object as dry runs."""

    def __init__(self, cluster: client.ApiClient, *, path: str) -> None:
        self._cluster = cluster
        self._path = path

    def write(self, body: object, *, subresource: str = "/status", accept: str = "application/json") -> Any:
        """Return what the API server answers to a merge patch."""
        parameters = self._cluster.param_serialize(
            "PATCH",
            self._path + subresource,
            query_params=[("dryRun", "All"), ("fieldValidation", "Strict")],
            header_params={"Content-Type": "application/merge-patch+json", "Accept": accept},
            body=body,
            auth_settings=["BearerToken"],
        )
        return json.loads(self._cluster.call_api(*parameters).read())

    def columns(self, body: object) -> dict[str, object]:
        """Return the columns of `kubectl get -o wide` for a status."""
        table = self.write(body, accept="application/json;as=Table;g=meta.k8s.io;v=v1")
        titles = [column["name"] for column in table["columnDefinitions"]]
        return dict(zip(titles, table["rows"][0]["cells"], strict=True))


def test_a_whole_status_is_stored_as_it_is(statuses: Statuses) -> None:
    assert statuses.write({"status": WHOLE})["status"] == WHOLE


def test_the_columns_show_the_status(statuses: Statuses) -> None:
    columns = statuses.columns({"status": WHOLE})

    del columns["Last Scale"], columns["Age"]  # they move with the clock
    assert columns == {
        "Name": "crd-schema-test",
        "Target": "receipts",
        "Ready": "1240",
        "Unacked": "64",
        "Wait/Obj": "27s/10s",
        "Replicas": "3->8/8",
        "Max": 50,
        "Reason": "BacklogAboveTarget",
        "Limited": "max",
        "Queues": "receipts,invoices",
        "Broker": "shop-rabbitmq/shop",
        "Rates": "210/135",
        "Reading Age": "fresh",
        "Mode": "Scale",
        "Conditions": "Ready,Active",
    }


@pytest.mark.parametrize(
    ("status", "field"),
    [
        pytest.param({"lastDecision": CHANGE | {"reason": "Because"}}, "status.lastDecision.reason", id="reason"),
        pytest.param({"lastDecision": CHANGE | {"limitedBy": "budget"}}, "status.lastDecision.limitedBy", id="limit"),
        pytest.param({"lastDecision": CHANGE | {"time": "yesterday"}}, "status.lastDecision.time", id="time"),
        pytest.param(
            {"lastDecision": CHANGE | {"steps": [{"step": "guess", "replicas": 1, "message": "so"}]}},
            "status.lastDecision.steps[0].step",
            id="step",
        ),
        pytest.param({"startSeconds": "soon"}, "status.startSeconds", id="startSeconds"),
        pytest.param({"history": [CHANGE] * 21}, "status.history", id="history-of-21"),
        pytest.param({"currentReplicas": -1}, "status.currentReplicas", id="negative-replicas"),
        pytest.param({"queues": [{"name": "a", "state": "Gone"}]}, "status.queues[0].state", id="state"),
        pytest.param({"conditions": WHOLE["conditions"] * 2}, "status.conditions[1]", id="condition-twice"),
        pytest.param({"conditions": [{"type": "Ready"}]}, "status.conditions[0].status", id="condition-half"),
    ],
)
def test_a_status_outside_the_closed_words_is_refused(statuses: Statuses, status: object, field: str) -> None:
    answer = statuses.write({"status": status})

    assert answer["code"] == 422
    assert field in [cause["field"] for cause in answer["details"]["causes"]]


def test_the_status_cannot_be_written_with_the_spec(statuses: Statuses) -> None:
    stored = statuses.write({"status": {"desiredReplicas": 77}}, subresource="")

    assert stored.get("status", {}).get("desiredReplicas") != 77


def test_the_spec_cannot_be_written_with_the_status(statuses: Statuses) -> None:
    assert statuses.write({"spec": {"maxReplicas": 77}})["spec"]["maxReplicas"] == 50
