"""Rivals of a real API server: HorizontalPodAutoscalers, and ScaledObjects of a KEDA that may come later or never."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from qc_operator.cluster import rivals, watch_trouble
from qc_operator.cluster.client import ApiError
from qc_operator.cluster.rivals import Rivals
from qc_operator.conflict import Rival
from qc_operator.ownership import TargetId
from tests.adapters.kubernetes.access import PATIENCE, Access, until

ROLE = "rivals"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "scaledobjects.keda.sh"},
    "spec": {
        "group": "keda.sh",
        "scope": "Namespaced",
        "names": {"plural": "scaledobjects", "singular": "scaledobject", "kind": "ScaledObject"},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                    }
                },
            }
        ],
    },
}


@pytest.fixture
async def granted(admin: Access) -> AsyncIterator[None]:
    """The operator has the rights that the chart gives it."""
    await grant(admin)
    yield
    await admin.revoke(ROLE)


async def grant(admin: Access) -> None:
    scalers = ("autoscaling", "horizontalpodautoscalers", "list,watch"), ("keda.sh", "scaledobjects", "list,watch")
    await admin.grant("operator", ROLE, *scalers)


class Seen:
    """Rivals that are watched, and of which targets they have told."""

    def __init__(self, access: Access, *, namespaces: Sequence[str] = ()) -> None:
        self.told: list[TargetId] = []
        self.rivals = Rivals(api=access.api, changed=self.told.append, namespaces=namespaces)

    async def rival(self, target: TargetId, rival: Rival | None) -> None:
        """Wait until that is who else scales the target."""
        await until(lambda: self.rivals.on(target) == rival, what=f"{rival} on {target}")


@asynccontextmanager
async def watching(access: Access, *, namespaces: Sequence[str] = ()) -> AsyncIterator[Seen]:
    seen = Seen(access, namespaces=namespaces)
    task = asyncio.create_task(seen.rivals.run())
    try:
        async with asyncio.timeout(PATIENCE):
            await seen.rivals.settled()
        yield seen
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def autoscalers(namespace: str) -> str:
    return f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers"


def scaled_objects(namespace: str) -> str:
    return f"/apis/keda.sh/v1alpha1/namespaces/{namespace}/scaledobjects"


def autoscaler(
    name: str, *, target: str = "receipts", api_version: str = "apps/v1", kind: str = "Deployment", owner: str = ""
) -> dict[str, Any]:
    owners = [{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": owner, "uid": "1"}] if owner else []
    return {
        "metadata": {"name": name, "ownerReferences": owners},
        "spec": {"scaleTargetRef": {"apiVersion": api_version, "kind": kind, "name": target}, "maxReplicas": 3},
    }


def scaled_object(called: str, **ref: str) -> dict[str, Any]:
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": called},
        "spec": {"scaleTargetRef": ref, "triggers": []},
    }


def receipts(namespace: str) -> TargetId:
    return TargetId(namespace, "apps", "Deployment", "receipts")


async def absent(admin: Access) -> bool:
    try:
        await admin.api.get("/apis/keda.sh/v1alpha1")
    except ApiError as error:
        return error.not_found
    return False


@pytest.mark.usefixtures("granted")
async def test_without_keda_there_is_nothing_to_complain_of_and_its_group_sets_the_pace(
    admin: Access, operator: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Quicker, to be seen: with the pauses of a group that is there eight lists would take more than half a minute.
    monkeypatch.setattr(watch_trouble, "GROUP_ABSENT_MOST", 0.05)
    assert await absent(admin)
    async with watching(operator) as seen:
        assert seen.rivals.problem_in("shop") is None
        await until(lambda: 8 <= operator.requests.count("GET /apis/keda.sh/v1alpha1/scaledobjects"))


@pytest.mark.usefixtures("granted")
async def test_an_autoscaler_is_a_rival_from_its_creation_to_its_end(admin: Access, operator: Access) -> None:
    shop = await admin.namespace("rivals-creation")
    async with watching(operator) as seen:
        await admin.create(autoscalers(shop), autoscaler("mails"))
        await seen.rival(receipts(shop), Rival(autoscaler="mails"))
        assert seen.rivals.on(receipts("elsewhere")) is None

        await admin.delete(f"{autoscalers(shop)}/mails")
        await seen.rival(receipts(shop), None)
        # Another test's namespace may still be going.
        assert 2 == seen.told.count(receipts(shop))


@pytest.mark.usefixtures("granted")
async def test_one_that_was_there_before_is_known_once_all_is_settled(admin: Access, operator: Access) -> None:
    shop = await admin.namespace("rivals-before")
    await admin.create(autoscalers(shop), autoscaler("mails"))
    async with watching(operator) as seen:
        assert Rival(autoscaler="mails") == seen.rivals.on(receipts(shop))


@pytest.mark.usefixtures("granted")
async def test_the_version_that_it_names_does_not_matter_and_group_and_kind_do(admin: Access, operator: Access) -> None:
    shop = await admin.namespace("rivals-versions")
    async with watching(operator) as seen:
        await admin.create(autoscalers(shop), autoscaler("old", api_version="apps/v1beta2"))
        await admin.create(autoscalers(shop), autoscaler("other", api_version="example.com/v1", target="t"))
        await admin.create(autoscalers(shop), autoscaler("set", kind="StatefulSet", target="t"))
        await seen.rival(TargetId(shop, "apps", "StatefulSet", "t"), Rival(autoscaler="set"))

        assert Rival(autoscaler="old") == seen.rivals.on(receipts(shop))
        assert Rival(autoscaler="other") == seen.rivals.on(TargetId(shop, "example.com", "Deployment", "t"))
        assert seen.rivals.on(TargetId(shop, "apps", "Deployment", "t")) is None


@pytest.mark.usefixtures("granted")
async def test_one_that_turns_to_another_target_leaves_the_first(admin: Access, operator: Access) -> None:
    shop = await admin.namespace("rivals-turns")
    async with watching(operator) as seen:
        await admin.create(autoscalers(shop), autoscaler("mails"))
        await seen.rival(receipts(shop), Rival(autoscaler="mails"))
        await admin.patch(f"{autoscalers(shop)}/mails", autoscaler("mails", target="invoices"))
        await seen.rival(receipts(shop), None)

        assert Rival(autoscaler="mails") == seen.rivals.on(receipts(shop)._replace(name="invoices"))


@pytest.mark.usefixtures("granted")
async def test_of_two_the_other_one_remains(admin: Access, operator: Access) -> None:
    shop = await admin.namespace("rivals-two")
    async with watching(operator) as seen:
        for name in ("b", "a"):
            await admin.create(autoscalers(shop), autoscaler(name))
        await seen.rival(receipts(shop), Rival(autoscaler="a"))
        await admin.delete(f"{autoscalers(shop)}/a")
        await seen.rival(receipts(shop), Rival(autoscaler="b"))


@pytest.mark.usefixtures("granted")
async def test_only_some_namespaces_are_watched_where_it_is_told_so(admin: Access, operator: Access) -> None:
    shop, bank = [await admin.namespace(f"rivals-{name}") for name in ("shop", "bank")]
    for where in (shop, bank):
        await admin.create(autoscalers(where), autoscaler("mails"))
    async with watching(operator, namespaces=(shop,)) as seen:
        assert (Rival(autoscaler="mails"), None) == (seen.rivals.on(receipts(shop)), seen.rivals.on(receipts(bank)))


async def test_an_api_server_that_does_not_answer_is_not_waited_for_for_ever(
    operator: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rivals, "SETTLES_WITHIN", 0.3)
    operator.go_through(1)  # where nobody listens
    async with watching(operator) as seen:
        assert (None, None) == (seen.rivals.problem_in("rivals-nowhere"), seen.rivals.on(receipts("rivals-nowhere")))


async def test_without_the_right_to_watch_it_says_what_is_not_seen_and_sees_it_once_it_may(
    admin: Access, operator: Access
) -> None:
    shop = await admin.namespace("rivals-forbidden")
    await admin.create(autoscalers(shop), autoscaler("mails"))
    async with watching(operator) as seen:
        problem = seen.rivals.problem_in(shop)
        assert problem is not None
        assert problem.startswith(
            "conflicts with HorizontalPodAutoscalers are not seen: "
            "the operator may not watch horizontalpodautoscalers: "
        )
        assert "grant its ServiceAccount list and watch on horizontalpodautoscalers (API group autoscaling)" in problem
        assert "; conflicts with ScaledObjects are not seen: " in problem
        assert "list and watch on scaledobjects (API group keda.sh)" in problem

        await grant(admin)
        await seen.rival(receipts(shop), Rival(autoscaler="mails"))
        await until(lambda: seen.rivals.problem_in(shop) is None, what="no problem")
    await admin.revoke(ROLE)


@pytest.mark.usefixtures("granted")
async def test_keda_that_is_installed_later_is_seen_and_its_end_too(
    admin: Access, operator: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_trouble, "GROUP_ABSENT_MOST", 1.0)
    shop = await admin.namespace("rivals-keda")
    assert await absent(admin)
    async with watching(operator) as seen:
        await admin.create(CRDS, CRD)
        async with asyncio.timeout(15):
            while await absent(admin):  # noqa: ASYNC110 - the API server is asked
                await asyncio.sleep(0.05)
        # Kind and version are left out, as most do, and mean a Deployment.
        await admin.create(scaled_objects(shop), scaled_object("mails", name="receipts"))
        await seen.rival(receipts(shop), Rival(autoscaler="", scaled_object="mails"))

        # KEDA makes an autoscaler for it, which is not another rival.
        await admin.create(autoscalers(shop), autoscaler("keda-hpa-mails", owner="mails"))
        await seen.rival(receipts(shop), Rival(autoscaler="keda-hpa-mails", scaled_object="mails"))
        await admin.delete(f"{autoscalers(shop)}/keda-hpa-mails")
        await seen.rival(receipts(shop), Rival(autoscaler="", scaled_object="mails"))

        stateful = scaled_object("ledger", name="ledger", kind="StatefulSet", apiVersion="apps/v1")
        await admin.create(scaled_objects(shop), stateful)
        await seen.rival(TargetId(shop, "apps", "StatefulSet", "ledger"), Rival(autoscaler="", scaled_object="ledger"))

        await admin.delete(f"{CRDS}/scaledobjects.keda.sh")
        await seen.rival(receipts(shop), None)
        assert seen.rivals.problem_in("shop") is None
