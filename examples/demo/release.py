"""The operator, installed with Helm as a user would."""

from .cluster import Cluster
from .diagnosis import evidence
from .failure import DemoError
from .settings import PROJECT, Settings

RELEASE = "queueconsumer"
NAMESPACE = "queueconsumer-system"
NAME = "queueconsumer-operator"
CRD = "queueconsumers.queueconsumer.dev"
CHART = PROJECT / "charts" / "queueconsumer-operator"
READY_SECONDS = 180


def is_installed(cluster: Cluster) -> bool:
    """Whether the release is there already, and so somebody else's to take away."""
    listed = cluster.helm(
        "list",
        "--namespace",
        NAMESPACE,
        # Helm 3 lists deployed ones only, and its --all is no longer there in Helm 4.
        "--deployed",
        "--failed",
        "--pending",
        "--short",
        purpose="looking for the release",
        timeout_seconds=30,
        quiet=True,
    )
    return RELEASE in listed


def install(cluster: Cluster, settings: Settings) -> None:
    """Install or upgrade, and wait until the operator is ready."""
    try:
        cluster.helm(
            "upgrade",
            "--install",
            RELEASE,
            str(CHART),
            "--namespace",
            NAMESPACE,
            "--create-namespace",
            "--set",
            f"image.repository={settings.image_prefix}/operator",
            "--set",
            "image.tag=dev",
            *_crd_options(cluster),
            "--wait",
            "--timeout",
            f"{READY_SECONDS}s",
            purpose="installing the operator",
            timeout_seconds=READY_SECONDS + 60,
            # The chart's notes tell a person what to do next; here the demo does it.
            quiet=True,
        )
    except DemoError as error:
        found = evidence(cluster, namespace=NAMESPACE, what=f"deployment/{NAME}")
        raise DemoError(error.sentence, evidence=[*error.evidence, *found]) from error
    cluster.progress.detail(f"deployment/{NAME} is ready")


def _crd_options(cluster: Cluster) -> list[str]:
    """Leave a CRD alone that somebody applied by hand: Helm would refuse to install over it."""
    found = cluster.kubectl(
        "get",
        "customresourcedefinitions",
        "--field-selector",
        f"metadata.name={CRD}",
        "-l",
        "app.kubernetes.io/managed-by!=Helm",
        "-o",
        "name",
        purpose="looking for the CRD",
        timeout_seconds=30,
        quiet=True,
    )
    if not any(CRD in line for line in found):
        return []
    cluster.progress.detail(f"the CRD {CRD} is there, not from Helm: it stays as it is")
    return ["--set", "crds.install=false"]


def uninstall(cluster: Cluster) -> None:
    """Take the release away, and its namespace; the CRD stays, as the chart promises."""
    cluster.helm(
        "uninstall",
        RELEASE,
        "--namespace",
        NAMESPACE,
        "--ignore-not-found",
        "--wait",
        purpose="uninstalling the operator",
        timeout_seconds=120,
    )
    cluster.kubectl(
        "delete",
        "namespace",
        NAMESPACE,
        "--ignore-not-found",
        "--timeout=100s",
        purpose="deleting the operator's namespace",
        timeout_seconds=120,
    )
