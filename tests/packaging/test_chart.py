"""The Helm chart: what it renders, what it refuses, and that its copies are true."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from qc_operator import VERSION
from qc_operator.sharding import MOST, Shard
from tests.packaging.rendering import CHART, IMAGE, ROOT, only, rendered, run

# The first test builds helm where there is none, which takes minutes.
pytestmark = pytest.mark.timeout(900)


def test_operator_chart_and_project_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert {chart["version"], chart["appVersion"], project["version"]} == {VERSION}


def test_helm_finds_nothing_to_say(helm: Path) -> None:
    done = run(helm, "lint", "--strict", str(CHART))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


def test_the_objects_are_these_and_no_more(helm: Path) -> None:
    names = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in rendered(helm)}

    assert names == {
        ("ClusterRole", "queueconsumer-operator"),
        ("ClusterRole", "queueconsumer-operator-edit"),
        ("ClusterRole", "queueconsumer-operator-view"),
        ("ClusterRoleBinding", "queueconsumer-operator"),
        ("CustomResourceDefinition", "queueconsumers.queueconsumer.dev"),
        ("Deployment", "queueconsumer-operator"),
        ("NetworkPolicy", "queueconsumer-operator"),
        ("PodDisruptionBudget", "queueconsumer-operator"),
        ("Role", "queueconsumer-operator-leases"),
        ("RoleBinding", "queueconsumer-operator-leases"),
        ("Service", "queueconsumer-operator"),
        ("ServiceAccount", "queueconsumer-operator"),
    }


OWN = "queueconsumer-operator"

RIGHTS = {
    ("queueconsumer.dev", "queueconsumers", "get list watch patch"),
    ("queueconsumer.dev", "queueconsumers/status", "patch"),
    ("", "secrets", "get"),
    *(("apps", kind, "list watch") for kind in ("deployments", "statefulsets", "replicasets")),
    *(("apps", f"{kind}/scale", "get patch") for kind in ("deployments", "statefulsets", "replicasets")),
    ("autoscaling", "horizontalpodautoscalers", "list watch"),
    ("keda.sh", "scaledobjects", "list watch"),
    ("", "pods", "list patch"),
    ("events.k8s.io", "events", "create patch"),
}


def granted(role: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, " ".join(rule["verbs"]))
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def test_the_operator_may_do_what_it_needs_and_nothing_else(helm: Path) -> None:
    assert granted(only(rendered(helm), "ClusterRole", OWN)) == RIGHTS


def test_the_right_to_patch_pods_can_be_left_out(helm: Path) -> None:
    rights = granted(only(rendered(helm, "rbac.podDeletionCosts=false"), "ClusterRole", OWN))

    assert rights == RIGHTS - {("", "pods", "list patch")} | {("", "pods", "list")}


def test_leases_are_its_own_and_in_its_own_namespace(helm: Path) -> None:
    role = only(rendered(helm), "Role")

    assert role["metadata"]["namespace"] == "queueconsumer-system"
    assert [(rule["verbs"], "resourceNames" in rule) for rule in role["rules"]] == [
        (["create", "list"], False),
        (["get", "update"], True),
    ]


def test_leases_of_every_number_of_shards_are_granted_so_that_the_number_can_be_changed(helm: Path) -> None:
    (_, named) = only(rendered(helm), "Role")["rules"]

    shards = [Shard(index=index, count=count) for count in range(1, MOST + 1) for index in range(1, count + 1)]
    assert named["resourceNames"] == [shard.lease("queueconsumer-operator") for shard in shards]
    assert only(rendered(helm, f"shards={MOST}"), "Role") == only(rendered(helm), "Role")
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert schema["properties"]["shards"]["maximum"] == MOST


def test_who_serves_some_namespaces_has_rights_in_these_only(helm: Path) -> None:
    manifests = rendered(helm, "watch.namespaces={shop,bank}")

    roles = {role["metadata"]["namespace"]: role for role in manifests if role["kind"] == "Role"}
    bound = {manifest["metadata"]["namespace"] for manifest in manifests if manifest["kind"] == "RoleBinding"}
    assert set(roles) == bound == {"queueconsumer-system", "shop", "bank"}
    assert granted(roles["shop"]) == granted(roles["bank"]) == RIGHTS
    of_the_cluster = {("ClusterRole", OWN), ("ClusterRoleBinding", OWN)}
    assert of_the_cluster.isdisjoint((manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests)
    assert environment(only(manifests, "Deployment"))["QC_NAMESPACES"] == "shop,bank"


def test_who_chooses_namespaces_by_labels_may_watch_namespaces(helm: Path) -> None:
    manifests = rendered(helm, "watch.namespaceSelector=team=shop")

    assert granted(only(manifests, "ClusterRole", OWN)) == RIGHTS | {("", "namespaces", "list watch")}
    assert environment(only(manifests, "Deployment"))["QC_NAMESPACE_SELECTOR"] == "team=shop"


def environment(deployment: dict[str, Any]) -> dict[str, str]:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {variable["name"]: variable.get("value", "") for variable in container["env"]}


def test_each_shard_has_a_deployment_and_a_lease_of_its_own(helm: Path) -> None:
    manifests = rendered(helm, "shards=3")

    deployments = [manifest for manifest in manifests if manifest["kind"] == "Deployment"]
    names = [f"queueconsumer-operator-{number}-of-3" for number in (1, 2, 3)]
    assert [deployment["metadata"]["name"] for deployment in deployments] == names
    assert [environment(deployment)["QC_SHARD"] for deployment in deployments] == ["1/3", "2/3", "3/3"]
    assert set(names) < set(only(manifests, "Role")["rules"][1]["resourceNames"])
    for deployment in deployments:
        selector = deployment["spec"]["selector"]["matchLabels"]
        assert selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert len({str(deployment["spec"]["selector"]) for deployment in deployments}) == 3


@pytest.mark.parametrize("shards", [1, 3])
def test_what_is_told_to_type_names_the_deployments_that_there_are(helm: Path, shards: int) -> None:
    done = run(
        helm, "install", "queueconsumer", str(CHART), "--namespace", "queueconsumer-system", "--dry-run=client",
        *IMAGE, "--set", f"shards={shards}",
    )  # fmt: skip

    named = re.findall(r"-n queueconsumer-system rollout status deployment/(\S+)", done.stdout)
    deployments = [found for found in rendered(helm, f"shards={shards}") if found["kind"] == "Deployment"]
    assert named == [deployment["metadata"]["name"] for deployment in deployments]
    assert len(named) == shards


@pytest.mark.parametrize("shards", [1, 3])
def test_the_page_is_opened_at_the_pod_that_holds_a_lease(helm: Path, shards: int) -> None:
    done = run(
        helm, "install", "queueconsumer", str(CHART), "--namespace", "queueconsumer-system", "--dry-run=client",
        *IMAGE, "--set", f"shards={shards}", "--set", "page.port=9000",
    )  # fmt: skip

    asked = re.findall(r"-n queueconsumer-system get lease (\S+) ", done.stdout)
    assert asked == [Shard(index=index + 1, count=shards).lease(OWN) for index in range(shards)]
    forwards = re.findall(r'-n queueconsumer-system port-forward "pod/\$\{leader%_\*\}" (\S+)\n', done.stdout)
    # In as many terminals at the same time, so each needs a port of its own.
    assert forwards == ["9000", "9001:9000", "9002:9000"][:shards]
    assert "http://localhost:9000" in done.stdout


def test_a_disruption_takes_one_pod_of_a_shard_and_waits_for_none_that_is_not_ready(helm: Path) -> None:
    budgets = [manifest for manifest in rendered(helm, "shards=2") if manifest["kind"] == "PodDisruptionBudget"]
    pods = [manifest["spec"] for manifest in rendered(helm, "shards=2") if manifest["kind"] == "Deployment"]

    assert [(budget["spec"]["maxUnavailable"], budget["spec"]["unhealthyPodEvictionPolicy"]) for budget in budgets] == [
        (1, "AlwaysAllow")
    ] * 2
    assert [budget["spec"]["selector"] for budget in budgets] == [pod["selector"] for pod in pods]


def test_pods_of_a_shard_are_spread_over_nodes_those_of_an_upgrade_among_themselves(helm: Path) -> None:
    deployment = only(rendered(helm), "Deployment")["spec"]
    (spread,) = deployment["template"]["spec"]["topologySpreadConstraints"]

    assert (spread["topologyKey"], spread["matchLabelKeys"]) == ("kubernetes.io/hostname", ["pod-template-hash"])
    assert spread["labelSelector"] == deployment["selector"]


def test_further_targets_give_the_right_to_scale_them_only(helm: Path) -> None:
    settings = ("rbac.scaleTargets[0].apiGroup=argoproj.io", "rbac.scaleTargets[0].resource=rollouts")
    rules = only(rendered(helm, *settings), "ClusterRole", OWN)["rules"]

    assert {"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": ["list", "watch"]} in rules
    assert {"apiGroups": ["argoproj.io"], "resources": ["rollouts/scale"], "verbs": ["get", "patch"]} in rules


def test_the_binding_names_the_role_and_the_account_of_the_pod(helm: Path) -> None:
    manifests = rendered(helm, "serviceAccount.name=scaler")

    account = only(manifests, "ServiceAccount")["metadata"]
    pod = only(manifests, "Deployment")["spec"]["template"]["spec"]
    binding = only(manifests, "ClusterRoleBinding")
    assert pod["serviceAccountName"] == account["name"] == "scaler"
    assert binding["roleRef"]["name"] == only(manifests, "ClusterRole", OWN)["metadata"]["name"]
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


def test_one_leads_and_another_stands_by(helm: Path) -> None:
    deployment = only(rendered(helm), "Deployment")

    assert deployment["spec"]["replicas"] == 2
    assert environment(deployment)["QC_NAME"] == only(rendered(helm), "Role")["rules"][1]["resourceNames"][0]


def test_service_and_probes_reach_the_ports_of_the_operator(helm: Path) -> None:
    manifests = rendered(helm, "page.port=9000")

    deployment = only(manifests, "Deployment")["spec"]
    (container,) = deployment["template"]["spec"]["containers"]
    service = only(manifests, "Service")["spec"]
    assert container["ports"] == [
        {"name": "metrics", "containerPort": 8080, "protocol": "TCP"},
        {"name": "page", "containerPort": 9000, "protocol": "TCP"},
    ]
    assert environment(only(manifests, "Deployment"))["QC_PAGE_PORT"] == "9000"
    assert service["type"] == "ClusterIP"
    assert service["ports"] == [
        {"name": "metrics", "port": 8080, "targetPort": "metrics", "protocol": "TCP"},
        {"name": "page", "port": 9000, "targetPort": "page", "protocol": "TCP"},
    ]
    assert service["selector"] == deployment["selector"]["matchLabels"]
    assert service["selector"].items() <= deployment["template"]["metadata"]["labels"].items()
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}


def test_the_page_is_told_by_which_names_it_may_be_asked_for(helm: Path) -> None:
    told = environment(only(rendered(helm, "page.hosts={queues.example.com,api.example.com}"), "Deployment"))
    assert told["QC_PAGE_HOSTS"] == "queues.example.com,api.example.com"
    deployment, service = (only(rendered(helm), kind) for kind in ("Deployment", "Service"))
    assert "QC_PAGE_HOSTS" not in environment(deployment)
    # The process takes the Service to be called as it is itself.
    assert service["metadata"]["name"] == environment(deployment)["QC_NAME"]


def test_the_page_can_be_left_out(helm: Path) -> None:
    manifests = rendered(helm, "page.enabled=false")

    (container,) = only(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert [port["name"] for port in container["ports"]] == ["metrics"]
    assert [port["name"] for port in only(manifests, "Service")["spec"]["ports"]] == ["metrics"]
    assert "QC_PAGE_PORT" not in environment(only(manifests, "Deployment"))


@pytest.mark.parametrize(
    ("settings", "image"),
    [
        pytest.param((), "registry.example.com/team/operator:0.1.0", id="appVersion-by-default"),
        pytest.param(
            ("image.repository=localhost/queueconsumer/operator", "image.tag=dev"),
            "localhost/queueconsumer/operator:dev",
            id="given",
        ),
        pytest.param(
            ("image.tag=dev", f"image.digest=sha256:{'a' * 64}"),
            f"registry.example.com/team/operator@sha256:{'a' * 64}",
            id="by-digest",
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
