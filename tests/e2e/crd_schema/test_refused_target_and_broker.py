"""Scale targets and brokers that cannot be: each is refused, and the field is named."""

from typing import Any

import pytest

from tests.e2e.crd_schema.admission import Admission
from tests.e2e.crd_schema.manifests import REMOVED, changed

pytestmark = pytest.mark.cluster

NO_SCALE = "has no /scale subresource"


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        pytest.param("scaleTargetRef", REMOVED, "Required", id="target-missing"),
        pytest.param("scaleTargetRef", "receipts", "must be of type object", id="target-a-string"),
        pytest.param("scaleTargetRef.name", REMOVED, "Required", id="target-without-name"),
        pytest.param("scaleTargetRef.name", "", "at least 1 chars", id="target-name-empty"),
        pytest.param("scaleTargetRef.name", "Receipts", "must be a name of an object", id="target-name-upper-case"),
        pytest.param("scaleTargetRef.name", "shop/receipts", "must be a name of an object", id="target-name-slash"),
        pytest.param("scaleTargetRef.name", "receipts-", "must be a name of an object", id="target-name-ends-in-dash"),
        pytest.param("scaleTargetRef.name", "r" * 254, "may not be more than 253", id="target-name-too-long"),
        pytest.param("scaleTargetRef.name", 7, "must be of type string", id="target-name-a-number"),
        pytest.param("scaleTargetRef.apiVersion", "", "at least 1 chars", id="apiVersion-empty"),
        pytest.param("scaleTargetRef.apiVersion", "apps", "must be group/version", id="apiVersion-without-version"),
        pytest.param("scaleTargetRef.apiVersion", "apps/v1/v2", "must be group/version", id="apiVersion-two-slashes"),
        pytest.param("scaleTargetRef.apiVersion", "Apps/v1", "must be group/version", id="apiVersion-upper-case"),
        pytest.param("scaleTargetRef.kind", "", "at least 1 chars", id="kind-empty"),
        pytest.param("scaleTargetRef.kind", "deployments", "as the manifest writes it", id="kind-the-plural"),
        pytest.param("scaleTargetRef.kind", "DaemonSet", f"DaemonSet of apps/v1 {NO_SCALE}", id="kind-daemonset"),
        pytest.param(
            "scaleTargetRef",
            {"apiVersion": "v1", "kind": "Pod", "name": "receipts"},
            f"Pod of v1 {NO_SCALE}; is apiVersion meant to be apps/v1?",
            id="kind-pod",
        ),
        pytest.param(
            "scaleTargetRef",
            {"apiVersion": "batch/v1", "kind": "Job", "name": "receipts"},
            f"Job of batch/v1 {NO_SCALE}",
            id="kind-job",
        ),
    ],
)
def test_a_target_that_cannot_be_scaled_is_refused(admission: Admission, field: str, value: Any, rule: str) -> None:
    refusal = admission.refused(changed({field: value}))

    blamed = f"spec.{field}.kind" if isinstance(value, dict) else f"spec.{field}"
    assert refusal.status == 422
    assert rule in refusal.said_of(blamed)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        pytest.param("broker", REMOVED, "Required", id="broker-missing"),
        pytest.param("broker", ["shop-rabbitmq"], "must be of type object", id="broker-a-list"),
        pytest.param("broker.secretName", REMOVED, "Required", id="secretName-missing"),
        pytest.param("broker.secretName", "", "at least 1 chars", id="secretName-empty"),
        pytest.param("broker.secretName", "Shop_RabbitMQ", "must be the name of a Secret", id="secretName-not-dns"),
        pytest.param("broker.secretName", "other/rabbitmq", "must be the name of a Secret", id="secretName-elsewhere"),
        pytest.param("broker.secretName", "s" * 254, "may not be more than 253", id="secretName-too-long"),
        pytest.param("broker.vhost", "", "at least 1 chars", id="vhost-empty"),
        pytest.param("broker.vhost", "v" * 256, "may not be more than 255", id="vhost-too-long"),
        pytest.param("broker.vhost", "ü" * 128, "at most 255 bytes long in UTF-8", id="vhost-256-bytes"),
        pytest.param("broker.vhost", "shop\n", "must not contain a line break", id="vhost-line-break"),
        pytest.param("broker.vhost", 1, "must be of type string", id="vhost-a-number"),
    ],
)
def test_a_broker_that_cannot_be_is_refused(admission: Admission, field: str, value: Any, rule: str) -> None:
    refusal = admission.refused(changed({field: value}))

    assert refusal.status == 422
    assert rule in refusal.said_of(f"spec.{field}")
