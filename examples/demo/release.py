"""The operator, installed with Helm as a user would."""

from .cluster import Cluster
from .diagnosis import evidence
from .failure import DemoError
from .settings import PROJECT, Settings

RELEASE = "queueconsumer"
NAMESPACE = "queueconsumer-system"
SERVICE = "queueconsumer-operator"
CHART = PROJECT / "charts" / "queueconsumer-operator"
READY_SECONDS = 180


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
            "--wait",
            "--timeout",
            f"{READY_SECONDS}s",
            purpose="installing the operator",
            timeout_seconds=READY_SECONDS + 60,
        )
    except DemoError as error:
        found = evidence(cluster, namespace=NAMESPACE, what=f"deployment/{SERVICE}")
        raise DemoError(error.sentence, evidence=[*error.evidence, *found]) from error


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
