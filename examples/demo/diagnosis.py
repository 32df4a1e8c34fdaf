"""The last lines of events and logs, for when something in the cluster did not become ready."""

from .cluster import Cluster
from .failure import DemoError

EVENTS = 12
LOG_LINES = 15


def evidence(cluster: Cluster, *, namespace: str, what: str) -> list[str]:
    """Collect what the cluster says about it; never raises, for another failure is to be told."""
    return [
        f"--- pods in {namespace}",
        *_said(cluster, "-n", namespace, "get", "pods", "-o", "wide"),
        f"--- last events in {namespace}",
        *_said(cluster, "-n", namespace, "get", "events", "--sort-by=.lastTimestamp")[-EVENTS:],
        f"--- last lines of {what}",
        *_said(cluster, "-n", namespace, "logs", what, f"--tail={LOG_LINES}", "--all-containers"),
    ]


def _said(cluster: Cluster, *arguments: str) -> list[str]:
    try:
        return cluster.kubectl(*arguments, purpose="looking for the cause", timeout_seconds=20, quiet=True)
    except DemoError as error:
        return [error.sentence, *error.evidence]
