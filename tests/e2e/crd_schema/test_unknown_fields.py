"""Fields that the schema does not have.

The API server refuses them under `fieldValidation=Strict`, which kubectl asks for by default, and on every
server-side apply, which is how Helm and most GitOps tools write. A client that asks for `Warn` gets a warning, one
that asks for `Ignore` nothing: the API server then removes the field before any rule of the CRD can see it, and no
CRD can change that.
"""

import json

import pytest
from kubernetes import client

from tests.e2e.crd_schema.admission import Admission
from tests.e2e.crd_schema.manifests import GROUP, PLURAL, VERSION, changed, example_of_the_design

pytestmark = pytest.mark.cluster

WHERE = [
    pytest.param("cooldownPeriod", "spec.cooldownPeriod", id="spec"),
    pytest.param("scaleTargetRef.namespace", "spec.scaleTargetRef.namespace", id="scaleTargetRef"),
    pytest.param("broker.host", "spec.broker.host", id="broker"),
    pytest.param("queues.0.queueName", "spec.queues[0].queueName", id="queue"),
    pytest.param("queues.0.lag.scaleupAbove", "spec.queues[0].lag.scaleupAbove", id="lag-wrong-case"),
    pytest.param("queues.1.wait.objective", "spec.queues[1].wait.objective", id="wait"),
    pytest.param("behavior.scaleOut", "spec.behavior.scaleOut", id="behavior"),
    pytest.param("behavior.scaleDown.cooldown", "spec.behavior.scaleDown.cooldown", id="scaleDown"),
    pytest.param("behavior.scaleUp.policies.0.period", "spec.behavior.scaleUp.policies[0].period", id="policy"),
    pytest.param("fallback.behavior", "spec.fallback.behavior", id="fallback"),
    pytest.param("schedules.0.timezone", "spec.schedules[0].timezone", id="schedule-wrong-case"),
]


@pytest.mark.parametrize(("field", "path"), WHERE)
def test_an_unknown_field_is_refused(admission: Admission, field: str, path: str) -> None:
    refusal = admission.refused(changed({field: 1}, of=example_of_the_design()))

    assert refusal.status == 400
    assert f'unknown field "{path}"' in refusal.message


def test_an_unknown_field_beside_the_spec_is_refused(admission: Admission) -> None:
    refusal = admission.refused(changed({}) | {"specs": {}})

    assert refusal.status == 400
    assert 'unknown field "specs"' in refusal.message


@pytest.mark.usefixtures("admission")
@pytest.mark.parametrize("field", [where.values[0] for where in WHERE])
def test_server_side_apply_refuses_an_unknown_field(cluster: client.ApiClient, field: str) -> None:
    manifest = changed({field: 1}, of=example_of_the_design())

    with pytest.raises(client.ApiException) as refusal:
        client.CustomObjectsApi(cluster).patch_namespaced_custom_object(
            GROUP,
            VERSION,
            "default",
            PLURAL,
            "crd-schema-test",
            manifest,
            dry_run="All",
            field_manager="test",
            field_validation="Ignore",
            _content_type="application/apply-patch+yaml",
        )

    assert (
        f".{field.rpartition('.')[2]}: field not declared in schema"
        in json.loads(refusal.value.body or "{}")["message"]
    )


def test_a_client_that_asks_to_ignore_loses_the_field(admission: Admission) -> None:
    """Not what one would wish; told in the reference, and the reason to leave kubectl's validation on."""
    stored = admission.accepted(changed({"cooldownPeriod": 1}), field_validation="Ignore")

    assert "cooldownPeriod" not in stored["spec"]
