"""Objects that must pass, and the defaults that they are given."""

from typing import Any

import pytest

from tests.e2e.crd_schema.admission import Admission
from tests.e2e.crd_schema.manifests import REMOVED, black_friday, changed, example_of_the_design, smallest

pytestmark = pytest.mark.cluster

LAG = {"scaleUpAbove": 1}


def only(target: dict[str, Any]) -> dict[str, Any]:
    """Return a QueueConsumer whose one queue has this target."""
    return changed({"queues": [{"name": "receipts", **target}]})


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(smallest(), id="smallest"),
        pytest.param(example_of_the_design(), id="every-field"),
        pytest.param(changed({"scaleTargetRef.kind": "StatefulSet"}), id="statefulset"),
        pytest.param(changed({"scaleTargetRef.kind": "ReplicaSet"}), id="replicaset"),
        pytest.param(
            changed({"scaleTargetRef": {"apiVersion": "v1", "kind": "ReplicationController", "name": "old"}}),
            id="replicationcontroller",
        ),
        pytest.param(
            changed({"scaleTargetRef": {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "r.v2"}}),
            id="custom-resource",
        ),
        pytest.param(only({"lag": {"scaleUpAbove": 1, "scaleDownBelow": 1}}), id="lag-equal-thresholds"),
        pytest.param(only({"lag": {"scaleUpAbove": 10**9, "count": "Ready"}}), id="lag-largest"),
        pytest.param(only({"publishRate": {"perReplica": 10}}), id="publishRate-integer"),
        pytest.param(only({"publishRate": {"perReplica": "0.001"}}), id="publishRate-smallest"),
        pytest.param(only({"publishRate": {"perReplica": "1M"}}), id="publishRate-largest"),
        pytest.param(only({"deliverRate": {"perReplica": "500m"}}), id="deliverRate-quantity"),
        pytest.param(only({"drain": {"withinSeconds": 604_800}}), id="drain-a-week"),
        pytest.param(only({"wait": {"objectiveSeconds": 1}}), id="wait-a-second"),
        pytest.param(
            only(
                {
                    "lag": LAG,
                    "publishRate": {"perReplica": 1},
                    "deliverRate": {"perReplica": 1},
                    "drain": {"withinSeconds": 1},
                    "wait": {"objectiveSeconds": 1},
                    "secondsPerMessage": 86_400,
                }
            ),
            id="all-targets",
        ),
        pytest.param(changed({"queues.0.name": "q" * 255}), id="name-255-bytes"),
        pytest.param(changed({"queues.0.name": "€" * 85}), id="name-255-bytes-in-85-characters"),
        pytest.param(changed({"queues.0.name": 'Ordre reçu "1" / 注文\t'}), id="name-any-characters"),
        pytest.param(changed({"queues": [{"name": f"q{n}", "lag": LAG} for n in range(32)]}), id="32-queues"),
        pytest.param(
            changed({"queues": [{"name": "a", "lag": LAG}, {"name": "a", "vhost": "b", "lag": LAG}]}),
            id="same-name-in-another-vhost",
        ),
        pytest.param(
            changed({"queues": [{"name": "a", "lag": LAG}, {"pattern": "a", "lag": LAG}]}), id="name-and-same-pattern"
        ),
        pytest.param(changed({"queues.0": {"pattern": "(", "lag": LAG}}), id="pattern-is-compiled-by-the-operator"),
        pytest.param(changed({"broker.vhost": "/"}), id="vhost-slash"),
        pytest.param(changed({"minReplicas": 50}), id="min-equals-max"),
        pytest.param(changed({"minReplicas": 100_000, "maxReplicas": 100_000}), id="largest-replicas"),
        pytest.param(changed({"maxReplicas": 1}), id="max-1"),
        pytest.param(changed({"idleAfterSeconds": 0, "activateAbove": 10**9}), id="idle-at-once"),
        pytest.param(changed({"idleEvidence": "ReadyOnly"}), id="ready-only"),
        pytest.param(changed({"mode": "Observe", "restoreReplicasOnDelete": "Original"}), id="observe"),
        pytest.param(changed({"behavior": {}}), id="behavior-empty"),
        pytest.param(
            changed({"behavior.scaleDown": {"selectPolicy": "Disabled", "stabilizationWindowSeconds": 3600}}),
            id="never-down",
        ),
        pytest.param(changed({"fallback": {"afterSeconds": 1, "policy": "KeepCurrent"}}), id="fallback-keeps-current"),
        pytest.param(
            changed({"fallback": {"afterSeconds": 604_800, "replicas": 0, "policy": "AtMost"}}), id="fallback-at-most-0"
        ),
        pytest.param(
            changed({"schedules": [black_friday(minReplicas=REMOVED, maxReplicas=200)]}), id="schedule-raises-the-max"
        ),
        pytest.param(changed({"schedules": [black_friday(minReplicas=60, maxReplicas=60)]}), id="schedule-raises-both"),
        pytest.param(
            changed({"schedules": [black_friday(start="*/15  8-18 1,15 JAN-mar mon-FRI", end="59 23 31 12 7")]}),
            id="schedule-ranges-lists-steps-words",
        ),
        pytest.param(
            changed({"schedules": [black_friday(timeZone="America/Argentina/Buenos_Aires")]}),
            id="time-zone-of-three-parts",
        ),
        pytest.param(changed({"schedules": [black_friday(timeZone="Etc/GMT+1")]}), id="time-zone-with-plus"),
        pytest.param(changed({"schedules": [black_friday(name=f"w-{n}") for n in range(16)]}), id="16-schedules"),
    ],
)
def test_a_good_object_is_accepted_as_it_is(admission: Admission, manifest: dict[str, Any]) -> None:
    stored = admission.accepted(manifest)

    assert _all_of(manifest["spec"], within=stored["spec"])


