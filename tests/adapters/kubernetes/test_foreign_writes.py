"""Foreign writes as a real API server tells of them: it notes who set each field, and the watch shows it."""

from collections.abc import AsyncIterator

import pytest

from qc_operator.cluster.client import ApiError
from qc_operator.cluster.kinds import Kinds
from qc_operator.cluster.scale import Scales
from qc_operator.cluster.target_watch import TargetWatch
from qc_operator.foreign_writes import ForeignWrites
from qc_operator.resource import ScaleTargetRef
from qc_operator.target import Target
from tests.adapters.kubernetes.access import Access, deployment, deployments, scale_path, until

WANTED = 5
RECEIPTS = ScaleTargetRef(name="receipts")


class Operator:
    """Takes turns on a Deployment whose queues always ask for five replicas."""

    def __init__(self, access: Access) -> None:
        kinds = Kinds(api=access.api)
        self._scales = Scales(api=access.api, kinds=kinds)
        self.watch = TargetWatch(api=access.api, kinds=kinds)
        self.foreign = ForeignWrites()
        self.now = 0.0
        self.told: list[str] = []

    def serve(self, namespace: str) -> None:
        self._shown = self.watch.follow(namespace=namespace, target=RECEIPTS, notify=lambda: None)
        self._target = Target(scales=self._scales, namespace=namespace, ref=RECEIPTS, max_age=5.0, watch=self.watch)

    async def sees(self, replicas: int) -> None:
        """Take a turn once the watch has shown so many."""
        await until(
            lambda: self._shown.scale is not None and self._shown.scale.replicas == replicas,
            what=f"{replicas} replicas",
        )
        await self.turn()

    async def turn(self) -> None:
        self.now += 1.0
        while True:
            scale = await self._target.scale(now=self.now)
            told = self.foreign.see(scale, agreed=scale.replicas == WANTED, now=self.now)
            if told is not None:
                self.told.append(told.partition(";")[0])
                self.foreign.told()
            if scale.replicas == WANTED or not self.foreign.may_write(now=self.now):
                return
            self.foreign.asks(WANTED)
            try:
                self.foreign.wrote(await self._target.ask(WANTED, known=scale, now=self.now), now=self.now)
            except ApiError as error:
                if not error.conflict:
                    raise
            else:
                return


@pytest.fixture
async def ours(operator: Access, admin: Access) -> AsyncIterator[Operator]:
    rules = ("apps", "deployments", "get,list,watch"), ("apps", "deployments/scale", "get,patch")
    await admin.grant("operator", "foreign-writes", *rules)
    made = Operator(operator)
    yield made
    await made.watch.close()
    await admin.revoke("foreign-writes")


async def test_kubectl_scale_is_told_by_name_and_overridden_once(admin: Access, ours: Operator) -> None:
    shop = await admin.namespace("foreign-hand")
    await admin.deployment(shop, "receipts", replicas=2)
    ours.serve(shop)
    await ours.sees(2)
    await admin.patch(f"{scale_path(shop, 'receipts')}?fieldManager=kubectl", {"spec": {"replicas": 7}})
    await ours.sees(7)
    await ours.sees(5)

    assert ["field manager kubectl set replicas from 5 to 7"] == ours.told
    assert ours.foreign.conflict is None


async def test_a_manifest_with_replicas_that_is_applied_again_and_again_wins(admin: Access, ours: Operator) -> None:
    shop = await admin.namespace("foreign-manifest")
    path = f"{deployments(shop)}/receipts"
    await admin.apply(path, deployment("receipts", replicas=2), manager="argocd-controller")
    ours.serve(shop)
    await ours.sees(2)
    for _ in range(3):
        await admin.apply(path, deployment("receipts", replicas=2), manager="argocd-controller")
        await ours.sees(2)

    assert ["field manager argocd-controller set replicas from 5 to 2"] * 2 == ours.told
    conflict = ours.foreign.conflict
    assert conflict is not None
    assert conflict.message.startswith("field manager argocd-controller has changed replicas back 3 times, to 2 last;")
    assert 2 == (await admin.api.get(path))["spec"]["replicas"]

    # Whoever removes the field from the manifest that set it has the API server take its default, 1.
    manifest = deployment("receipts")
    del manifest["spec"]["replicas"]
    await admin.apply(path, manifest, manager="argocd-controller")
    ours.foreign.retry(now=ours.now)
    await ours.sees(1)
    await admin.apply(path, manifest, manager="argocd-controller")
    for _ in range(70):
        await ours.turn()
    assert ours.foreign.conflict is None
    assert 5 == (await admin.api.get(path))["spec"]["replicas"]


async def test_other_changes_of_a_manifest_are_no_writes_of_replicas(admin: Access, ours: Operator) -> None:
    shop = await admin.namespace("foreign-other")
    path = f"{deployments(shop)}/receipts"
    await admin.deployment(shop, "receipts", replicas=5)
    ours.serve(shop)
    await ours.sees(5)
    for number in range(5):
        annotations = {"spec": {"template": {"metadata": {"annotations": {"restarted": str(number)}}}}}
        await admin.patch(f"{path}?fieldManager=kubectl-rollout", annotations)
        await ours.turn()

    assert ([], None) == (ours.told, ours.foreign.conflict)


async def test_a_target_that_was_created_again_is_a_new_one(admin: Access, ours: Operator) -> None:
    shop = await admin.namespace("foreign-again")
    await admin.deployment(shop, "receipts", replicas=2)
    ours.serve(shop)
    await ours.sees(2)
    await admin.delete(f"{deployments(shop)}/receipts")
    await until(lambda: ours._shown.missing, what="missing")
    await admin.deployment(shop, "receipts", replicas=1)
    await ours.sees(1)
    await ours.sees(5)

    assert [] == ours.told
