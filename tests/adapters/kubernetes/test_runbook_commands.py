"""What runbooks and alerts tell people to type is understood by kubectl and by a real API server.

There is no kubelet here, so what asks for a log goes as far as the pod that it would be read from.
"""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters.kubernetes.access import Access, deployments
from tests.adapters.kubernetes.queueconsumers import create, path
from tests.dashboards.alert_rules import RUNBOOKS, alerts
from tests.e2e.hpa.control_plane import ControlPlane
from tests.packaging.documents import blocks

pytestmark = pytest.mark.usefixtures("crd")

NAMESPACE = "runbooks"
# What a person puts in, for what an alert fills in and for what a runbook writes in capitals.
VALUES = {
    **dict.fromkeys(("namespace", "NAMESPACE"), NAMESPACE),
    **dict.fromkeys(("queueconsumer", "target_name", "NAME", "TARGET"), "receipts"),
    "target_kind | toLower": "deployment",
    "POD": "receipts-0",
}
NO_KUBELET = re.compile(r"kubectl (logs|exec) ")


def filled(command: str) -> str:
    """A command with the test's objects in it."""
    command = re.sub(r"\{\{ \$labels\.([^}]*?) \}\}", lambda label: VALUES[label[1]], command)
    return re.sub(r"\b[A-Z]{3,}\b", lambda word: VALUES.get(word[0], word[0]), command)


def typed() -> list[str]:
    """Every command, the harmful ones last."""
    inline = [
        command
        for page in sorted(RUNBOOKS.glob("*.md"))
        for command in re.findall(r"`(kubectl [^`]+ [^`]+)`", page.read_text())
    ]
    fenced = [
        line
        for page in sorted(RUNBOOKS.glob("*.md"))
        for block in blocks(page)
        if block.language == "sh"
        for line in block.text.replace("\\\n", " ").splitlines()
    ]
    next_ones = [re.sub(r".* Next: ", "", alert["annotations"]["description"]) for alert in alerts()]
    found = {filled(command) for command in (*fenced, *inline, *next_ones) if command.startswith("kubectl ")}
    return sorted(found, key=lambda command: (" delete " in command, command))


@pytest.fixture
async def shop(admin: Access) -> AsyncIterator[str]:
    """A Deployment and a QueueConsumer, both called receipts, with a pod on no node."""
    shop = await admin.namespace(NAMESPACE)
    await admin.deployment(shop, "receipts", replicas=2)
    await create(admin, shop)
    pod = {
        "metadata": {"name": "receipts-0", "labels": {"app": "receipts"}},
        "spec": {"containers": [{"name": "consumer", "image": "queueconsumer/consumer:dev"}]},
    }
    await admin.create(f"/api/v1/namespaces/{shop}/pods", pod)
    yield shop
    await admin.delete(path(shop))
    await admin.delete(f"{deployments(shop)}/receipts")


async def test_each_command_is_understood(plane: ControlPlane, shop: str, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(plane._kubeconfig()))
    programs = f"{plane.program('kubectl').parent}:{os.environ['PATH']}"
    environment = os.environ | {"KUBECONFIG": str(kubeconfig), "PATH": programs}
    commands = [command.replace("queueconsumer-system", shop) for command in typed()]
    wrong = []
    for command in commands:
        done = await asyncio.to_thread(
            subprocess.run, ["bash", "-c", command], env=environment, capture_output=True, text=True, check=False
        )
        # The pod was found, and is on no node that could be asked for its log.
        no_node = "pod receipts-0 does not have a host assigned" in done.stderr
        if done.returncode != 0 and not (NO_KUBELET.match(command) and no_node):
            wrong.append(f"{command}: {done.stderr}")

    assert len(commands) >= 15
    assert wrong == []