def test_the_smallest_object_is_given_the_documented_defaults(admission: Admission) -> None:
    stored = admission.accepted(smallest())

    assert stored["spec"] == {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "receipts"},
        "broker": {"secretName": "shop-rabbitmq"},
        "queues": [{"name": "receipts", "lag": {"scaleUpAbove": 100, "count": "Total"}}],
        "minReplicas": 0,
        "maxReplicas": 50,
        "activateAbove": 0,
        "idleAfterSeconds": 60,
        "idleEvidence": "ReadyAndUnacked",
        "mode": "Scale",
        "restoreReplicasOnDelete": "Keep",
    }


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        pytest.param(
            "behavior",
            {"scaleUp": {}, "scaleDown": {}},
            {
                "scaleUp": {"selectPolicy": "Max", "stabilizationWindowSeconds": 0},
                "scaleDown": {"selectPolicy": "Max"},
            },
            id="behavior",
        ),
        pytest.param(
            "fallback",
            {"afterSeconds": 180, "replicas": 5},
            {"afterSeconds": 180, "replicas": 5, "policy": "AtLeast"},
            id="fallback",
        ),
        pytest.param("schedules", [black_friday(timeZone=REMOVED)], [black_friday(timeZone="UTC")], id="schedule"),
    ],
)
def test_a_part_that_is_given_gets_its_defaults(
    admission: Admission, field: str, value: object, expected: object
) -> None:
    assert admission.accepted(changed({field: value}))["spec"][field] == expected


def _all_of(part: object, *, within: object) -> bool:
    """Tell whether nothing of what was sent was changed or lost; defaults may have been added."""
    if isinstance(part, dict) and isinstance(within, dict):
        return all(key in within and _all_of(value, within=within[key]) for key, value in part.items())
    if isinstance(part, list) and isinstance(within, list):
        return len(part) == len(within) and all(_all_of(a, within=b) for a, b in zip(part, within, strict=True))
    return part == within
