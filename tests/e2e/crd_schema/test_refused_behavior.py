"""Scaling behavior beyond the bounds of autoscaling/v2, and fallbacks without sense: refused, the field named."""

from typing import Any

import pytest

from tests.e2e.crd_schema.admission import Admission
from tests.e2e.crd_schema.manifests import REMOVED, changed

pytestmark = pytest.mark.cluster

POLICY = {"type": "Pods", "value": 4, "periodSeconds": 15}


@pytest.mark.parametrize("direction", ["scaleUp", "scaleDown"])
@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        pytest.param("stabilizationWindowSeconds", -1, "greater than or equal to 0", id="window-negative"),
        pytest.param("stabilizationWindowSeconds", 3601, "less than or equal to 3600", id="window-above-an-hour"),
        pytest.param("selectPolicy", "Largest", '"Max", "Min", "Disabled"', id="selectPolicy-unknown"),
        pytest.param("policies", [], "at least 1 items", id="policies-empty"),
        pytest.param("policies", [POLICY] * 17, "at most 16 items", id="policies-too-many"),
        pytest.param("policies", [POLICY | {"type": "Nodes"}], '"Pods", "Percent"', id="type-unknown"),
        pytest.param("policies", [POLICY | {"value": 0}], "greater than or equal to 1", id="value-zero"),
        pytest.param("policies", [POLICY | {"value": 100_001}], "less than or equal to 100000", id="value-huge"),
        pytest.param("policies", [POLICY | {"periodSeconds": 0}], "greater than or equal to 1", id="period-zero"),
        pytest.param("policies", [POLICY | {"periodSeconds": 1801}], "less than or equal to 1800", id="period-long"),
        pytest.param("policies", [{"type": "Pods", "value": 4}], "Required", id="period-missing"),
        pytest.param("tolerance", "10%", "Kubernetes quantity form", id="tolerance-percent"),
        pytest.param("tolerance", "-0.1", "Kubernetes quantity form", id="tolerance-negative"),
        pytest.param("tolerance", "1.1", "at least 0 and at most 1", id="tolerance-above-one"),
        pytest.param("tolerance", 2, "at least 0 and at most 1", id="tolerance-two"),
    ],
)
def test_behavior_out_of_bounds_is_refused(
    admission: Admission, direction: str, field: str, value: Any, rule: str
) -> None:
    refusal = admission.refused(changed({f"behavior.{direction}": {field: value}}))

    blamed = "\n".join(text for path, text in refusal.causes if path.startswith(f"spec.behavior.{direction}.{field}"))
    assert refusal.status == 422
    assert rule in blamed


@pytest.mark.parametrize(
    ("fallback", "blamed", "rule"),
    [
        pytest.param({}, ".afterSeconds", "Required", id="empty"),
        pytest.param({"replicas": 5}, ".afterSeconds", "Required", id="afterSeconds-missing"),
        pytest.param({"afterSeconds": 180}, ".replicas", "policy AtLeast needs replicas", id="replicas-missing"),
        pytest.param(
            {"afterSeconds": 180, "policy": "Exactly"}, ".replicas", "policy Exactly needs replicas", id="exactly-what"
        ),
        pytest.param(
            {"afterSeconds": 180, "policy": "KeepCurrent", "replicas": 5},
            ".replicas",
            "policy KeepCurrent keeps the replicas that are there",
            id="replicas-with-KeepCurrent",
        ),
        pytest.param({"afterSeconds": 0, "replicas": 5}, ".afterSeconds", "or equal to 1", id="afterSeconds-zero"),
        pytest.param({"afterSeconds": -1, "replicas": 5}, ".afterSeconds", "or equal to 1", id="afterSeconds-negative"),
        pytest.param({"afterSeconds": 10**9, "replicas": 5}, ".afterSeconds", "to 604800", id="afterSeconds-huge"),
        pytest.param({"afterSeconds": 180, "replicas": -1}, ".replicas", "or equal to 0", id="replicas-negative"),
        pytest.param(
            {"afterSeconds": 180, "replicas": 51},
            ".replicas",
            "must not be larger than maxReplicas: 51 > 50",
            id="above-max",
        ),
        pytest.param(
            {"afterSeconds": 180, "replicas": 5, "policy": "Static"}, ".policy", '"KeepCurrent"', id="policy-unknown"
        ),
        pytest.param("AtLeast", "", "must be of type object", id="a-word"),
    ],
)
def test_a_fallback_without_sense_is_refused(admission: Admission, fallback: Any, blamed: str, rule: str) -> None:
    refusal = admission.refused(changed({"fallback": fallback}))

    assert refusal.status == 422
    assert rule in refusal.said_of(f"spec.fallback{blamed}")


def test_removing_the_replicas_of_a_fallback_names_them(admission: Admission) -> None:
    whole = changed({"fallback": {"afterSeconds": 180, "replicas": 5, "policy": "AtMost"}})

    refusal = admission.refused(changed({"fallback.replicas": REMOVED}, of=whole))

    assert refusal.causes == (("spec.fallback.replicas", "Required value: policy AtMost needs replicas"),)
