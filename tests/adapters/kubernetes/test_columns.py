"""What `kubectl get qc` shows to whoever looks there first, by kubectl itself."""

import asyncio
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from qc_operator.brokers import Problem
from tests.adapters.kubernetes.access import Access, deployments
from tests.adapters.kubernetes.queueconsumers import Operator, another_definition, create
from tests.adapters.kubernetes.test_status import desired, laxer, ready
from tests.e2e.hpa.control_plane import ControlPlane
from tests.unit.operator.conftest import entries, unknown

pytestmark = pytest.mark.usefixtures("crd")

Rows = Callable[[str], dict[str, list[str]]]


@pytest.fixture
def rows(plane: ControlPlane, tmp_path: Path) -> Rows:
    """The table of a namespace: the cells of each object by its name, without LAST SCALE and AGE."""
    (tmp_path / "kubeconfig").write_text(json.dumps(plane._kubeconfig()))

    def read(namespace: str) -> dict[str, list[str]]:
        kubectl = str(plane.program("kubectl")), f"--kubeconfig={tmp_path / 'kubeconfig'}"
        said = subprocess.run(
            [*kubectl, "get", "qc", "-n", namespace], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        heads = ["NAME", "TARGET", "READY", "UNACKED", "WAIT/OBJ", "REPLICAS", "MAX", "REASON", "LIMITED"]
        assert said[0].split()[: len(heads)] == heads
        # An empty cell would move the others to the left.
        return {line.split()[0]: line.split()[1 : len(heads)] for line in said[1:]}

    return read


async def test_what_stands_in_the_way_is_in_the_table_and_nothing_that_is_not_known_any_more(
    plane: ControlPlane, admin: Access, rows: Rows
) -> None:
    shop = await admin.namespace("columns")
    for name in ("well", "taken", "deleted", "secretless"):
        await admin.deployment(shop, name)
    names = ("well", "taken", "deleted", "secretless", "lost")
    async with Operator(admin) as operator:
        for name in names:
            await create(admin, shop, name)
            await operator.see(shop, name)
        waits = {"name": "slow", "wait": {"objectiveSeconds": 30}}
        await admin.deployment(shop, "slow")
        await create(admin, shop, "slow", queues=[waits])
        await operator.see(shop, "slow")
        for name in ("well", "taken", "deleted", "slow"):
            operator.messages(shop, 95, name=name)
        for name in ("well", "taken", "deleted"):
            await operator.shows(shop, desired(5), name=name)

        autoscaler = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "taken"}}
        metadata = {"name": "also"}
        await admin.create(
            f"/apis/autoscaling/v2/namespaces/{shop}/horizontalpodautoscalers",
            {"metadata": metadata, "spec": autoscaler | {"maxReplicas": 9}},
        )
        for name in ("deleted", "slow"):
            await admin.delete(f"{deployments(shop)}/{name}")
        feed = operator.feeds[f"{shop}/secretless"]
        feed.problem = Problem(reason="SecretNotFound", message="there is no Secret rabbitmq")
        feed.entries = entries(unknown(at=operator.clock.now))
        feed.notify()
        expected = {"taken": "Conflict", "deleted": "TargetNotFound", "lost": "TargetNotFound",
                    "secretless": "SecretNotFound", "slow": "TargetNotFound"}  # fmt: skip
        for name, reason in expected.items():
            await operator.shows(shop, ready(reason), name=name)
        with another_definition(plane, laxer):
            await create(admin, shop, "wrong", maxReplicas=0)
        await operator.see(shop, "wrong")
        await operator.shows(shop, ready("InvalidSpec"), name="wrong")
        shown = await asyncio.to_thread(rows, shop)

    # The next decision says that this many stay.
    assert shown.pop("well") in [["well", "95", "0", "-", "0->5/0", "10", why, "none"] for why in ("WokeUp", "Steady")]
    assert {
        "taken": ["taken", "95", "0", "-", "0->5/0", "10", "Conflict", "none"],
        "deleted": ["deleted", "95", "0", "-", "0->5/?", "10", "TargetNotFound", "-"],
        "lost": ["lost", "0", "0", "-", "?", "10", "TargetNotFound", "-"],
        "slow": ["slow", "95", "0", "?/30s", "0->1/?", "10", "TargetNotFound", "-"],
        "secretless": ["secretless", "?", "?", "-", "0/0", "10", "SecretNotFound", "guard"],
        "wrong": ["wrong", "?", "?", "-", "?", "0", "InvalidSpec", "-"],
    } == shown
