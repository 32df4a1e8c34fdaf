"""What docs/operations.md and the migration page tell people to type does what they say, at a real API server.

Installing and uninstalling by Helm is what `make demo` and the tests with a whole cluster do.
"""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from qc_operator.cluster.client import ApiError
from qc_operator.registry import FINALIZER
from tests.adapters.kubernetes.access import Access, deployments
from tests.adapters.kubernetes.queueconsumers import DEFINITION, Operator, create, definition, install, path
from tests.e2e.hpa.control_plane import ControlPlane
from tests.packaging.documents import DOCS, Block, blocks

pytestmark = pytest.mark.usefixtures("crd")

PAGES = ("operations.md", "migration-from-keda.md")
BLOCKS = [block for page in PAGES for block in blocks(DOCS / page) if block.language == "sh"]
BY_HELM = [block for block in BLOCKS if block.text.startswith("helm ")]

Shell = Callable[[Block], str]


def only(words: str) -> Block:
    """The block that has these words."""
    (found,) = [block for block in BLOCKS if words in block.text]
    return found


@pytest.fixture
def shell(plane: ControlPlane, tmp_path: Path) -> Shell:
    """Run a block, as an administrator whose kubectl is set to the namespace shop."""
    kubeconfig = plane._kubeconfig()
    kubeconfig["contexts"][0]["context"]["namespace"] = "shop"
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    environment = os.environ | {
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "PATH": f"{plane.program('kubectl').parent}:{os.environ['PATH']}",
    }

    def typed(block: Block) -> str:
        text = block.text.replace("qc NAME", "qc receipts")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block}: {done.stderr}"
        return done.stdout

    return typed


@pytest.fixture
async def shop(admin: Access) -> AsyncIterator[str]:
    """A Deployment and a QueueConsumer, both called receipts."""
    shop = await admin.namespace("shop")
    await admin.deployment(shop, "receipts", replicas=2)
    yield shop
    await admin.delete(f"{deployments(shop)}/receipts")
    if await exists(admin, shop):
        await admin.delete(path(shop))


async def annotations(admin: Access, shop: str) -> dict[str, str]:
    shown = await admin.api.get(path(shop))
    found: dict[str, str] = shown["metadata"].get("annotations", {})
    return found


async def test_pausing_and_going_on(admin: Access, shop: str, shell: Shell) -> None:
    await create(admin, shop)
    pausing = [block for block in BLOCKS if "paused-replicas" in block.text]
    assert 2 == len(pausing)
    for block in pausing:
        pause, go_on = (
            Block(document=block.document, line=block.line, language="sh", text=line, before="")
            for line in block.text.splitlines()
        )
        await asyncio.to_thread(shell, pause)
        assert "queueconsumer.dev/paused-replicas" in await annotations(admin, shop)
        await asyncio.to_thread(shell, go_on)
        assert {} == await annotations(admin, shop)


async def test_having_a_conflict_tried_at_once_is_news(admin: Access, shop: str, shell: Shell) -> None:
    await create(admin, shop)
    async with Operator(admin) as operator:
        await operator.see(shop)
        (autoscaler,) = operator.reconciler._autoscalers.values()
        before = autoscaler.known
        await asyncio.to_thread(shell, only("queueconsumer.dev/tried"))
        await operator.see(shop)

        assert autoscaler.known is not before


async def test_the_lease_is_shown(admin: Access, shell: Shell) -> None:
    namespace = await admin.namespace("queueconsumer-system")
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    spec = {"holderIdentity": "queueconsumer-operator-0_1a2b", "leaseDurationSeconds": 8}
    await admin.create(leases, {"metadata": {"name": "queueconsumer-operator"}, "spec": spec})
    shown = await asyncio.to_thread(shell, only("get lease"))
    await admin.delete(f"{leases}/queueconsumer-operator")

    assert "queueconsumer-operator-0_1a2b" in shown


async def test_an_object_that_waits_for_an_operator_that_is_gone_is_let_go(
    admin: Access, shop: str, shell: Shell
) -> None:
    await create(admin, shop, restoreReplicasOnDelete="Original")
    async with Operator(admin) as operator:
        await operator.see(shop)
        operator.messages(shop, 95)
        held = await operator.shows(shop, lambda shown: shown.get("status", {}).get("desiredReplicas") == 5)
    assert ([FINALIZER], 2) == (held["metadata"]["finalizers"], held["status"]["originalReplicas"])
    listed = await asyncio.to_thread(shell, only("custom-columns=NAMESPACE"))
    assert ["shop", "receipts", "Original"] in [line.split() for line in listed.splitlines()]

    await admin.delete(path(shop))
    assert (await admin.api.get(path(shop)))["metadata"]["deletionTimestamp"]
    await asyncio.to_thread(shell, only('"finalizers":null'))

    assert not await exists(admin, shop)
    # Nobody was there to give them back.
    assert 5 == (await admin.api.get(f"{deployments(shop)}/receipts"))["spec"]["replicas"]


