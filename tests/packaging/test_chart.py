"""The Helm chart: what it renders, what it refuses, and that its copies are true."""

from pathlib import Path

import pytest

from tests.packaging.rendering import CHART, only, rendered, run

# The first test builds helm where there is none, which takes minutes.
pytestmark = pytest.mark.timeout(900)


def test_helm_finds_nothing_to_say(helm: Path) -> None:
    done = run(helm, "lint", "--strict", str(CHART))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


def test_the_objects_are_these_and_no_more(helm: Path) -> None:
    names = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in rendered(helm)}

    assert names == {
        ("ClusterRole", "queueconsumer-operator"),
        ("ClusterRoleBinding", "queueconsumer-operator"),
        ("CustomResourceDefinition", "queueconsumers.queueconsumer.dev"),
        ("Deployment", "queueconsumer-operator"),
        ("Service", "queueconsumer-operator"),
        ("ServiceAccount", "queueconsumer-operator"),
    }


def test_the_operator_may_do_what_it_needs_and_nothing_else(helm: Path) -> None:
    rules = only(rendered(helm), "ClusterRole")["rules"]

    granted = {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert granted == {
        ("queueconsumer.dev", "queueconsumers", "get"),
        ("queueconsumer.dev", "queueconsumers", "list"),
        ("queueconsumer.dev", "queueconsumers", "watch"),
        ("queueconsumer.dev", "queueconsumers/status", "patch"),
        ("", "secrets", "get"),
        ("apps", "deployments/scale", "get"),
        ("apps", "deployments/scale", "patch"),
        ("apps", "statefulsets/scale", "get"),
        ("apps", "statefulsets/scale", "patch"),
        ("apps", "replicasets/scale", "get"),
        ("apps", "replicasets/scale", "patch"),
        ("", "pods", "list"),
        ("events.k8s.io", "events", "create"),
    }


def test_further_targets_give_the_right_to_scale_them_only(helm: Path) -> None:
    settings = ("rbac.scaleTargets[0].apiGroup=argoproj.io", "rbac.scaleTargets[0].resource=rollouts")
    rules = only(rendered(helm, *settings), "ClusterRole")["rules"]

    assert {"apiGroups": ["argoproj.io"], "resources": ["rollouts/scale"], "verbs": ["get", "patch"]} in rules


def test_the_binding_names_the_role_and_the_account_of_the_pod(helm: Path) -> None:
    manifests = rendered(helm, "serviceAccount.name=scaler")

    account = only(manifests, "ServiceAccount")["metadata"]
    pod = only(manifests, "Deployment")["spec"]["template"]["spec"]
    binding = only(manifests, "ClusterRoleBinding")
    assert pod["serviceAccountName"] == account["name"] == "scaler"
    assert binding["roleRef"]["name"] == only(manifests, "ClusterRole")["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "scaler", "namespace": "queueconsumer-system"}]


def test_the_pod_meets_the_restricted_standard(helm: Path) -> None:
    pod = only(rendered(helm), "Deployment")["spec"]["template"]["spec"]

    (container,) = pod["containers"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not pod["enableServiceLinks"]
    assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(pod)
    assert container["resources"]["limits"].keys() == {"memory"}


def test_two_operators_never_run_at_once(helm: Path) -> None:
    spec = only(rendered(helm), "Deployment")["spec"]

    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_service_and_probes_reach_the_port_of_the_operator(helm: Path) -> None:
    manifests = rendered(helm)

    deployment = only(manifests, "Deployment")["spec"]
    (container,) = deployment["template"]["spec"]["containers"]
    (port,) = container["ports"]
    service = only(manifests, "Service")["spec"]
    assert port == {"name": "metrics", "containerPort": 8080, "protocol": "TCP"}
    assert service["ports"] == [{"name": "metrics", "port": 8080, "targetPort": "metrics", "protocol": "TCP"}]
    assert service["selector"] == deployment["selector"]["matchLabels"]
    assert service["selector"].items() <= deployment["template"]["metadata"]["labels"].items()
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}


@pytest.mark.parametrize(
    ("settings", "image"),
    [
        pytest.param((), "queueconsumer/operator:0.1.0", id="appVersion-by-default"),
        pytest.param(
            ("image.repository=localhost/queueconsumer/operator", "image.tag=dev"),
            "localhost/queueconsumer/operator:dev",
            id="given",
        ),
    ],
)
def test_the_image_is_the_one_of_the_values(helm: Path, settings: tuple[str, ...], image: str) -> None:
    (container,) = only(rendered(helm, *settings), "Deployment")["spec"]["template"]["spec"]["containers"]

    assert container["image"] == image


def test_every_object_has_the_standard_labels(helm: Path) -> None:
    for manifest in rendered(helm):
        labels = manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "queueconsumer-operator", manifest["kind"]
        assert labels["app.kubernetes.io/instance"] == "queueconsumer", manifest["kind"]
        assert labels["app.kubernetes.io/managed-by"] == "Helm", manifest["kind"]
