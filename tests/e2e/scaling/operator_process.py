"""Ending the operator's process as a crash would."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import SYSTEM, Command
from tests.e2e.scaling import node_processes

SELECTOR = "app.kubernetes.io/name=queueconsumer-operator"
LEASE = "queueconsumer-operator"
COMMAND = ("python", "-m", "qc_operator")
FROM_THE_NODE = Path(node_processes.__file__).read_text()
DEBUG_NAMESPACE = "default"
"""Where the pod for the node's processes runs: the tests' own namespaces refuse a privileged one."""


def restarts(kubectl: Command) -> int:
    """How often the operator's container has been started again."""
    return sum(
        status["restartCount"] for pod in _pods(kubectl) for status in pod["status"].get("containerStatuses", [])
    )


def kill_operator(kubectl: Command) -> None:
    """Send SIGKILL to the process of the operator that leads.

    PID 1 of a container cannot be killed from inside, so it is looked for among the processes of this machine, which
    devcluster's node is. On a node elsewhere its process is ended by the node's own means: a privileged pod.
    """
    (pod,) = (pod for pod in _pods(kubectl) if pod["metadata"]["name"] == leader(kubectl))
    uid = pod["metadata"]["uid"]
    if node_processes.kill(uid=uid, command=COMMAND) == 0:
        kill_from_the_node(kubectl, node=pod["spec"]["nodeName"], uid=uid)


def leader(kubectl: Command) -> str:
    """Name of the operator's pod that holds the Lease; empty between two of them."""
    holder = kubectl("-n", SYSTEM, "get", "lease", LEASE, "-o", "jsonpath={.spec.holderIdentity}")
    return holder.rpartition("_")[0]


def kill_from_the_node(kubectl: Command, *, node: str, uid: str) -> None:
    """Do the same in a privileged pod on the pod's node, which sees all processes there."""
    said = kubectl(
        "-n", DEBUG_NAMESPACE, "debug", f"node/{node}", "--profile=sysadmin",
        "--image=localhost/queueconsumer/consumer:dev", "--image-pull-policy=IfNotPresent",
        "--", "python", "-c", FROM_THE_NODE, uid, *COMMAND,
    )  # fmt: skip
    # "Creating debugging pod node-debugger-NODE-abcde with container debugger on node NODE."
    debugger = next(word for word in said.split() if word.startswith("node-debugger-"))
    try:
        deadline = time.monotonic() + 60
        while (phase := _phase(kubectl, debugger)) not in {"Succeeded", "Failed"}:
            if time.monotonic() > deadline:
                pytest.fail(f"pod {debugger} has not ended within 60 s: it is {phase}")
            time.sleep(0.5)
        if phase == "Failed":
            pytest.fail(f"no operator was killed on node {node}: {kubectl('-n', DEBUG_NAMESPACE, 'logs', debugger)}")
    finally:
        kubectl("-n", DEBUG_NAMESPACE, "delete", "pod", debugger, "--wait=false")


def _phase(kubectl: Command, pod: str) -> str:
    return kubectl("-n", DEBUG_NAMESPACE, "get", "pod", pod, "-o", "jsonpath={.status.phase}")


def _pods(kubectl: Command) -> list[dict[str, Any]]:
    """The operator's pods without those that are going."""
    found = json.loads(kubectl("-n", SYSTEM, "get", "pods", "-l", SELECTOR, "-o", "json"))["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
