"""What the objects of apps/v1 tell of their scale, and who wrote it."""

from typing import Any

import msgspec
import pytest

from qc_operator.cluster import Scale
from qc_operator.cluster.workload import Workload


def decode(body: dict[str, Any]) -> Workload:
    return msgspec.json.decode(msgspec.json.encode(body), type=Workload)


def managed(manager: str, time: str | None, **fields: Any) -> dict[str, Any]:
    entry = {"manager": manager, "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1"}
    return entry | {"fieldsV1": fields} | ({"time": time} if time else {})


REPLICAS: dict[str, Any] = {"f:spec": {"f:replicas": {}, "f:selector": {}}}
IMAGE: dict[str, Any] = {"f:spec": {"f:template": {"f:spec": {}}}}


@pytest.mark.parametrize(
    ("entries", "writer"),
    [
        pytest.param(None, "", id="not told"),
        pytest.param([], "", id="cleared"),
        pytest.param([managed("kubectl", "2026-11-27T12:00:00Z", **IMAGE)], "", id="of other fields"),
        pytest.param([managed("kubectl", "2026-11-27T12:00:00Z", **REPLICAS)], "kubectl", id="one"),
        pytest.param(
            [
                managed("argocd", "2026-11-27T12:00:01Z", **REPLICAS),
                managed("kubectl", "2026-11-27T12:00:02Z", **REPLICAS),
                managed("helm", "2026-11-27T12:00:03Z", **IMAGE),
            ],
            "kubectl",
            id="the last of several",
        ),
        pytest.param([managed("old", None, **REPLICAS), managed("a", None)], "old", id="without a time"),
    ],
)
def test_the_writer_is_who_owns_the_replicas(entries: list[dict[str, Any]] | None, writer: str) -> None:
    assert writer == decode({"metadata": {"managedFields": entries}}).scale().writer


def test_a_workload_is_its_scale() -> None:
    body = {
        "metadata": {"name": "receipts", "uid": "7", "resourceVersion": "12"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"b": "2", "a": "1"}}},
        "status": {"replicas": 2, "readyReplicas": 1},
    }

    assert Scale(replicas=3, running=2, resource_version="12", selector="a=1,b=2", uid="7") == decode(body).scale()


def test_one_that_is_new_runs_nothing_yet() -> None:
    scale = decode({"metadata": {}, "spec": {"selector": None}, "status": {}}).scale()

    assert (1, 0, "") == (scale.replicas, scale.running, scale.selector)
