"""Deletion costs of real pods, and the pods that the real ReplicaSet controller deletes by them.

The pods run nowhere: their statuses are written as a kubelet would write them.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from qc_operator.cluster.client import ApiError
from qc_operator.cluster.deletion_costs import COST, OURS, DeletionCosts
from qc_operator.scaling.deletion_costs import READY, changes
from tests.adapters.kubernetes.access import PATIENCE, Access
from tests.e2e.hpa.control_plane import ControlPlane

NAMESPACE = "deletion-costs"
REPLICA_SETS = f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
NUMBERS = itertools.count()
STARTED = "2026-11-21T10:00:00Z"


@pytest.fixture(scope="module")
def controller(plane: ControlPlane) -> Iterator[None]:
    """The controller of ReplicaSets."""
    kubeconfig = plane.folder / "replicaset-kubeconfig"
    kubeconfig.write_text(json.dumps(plane._kubeconfig()))
    process = plane._spawn(
        "kube-controller-manager", f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0",
        "--controllers=replicaset-controller,serviceaccount-controller",
    )  # fmt: skip
    yield
    process.kill()
    process.wait(10)
    plane._processes.remove(process)


class Target:
    """A ReplicaSet and its pods."""

    def __init__(self, *, name: str, admin: Access) -> None:
        self.name = name
        self.admin = admin
        self.selector = f"app={name}"
        self.costs = DeletionCosts(api=admin.api)

    async def start(self, *, replicas: int) -> list[str]:
        """Have so many ready pods; their names, in the order in which they became ready."""
        labels = {"app": self.name}
        container = {"name": "consumer", "image": "queueconsumer/consumer:dev"}
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        }
        await self.admin.create(REPLICA_SETS, {"metadata": {"name": self.name}, "spec": spec})
        await eventually(lambda: self.has(replicas), what="all pods were created")
        names = sorted(await self.staying())
        for number, name in enumerate(names):
            binding = {"metadata": {"name": name}, "target": {"kind": "Node", "name": f"node-{number}"}}
            await self.admin.create(f"{PODS}/{name}/binding", binding)
            await self.report(name, ready=True, address=f"10.1.2.{number}")
        await eventually(self.all_ready, what="all pods are ready")
        return names

    async def has(self, replicas: int) -> bool:
        return len(await self.staying()) == replicas

    async def all_ready(self) -> bool:
        return all(pod.stage == READY for pod in await self.read())

    async def report(self, name: str, *, ready: bool, address: str) -> None:
        condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": STARTED}
        status = {"phase": "Running", "conditions": [condition], "podIPs": [{"ip": address}], "podIP": address}
        await self.admin.patch(f"{PODS}/{name}/status", {"status": status})

    async def staying(self) -> set[str]:
        """The names of the pods that are not being deleted."""
        found = (await self.admin.api.get(f"{PODS}?labelSelector={self.selector}"))["items"]
        return {pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]}

    async def read(self) -> tuple[Any, ...]:
        return await self.costs.read(namespace=NAMESPACE, selector=self.selector)

    async def annotations(self, name: str) -> dict[str, str]:
        return dict((await self.admin.api.get(f"{PODS}/{name}"))["metadata"].get("annotations") or {})

    async def scale(self, replicas: int) -> set[str]:
        """Ask for so many; the names of those that stay."""
        await self.admin.patch(f"{REPLICA_SETS}/{self.name}", {"spec": {"replicas": replicas}})
        await eventually(lambda: self.has(replicas), what=f"{replicas} pods are left")
        return await self.staying()


async def eventually(condition: Callable[[], Awaitable[object]], *, what: str) -> None:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        await asyncio.sleep(0.05)


@pytest.fixture
async def target(
    admin: Access,
    controller: None,  # noqa: ARG001 - runs
) -> AsyncIterator[Target]:
    async def has_account() -> object:
        return (await admin.api.get(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"))["items"]

    await admin.namespace(NAMESPACE)
    await eventually(has_account, what="pods have an account")
    made = Target(name=f"target-{next(NUMBERS)}", admin=admin)
    yield made
    await admin.delete(f"{REPLICA_SETS}/{made.name}?propagationPolicy=Background")


@pytest.mark.parametrize("first", [0, 3])
async def test_the_pods_that_hold_messages_survive(target: Target, first: int) -> None:
    names = await target.start(replicas=6)
    busy = set(names[first : first + 3])
    pods = await target.read()

    await target.costs.write(
        namespace=NAMESPACE, pods=pods, changes=changes(pods=pods, held=dict.fromkeys(busy, 1), keep=3)
    )

    assert busy == await target.scale(3)


async def test_pods_are_read_as_their_replica_set_sees_them(target: Target) -> None:
    names = await target.start(replicas=4)
    await target.report(names[1], ready=False, address="10.1.2.1")
    await target.admin.patch(f"{PODS}/{names[2]}", {"metadata": {"annotations": {COST: "7"}}})
    await target.admin.patch(f"{PODS}/{names[3]}", {"metadata": {"annotations": {COST: "8", OURS: "8"}}})

    async def shown() -> bool:
        return {0, 7, 8} == {pod.cost for pod in await target.read()}

    await eventually(shown, what="the costs are shown")
    pods = {pod.name: pod for pod in await target.read()}

    found = [(p.stage, p.cost, p.ours, p.node, p.addresses) for p in (pods[name] for name in names)]
    assert [
        (4, 0, True, "node-0", ("10.1.2.0",)),
        (3, 0, True, "node-1", ("10.1.2.1",)),
        (4, 7, False, "node-2", ("10.1.2.2",)),
        (4, 8, True, "node-3", ("10.1.2.3",)),
    ] == found
    assert STARTED == pods[names[0]].ready_since


async def test_a_pod_that_somebody_has_written_to_since_is_passed_over(target: Target) -> None:
    names = await target.start(replicas=2)
    pods = await target.read()
    await target.admin.patch(f"{PODS}/{names[0]}", {"metadata": {"annotations": {COST: "100"}}})

    await target.costs.write(namespace=NAMESPACE, pods=pods, changes={names[0]: -2, names[1]: 3})

    assert {COST: "100"} == await target.annotations(names[0])
    assert {COST: "3", OURS: "3"} == await target.annotations(names[1])


async def test_a_cost_is_taken_back(target: Target) -> None:
    (name,) = await target.start(replicas=1)
    await target.costs.write(namespace=NAMESPACE, pods=await target.read(), changes={name: 5})

    async def shown() -> bool:
        return {5} == {pod.cost for pod in await target.read()}

    await eventually(shown, what="the cost is shown")
    await target.costs.write(namespace=NAMESPACE, pods=await target.read(), changes={name: None})

    assert {} == await target.annotations(name)


async def test_without_the_right_to_patch_pods_it_says_so(target: Target, operator: Access) -> None:
    names = await target.start(replicas=12)
    await target.admin.grant("operator", "lists-pods", ("", "pods", "list"), namespace=NAMESPACE)
    costs = DeletionCosts(api=operator.api)

    async def granted() -> bool:
        with contextlib.suppress(ApiError):
            return bool(await costs.read(namespace=NAMESPACE, selector=target.selector))
        return False

    await eventually(granted, what="the right to list pods holds")
    pods = await costs.read(namespace=NAMESPACE, selector=target.selector)
    operator.requests.clear()

    with pytest.raises(ApiError, match='cannot patch resource "pods"') as refused:
        await costs.write(namespace=NAMESPACE, pods=pods, changes=dict.fromkeys(names, 1))

    assert refused.value.forbidden
    assert 10 == len(operator.requests)  # Those that were sent at once.
