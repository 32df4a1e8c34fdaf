"""Ending the operator's process as a crash would."""

import json
import os
import signal
from pathlib import Path

from tests.e2e.conftest import SYSTEM, Command

SELECTOR = "app.kubernetes.io/name=queueconsumer-operator"


def restarts(kubectl: Command) -> int:
    """How often the operator's container has been started again."""
    pods = json.loads(kubectl("-n", SYSTEM, "get", "pods", "-l", SELECTOR, "-o", "json"))["items"]
    return sum(status["restartCount"] for pod in pods for status in pod["status"].get("containerStatuses", []))


def kill_operator(kubectl: Command) -> None:
    """Send SIGKILL to the operator's process.

    PID 1 of a container cannot be killed from inside, so it is looked for among the processes of this machine, which
    devcluster's node is. On a node elsewhere its process is ended by the node's own means: a privileged pod.
    """
    found = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _command(entry) == ["python", "-m", "qc_operator"]
    ]
    if found:
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return
    node = json.loads(kubectl("-n", SYSTEM, "get", "pods", "-l", SELECTOR, "-o", "json"))["items"][0]["spec"][
        "nodeName"
    ]
    kubectl(
        "debug", f"node/{node}", "--profile=sysadmin", "--image=localhost/queueconsumer/consumer:dev",
        "--image-pull-policy=IfNotPresent", "--", "python", "-c", KILL_FROM_NODE,
    )  # fmt: skip


KILL_FROM_NODE = """
import os, pathlib, signal
COMMAND = [b"python", b"-m", b"qc_operator"]
for entry in pathlib.Path("/proc").iterdir():
    if entry.name.isdigit() and (entry / "cmdline").read_bytes().split(b"\\0")[:3] == COMMAND:
        os.kill(int(entry.name), signal.SIGKILL)
"""


def _command(entry: Path) -> list[str]:
    try:
        return (entry / "cmdline").read_bytes().decode().rstrip("\0").split("\0")
    except OSError:
        return []