async def test_an_operator_that_is_there_gives_replicas_back_after_a_restart(admin: Access, shop: str) -> None:
    await create(admin, shop, restoreReplicasOnDelete="Original")
    async with Operator(admin) as first:
        await first.see(shop)
        first.messages(shop, 95)
        await first.shows(shop, lambda shown: shown.get("status", {}).get("desiredReplicas") == 5)
    async with Operator(admin) as second:
        await second.see(shop)
        second.messages(shop, 195)
        await second.shows(shop, lambda shown: shown["status"]["desiredReplicas"] == 10)
        await admin.delete(path(shop))
        await second.see(shop)
        await gone(admin, shop)

    assert 2 == (await admin.api.get(f"{deployments(shop)}/receipts"))["spec"]["replicas"]


async def exists(admin: Access, shop: str) -> bool:
    try:
        await admin.api.get(path(shop))
    except ApiError as error:
        if error.not_found:
            return False
        raise
    return True


async def gone(admin: Access, shop: str) -> None:
    """Wait until the object is."""
    async with asyncio.timeout(10.0):
        while await exists(admin, shop):  # noqa: ASYNC110 - nothing here that could be set
            await asyncio.sleep(0.02)


async def test_from_keda_without_a_gap(plane: ControlPlane, admin: Access, shop: str, shell: Shell) -> None:
    await admin.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", SCALED_OBJECTS)
    scaled_objects = f"/apis/keda.sh/v1alpha1/namespaces/{shop}/scaledobjects"
    await asyncio.to_thread(plane._until, lambda: plane.call("GET", scaled_objects) is not None, what="KEDA is served")
    spec = {"scaleTargetRef": {"name": "receipts"}}
    await admin.create(
        scaled_objects,
        {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "receipts"}, "spec": spec},
    )
    await create(admin, shop, mode="Observe")
    try:
        await asyncio.to_thread(shell, only("delete scaledobject"))

        assert "Scale" == (await admin.api.get(path(shop)))["spec"]["mode"]
        assert [] == (await admin.api.get(scaled_objects))["items"]
    finally:
        await admin.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/scaledobjects.keda.sh")


SCALED_OBJECTS: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "scaledobjects.keda.sh"},
    "spec": {
        "group": "keda.sh",
        "scope": "Namespaced",
        "names": {"plural": "scaledobjects", "kind": "ScaledObject", "singular": "scaledobject"},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        ],
    },
}
"""As much of KEDA as its objects need to be there."""


async def test_the_definition_goes_with_all_queueconsumers(
    plane: ControlPlane, admin: Access, shop: str, shell: Shell
) -> None:
    await create(admin, shop)
    await asyncio.to_thread(shell, only("kubectl delete customresourcedefinition"))
    assert plane.call("GET", DEFINITION) is None
    await asyncio.to_thread(install, plane, definition())

    await gone(admin, shop)


async def test_costs_of_pods_are_shown(admin: Access, shop: str, shell: Shell) -> None:
    container = {"name": "consumer", "image": "queueconsumer/consumer:dev"}
    annotations = {"controller.kubernetes.io/pod-deletion-cost": "-2"}
    pods = f"/api/v1/namespaces/{shop}/pods"
    metadata = {"name": "receipts-0", "annotations": annotations}
    await admin.create(pods, {"metadata": metadata, "spec": {"containers": [container]}})
    shown = await asyncio.to_thread(shell, only("pod-deletion-cost"))
    await admin.delete(f"{pods}/receipts-0")

    assert ["receipts-0", "-2"] == shown.splitlines()[-1].split()


async def test_a_status_that_nobody_keeps_any_more_is_taken_away(admin: Access, shop: str, shell: Shell) -> None:
    await create(admin, shop)
    await admin.patch(f"{path(shop)}/status", {"status": {"desiredReplicas": 3}})
    await asyncio.to_thread(shell, only("--subresource=status"))

    assert not (await admin.api.get(path(shop))).get("status")


async def test_what_stands_within_a_sentence_can_be_typed(admin: Access, shop: str, shell: Shell) -> None:
    await create(admin, shop)
    page = DOCS / "operations.md"
    typed = [command for command in re.findall(r"`(kubectl [^`]+)`", page.read_text()) if not SKETCH.match(command)]
    assert {"kubectl get qc", "kubectl events --for queueconsumer/NAME", "kubectl describe qc NAME"} <= set(typed)
    for command in typed:
        text = command.replace("deployment NAME", "deployment receipts").replace("queueconsumer/NAME", "qc/receipts")
        await asyncio.to_thread(shell, Block(document=page, line=0, language="sh", text=text, before=""))


SKETCH = re.compile(r"kubectl (scale|apply|delete|patch|annotate|port-forward)")
"""What is meant there is the command as such, whatever its object."""


def test_no_command_is_left_out() -> None:
    known = {only(words).text for words in KNOWN} | {block.text for block in BLOCKS if "paused-replicas" in block.text}

    assert {block.text for block in BLOCKS} == known | {block.text for block in BY_HELM}


KNOWN = (
    "queueconsumer.dev/tried", "get lease", "custom-columns=NAMESPACE", '"finalizers":null', "delete scaledobject",
    "kubectl delete customresourcedefinition", "pod-deletion-cost", "--subresource=status",
)  # fmt: skip
