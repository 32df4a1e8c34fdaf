"""What the chart lets people do with QueueConsumers, by Kubernetes' own roles edit, admin and view."""

from pathlib import Path
from typing import Any

import pytest

from tests.packaging.rendering import only, rendered

AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
READING = ["get", "list", "watch"]


def roles(role: dict[str, Any]) -> set[str]:
    """Kubernetes' roles that a role is added to."""
    labels: dict[str, str] = role["metadata"]["labels"]
    return {label.removeprefix(AGGREGATE) for label, value in labels.items() if AGGREGATE in label and value == "true"}


def test_who_edits_a_namespace_may_write_queue_consumers_but_not_their_status(helm: Path) -> None:
    role = only(rendered(helm), "ClusterRole", "queueconsumer-operator-edit")

    assert roles(role) == {"edit", "admin"}
    assert role["rules"] == [
        {
            "apiGroups": ["queueconsumer.dev"],
            "resources": ["queueconsumers"],
            "verbs": ["create", "delete", "deletecollection", "patch", "update"],
        }
    ]


def test_who_views_a_namespace_may_read_them(helm: Path) -> None:
    role = only(rendered(helm), "ClusterRole", "queueconsumer-operator-view")

    assert roles(role) == {"view", "edit", "admin"}
    assert role["rules"] == [
        {
            "apiGroups": ["queueconsumer.dev"],
            "resources": ["queueconsumers", "queueconsumers/status"],
            "verbs": READING,
        }
    ]


def test_they_are_there_too_where_the_operator_serves_some_namespaces(helm: Path) -> None:
    names = {found["metadata"]["name"] for found in rendered(helm, "watch.namespaces={shop}") if "rules" in found}

    assert {"queueconsumer-operator-edit", "queueconsumer-operator-view"} <= names


@pytest.mark.parametrize("setting", ["rbac.aggregate=false", "rbac.create=false"])
def test_they_can_be_left_to_others(helm: Path, setting: str) -> None:
    manifests = rendered(helm, setting)

    assert not [found for found in manifests if any(AGGREGATE in label for label in found["metadata"]["labels"])]
