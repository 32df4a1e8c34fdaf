"""Objects whose replicas, times and choices are out of bounds: each is refused, and the field is named."""

from typing import Any

import pytest

from tests.e2e.crd_schema.admission import Admission
from tests.e2e.crd_schema.manifests import REMOVED, changed

pytestmark = pytest.mark.cluster

AT_LEAST_0 = "greater than or equal to 0"
AT_LEAST_1 = "greater than or equal to 1"
AT_MOST_A_WEEK = "less than or equal to 604800"
AT_MOST_100000 = "less than or equal to 100000"
AN_INTEGER = "must be of type integer"


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        pytest.param("minReplicas", -1, AT_LEAST_0, id="minReplicas-negative"),
        pytest.param("minReplicas", 51, "must not be larger than maxReplicas: 51 > 50", id="min-above-max"),
        pytest.param("minReplicas", 100_001, AT_MOST_100000, id="minReplicas-huge"),
        pytest.param("minReplicas", "3", AN_INTEGER, id="minReplicas-string"),
        pytest.param("minReplicas", 0.5, AN_INTEGER, id="minReplicas-fraction"),
        pytest.param("maxReplicas", REMOVED, "Required", id="maxReplicas-missing"),
        pytest.param("maxReplicas", None, "Required", id="maxReplicas-null"),
        pytest.param("maxReplicas", 0, AT_LEAST_1, id="maxReplicas-zero"),
        pytest.param("maxReplicas", -5, AT_LEAST_1, id="maxReplicas-negative"),
        pytest.param("maxReplicas", 100_001, AT_MOST_100000, id="maxReplicas-above-the-bound"),
        pytest.param("maxReplicas", 2**31, AT_MOST_100000, id="maxReplicas-beyond-int32"),
        pytest.param("maxReplicas", 2**63, AN_INTEGER, id="maxReplicas-beyond-int64"),
        pytest.param("maxReplicas", True, AN_INTEGER, id="maxReplicas-boolean"),
        pytest.param("maxReplicas", [50], AN_INTEGER, id="maxReplicas-list"),
        pytest.param("activateAbove", -1, AT_LEAST_0, id="activateAbove-negative"),
        pytest.param("activateAbove", 10**9 + 1, "less than or equal to 1000000000", id="activateAbove-huge"),
        pytest.param("activateAbove", "many", AN_INTEGER, id="activateAbove-word"),
        pytest.param("idleAfterSeconds", -1, AT_LEAST_0, id="idleAfterSeconds-negative"),
        pytest.param("idleAfterSeconds", 604_801, AT_MOST_A_WEEK, id="idleAfterSeconds-above-a-week"),
        pytest.param("idleAfterSeconds", "60s", AN_INTEGER, id="idleAfterSeconds-with-unit"),
        pytest.param("idleEvidence", "Unacked", '"ReadyAndUnacked", "ReadyOnly"', id="idleEvidence-unknown"),
        pytest.param("mode", "scale", '"Scale", "Observe"', id="mode-lower-case"),
        pytest.param("mode", "", '"Scale", "Observe"', id="mode-empty"),
        pytest.param("restoreReplicasOnDelete", "Restore", '"Keep", "Original"', id="restore-unknown"),
    ],
)
def test_a_value_out_of_bounds_is_refused(admission: Admission, field: str, value: Any, rule: str) -> None:
    refusal = admission.refused(changed({field: value}))

    assert refusal.status == 422
    assert rule in refusal.said_of(f"spec.{field}")


def test_an_object_without_a_spec_is_refused(admission: Admission) -> None:
    manifest = changed({})
    del manifest["spec"]

    refusal = admission.refused(manifest)

    assert refusal.status == 422
    assert "Required" in refusal.said_of("spec")


def test_every_broken_rule_is_told_at_once(admission: Admission) -> None:
    refusal = admission.refused(
        changed({"minReplicas": 60, "queues.0.lag.scaleDownBelow": 101, "scaleTargetRef.kind": "DaemonSet"})
    )

    assert {field for field, _ in refusal.causes} == {
        "spec.minReplicas",
        "spec.queues[0].lag.scaleDownBelow",
        "spec.scaleTargetRef.kind",
    }
