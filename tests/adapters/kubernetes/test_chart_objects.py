"""A real API server takes every object that the chart makes, strictly and without a warning."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from devcluster import toolchain
from tests.adapters.kubernetes.prometheus_operator import KINDS, definitions
from tests.e2e.hpa.control_plane import ControlPlane
from tests.packaging.rendering import everything

NAMESPACES: Final = ("chart-system", "chart-shop", "chart-bank", "chart-till", "chart-grafana")
TERM: Final = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "x"}}}
ON_FAST_DISKS: Final = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["fast"]}]}
AFFINITY: Final = {
    "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [ON_FAST_DISKS]}},
    "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": TERM}]},
}

EVERYTHING: Final = (
    "prometheusRule.enabled=true",
    "prometheusRule.grafanaUrl=https://grafana.example.net",
    "prometheusRule.runbookUrl=https://git.example.net/runbooks",
    "dashboards.enabled=true",
    "dashboards.namespace=chart-grafana",
    "consumers.podMonitor.enabled=true",
    'consumers.podMonitor.selector:={"matchExpressions": [{"key": "app", "operator": "In", "values": ["receipts"]}]}',
)
VALUES: Final = {
    "default": (),
    "all-by-service": (*EVERYTHING, "serviceMonitor.enabled=true"),
    "all-by-pod-in-some-namespaces": (
        *EVERYTHING,
        "podMonitor.enabled=true",
        "watch.namespaces={chart-shop,chart-bank}",
    ),
    "shards-by-labels": ("shards=3", "watch.namespaceSelector=team=shop", "test.namespace=chart-till"),
    "narrow-network": (
        "networkPolicy.metrics.from:=[]",
        'networkPolicy.page.from:=[{"namespaceSelector": {"matchLabels": {"team": "platform"}}}]',
        'networkPolicy.dns.to:=[{"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}]',
        'networkPolicy.apiServer.to:=[{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.244.0.0/16"]}}]',
        "networkPolicy.tokenIssuers.ports:=[]",
        'networkPolicy.egress:=[{"ports": [{"port": 30000, "endPort": 30010, "protocol": "TCP"}]}]',
    ),
    "placed": (
        "page.enabled=false",
        "imagePullSecrets[0].name=registry",
        "podLabels.team=platform",
        "podAnnotations.note=a",
        "nodeSelector.disk=fast",
        'tolerations:=[{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}]',
        f"affinity:={json.dumps(AFFINITY)}",
        "rbac.scaleTargets[0].apiGroup=argoproj.io",
        "rbac.scaleTargets[0].resource=rollouts",
        "crds.keep=false",
    ),
}


@pytest.fixture(scope="module")
def namespaces(plane: ControlPlane, crd: None) -> None:  # noqa: ARG001 - installed first
    """Those of the values, which refuse what the restricted standard does; and the kinds of prometheus-operator."""
    for definition in definitions():
        assert plane.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
    for name in NAMESPACES:
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        assert plane.call("POST", "/api/v1/namespaces", body)
    groups = "/apis/monitoring.coreos.com/v1"
    plane._until(
        lambda: all(plane.call("GET", f"{groups}/{kind.lower()}s") is not None for kind in KINDS),
        what="the kinds of prometheus-operator are served",
    )


@pytest.fixture(scope="module")
def kubeconfig(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kubectl") / "kubeconfig"
    path.write_text(json.dumps(plane._kubeconfig()))
    return path


def dry_run(plane: ControlPlane, kubeconfig: Path, manifests: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            plane.program("kubectl"), f"--kubeconfig={kubeconfig}", "apply", "--server-side", "--dry-run=server",
            "--validate=strict", "--warnings-as-errors", "--force-conflicts", "-f", "-",
        ],
        input=yaml.safe_dump_all(manifests), capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES.keys())
def test_the_api_server_takes_every_object(plane: ControlPlane, kubeconfig: Path, values: tuple[str, ...]) -> None:
    manifests = everything(toolchain.tools() / "helm", *values, namespace="chart-system")

    done = dry_run(plane, kubeconfig, manifests)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.count("(server dry run)") == len(manifests)


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize(
    ("place", "wrong", "said"),
    [
        (("NetworkPolicy", "spec"), {"podselector": {}}, "podselector"),
        (("ServiceMonitor", "spec", "endpoints", 0), {"honorlabels": True}, "honorlabels"),
        (("PrometheusRule", "spec", "groups", 0, "rules", 1), {"keepFiringFor": "5m"}, "keepFiringFor"),
        (("Deployment", "spec", "template", "spec"), {"hostPID": True}, "PodSecurity"),
    ],
)
def test_it_would_not_take_a_wrong_one(
    plane: ControlPlane, kubeconfig: Path, place: tuple[Any, ...], wrong: dict[str, Any], said: str
) -> None:
    """Else the test above would say nothing."""
    manifests = everything(toolchain.tools() / "helm", *VALUES["all-by-service"], namespace="chart-system")
    changed = part = next(found for found in manifests if found["kind"] == place[0])
    for key in place[1:]:
        part = part[key]
    part |= wrong

    done = dry_run(plane, kubeconfig, [changed])

    assert done.returncode != 0
    assert said in done.stderr
