"""QueueConsumers to send to the API server: one that is as small as can be, and changes of it."""

import copy
from collections.abc import Mapping
from typing import Any, Final

GROUP: Final = "queueconsumer.dev"
VERSION: Final = "v1alpha1"
PLURAL: Final = "queueconsumers"
REMOVED: Final = object()
"""As a value in `changed`: take the field away."""


def smallest() -> dict[str, Any]:
    """Return a QueueConsumer with the required fields and nothing else."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "QueueConsumer",
        "metadata": {"name": "crd-schema-test", "namespace": "default"},
        "spec": {
            "scaleTargetRef": {"name": "receipts"},
            "broker": {"secretName": "shop-rabbitmq"},
            "queues": [{"name": "receipts", "lag": {"scaleUpAbove": 100}}],
            "maxReplicas": 50,
        },
    }


def changed(changes: Mapping[str, object], *, of: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the smallest QueueConsumer, or another one, with fields of its spec set or REMOVED.

    A path is written with dots, `queues.0.lag`; objects on the way are made where they are missing.
    """
    manifest = copy.deepcopy(smallest() if of is None else of)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place: Any = manifest["spec"]
        for parent in parents:
            place = place[int(parent)] if isinstance(place, list) else place.setdefault(parent, {})
        if value is REMOVED:
            del place[last]
        elif isinstance(place, list):
            place[int(last)] = value
        else:
            place[last] = value
    return manifest


def example_of_the_design() -> dict[str, Any]:
    """Return a QueueConsumer that sets every field."""
    manifest = smallest()
    manifest["spec"] = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "receipts"},
        "broker": {"secretName": "shop-rabbitmq", "vhost": "shop"},
        "queues": [
            {"name": "receipts", "lag": {"scaleUpAbove": 100, "scaleDownBelow": 20, "count": "Total"}},
            {
                "pattern": r"^receipts\..+$",
                "aggregate": "Sum",
                "wait": {"objectiveSeconds": 30},
                "secondsPerMessage": "0.2",
            },
        ],
        "minReplicas": 0,
        "maxReplicas": 50,
        "activateAbove": 0,
        "idleAfterSeconds": 60,
        "idleEvidence": "ReadyAndUnacked",
        "behavior": {
            "scaleUp": {"policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]},
            "scaleDown": {
                "stabilizationWindowSeconds": 120,
                "selectPolicy": "Min",
                "policies": [
                    {"type": "Pods", "value": 1, "periodSeconds": 60},
                    {"type": "Percent", "value": 10, "periodSeconds": 1800},
                ],
            },
        },
        "fallback": {"afterSeconds": 180, "replicas": 5, "policy": "AtLeast"},
        "schedules": [black_friday()],
        "mode": "Scale",
        "restoreReplicasOnDelete": "Keep",
    }
    return manifest


def black_friday(**changes: object) -> dict[str, Any]:
    """Return the schedule of Black Friday, with some fields changed or REMOVED."""
    schedule: dict[str, Any] = {
        "name": "black-friday",
        "start": "0 6 27 11 *",
        "end": "0 2 30 11 *",
        "timeZone": "Europe/Berlin",
        "minReplicas": 20,
    }
    schedule |= changes
    return {field: value for field, value in schedule.items() if value is not REMOVED}
