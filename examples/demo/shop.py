"""The shop in the cluster: applied, awaited, taken away."""

from .cluster import Cluster
from .diagnosis import evidence
from .failure import DemoError
from .release import NAME as OPERATOR
from .release import NAMESPACE as OPERATOR_NAMESPACE
from .settings import LOCAL_PREFIX, PROJECT, Settings

NAMESPACE = "shop"
OURS = "queueconsumer.dev/example=shop"
"""The label that the shop's namespace carries: a namespace of that name without it is somebody else's."""
MANIFESTS = PROJECT / "examples" / "shop" / "manifests"
PARTS = ("statefulset/rabbitmq", "deployment/mail", "deployment/invoice-store", "deployment/orders")
READY_SECONDS = 240


def manifests(image_prefix: str) -> str:
    """All manifests in one stream, with the images from where this cluster gets them."""
    documents = [path.read_text(encoding="utf-8") for path in sorted(MANIFESTS.glob("*.yaml"))]
    return "\n---\n".join(documents).replace(f"{LOCAL_PREFIX}/", f"{image_prefix}/")


def open_shop(cluster: Cluster, settings: Settings) -> None:
    """Apply everything and wait until broker, mail server, invoice store and order service are ready."""
    # The books of an earlier shop would be counted as this one's.
    close_shop(cluster)
    applied = cluster.kubectl(
        "apply",
        "-f",
        "-",
        stdin=manifests(settings.image_prefix),
        purpose="applying the shop",
        timeout_seconds=60,
        quiet=True,
    )
    cluster.progress.detail(f"{len(applied)} objects applied")
    for part in PARTS:
        try:
            cluster.kubectl(
                "-n",
                NAMESPACE,
                "rollout",
                "status",
                part,
                f"--timeout={READY_SECONDS}s",
                purpose=f"waiting for {part}",
                timeout_seconds=READY_SECONDS + 30,
                quiet=True,
            )
        except DemoError as error:
            found = evidence(cluster, namespace=NAMESPACE, what=part)
            raise DemoError(f"{part} of the shop did not become ready", evidence=[*error.evidence, *found]) from error
        cluster.progress.detail(f"{part} is ready")
    _await_readings(cluster)


def _await_readings(cluster: Cluster) -> None:
    """Wait until the operator reads both queues: it knew them before there was a broker, and tries again in a while."""
    try:
        cluster.kubectl(
            "-n",
            NAMESPACE,
            "wait",
            "queueconsumers",
            "--all",
            "--for=condition=Ready",
            f"--timeout={READY_SECONDS}s",
            purpose="waiting for the QueueConsumers",
            timeout_seconds=READY_SECONDS + 30,
            quiet=True,
        )
    except DemoError as error:
        found = evidence(cluster, namespace=OPERATOR_NAMESPACE, what=f"deployment/{OPERATOR}")
        raise DemoError(
            "the operator does not report the QueueConsumers as Ready", evidence=[*error.evidence, *found]
        ) from error
    cluster.progress.detail("the operator reads both queues")


def close_shop(cluster: Cluster) -> None:
    """Delete the shop's namespace, if it is there.

    Raises:
        DemoError: there is a namespace `shop` that is not the demo's; it is left alone.

    """
    every, ours = _namespaces(cluster), _namespaces(cluster, "-l", OURS)
    if NAMESPACE in ours:
        # The namespace's own controller looks again only after half of the pods' grace period: this saves 15 s.
        cluster.kubectl(
            "-n",
            NAMESPACE,
            "delete",
            "deployments,statefulsets",
            "--all",
            "--cascade=foreground",
            "--timeout=60s",
            purpose="ending the shop's pods",
            timeout_seconds=90,
            quiet=True,
        )
        cluster.kubectl(
            "delete",
            "namespace",
            NAMESPACE,
            "--timeout=150s",
            purpose="deleting the shop",
            timeout_seconds=180,
        )
    elif NAMESPACE in every:
        raise DemoError(
            f"the cluster has a namespace {NAMESPACE!r} that is not the demo's (it lacks the label {OURS}); "
            "delete it or use another cluster"
        )


def _namespaces(cluster: Cluster, *selector: str) -> list[str]:
    listed = cluster.kubectl(
        "get",
        "namespaces",
        "--field-selector",
        f"metadata.name={NAMESPACE}",
        "-o",
        "name",
        *selector,
        purpose="looking for an earlier shop",
        timeout_seconds=30,
        quiet=True,
    )
    return [line.removeprefix("namespace/") for line in listed]
