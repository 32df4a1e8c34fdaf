"""Which QueueConsumers exist, as a real API server lists them, and the census that goes by it."""

import pytest

from qc_operator.census import Census
from qc_operator.cluster import list_pages as module
from qc_operator.cluster.client import ApiError
from qc_operator.cluster.inventory import Inventory
from qc_operator.cluster.reflector import METADATA_ONLY
from qc_operator.registry import Key
from tests.adapters.kubernetes.access import Access, paths
from tests.adapters.kubernetes.queueconsumers import Operator, create, path

pytestmark = pytest.mark.usefixtures("crd")


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 2)


async def of(admin: Access, namespace: str, *names: str) -> dict[Key, str]:
    """Make QueueConsumers in a namespace; returns their uids."""
    await admin.namespace(namespace)
    made = {}
    for name in names:
        made[Key(namespace, name)] = (await create(admin, namespace, name))["metadata"]["uid"]
    return made


@pytest.mark.usefixtures("small_pages")
async def test_all_pages_of_all_namespaces_together(admin: Access) -> None:
    made = await of(admin, "inventory-a", "one", "two", "three") | await of(admin, "inventory-b", "one", "two")
    admin.queries.clear()
    found = await Inventory(api=admin.api).uids()

    assert made.items() <= found.items()
    assert len(found) // 2 <= len(admin.queries)
    assert all(query.startswith("limit=2") for query in admin.queries)
    assert all("continue=" in query for query in admin.queries[1:])


@pytest.mark.usefixtures("small_pages")
async def test_only_the_namespaces_that_are_served(admin: Access) -> None:
    made = await of(admin, "inventory-c", "one", "two", "three") | await of(admin, "inventory-d", "one")
    await of(admin, "inventory-e", "one")
    namespaces = ("inventory-c", "inventory-d", "inventory-none")
    admin.requests.clear()

    assert made == await Inventory(api=admin.api, namespaces=namespaces).uids()
    assert [f"/apis/queueconsumer.dev/v1alpha1/namespaces/{name}/queueconsumers" for name in namespaces] == list(
        dict.fromkeys(paths(admin.requests))
    )


async def test_no_spec_and_no_status_is_transferred(admin: Access) -> None:
    await of(admin, "inventory-f", "one")
    await admin.patch(f"{path('inventory-f', 'one')}/status", {"status": {"desiredReplicas": 3}})
    listed = "/apis/queueconsumer.dev/v1alpha1/namespaces/inventory-f/queueconsumers"
    body, _ = await admin.api.get_bytes(listed, accept=METADATA_ONLY[0])

    assert b"desiredReplicas" not in body.replace(b"f:desiredReplicas", b"")
    assert b"scaleUpAbove" not in body.replace(b"f:scaleUpAbove", b"")


async def test_who_may_not_list_is_told(operator: Access) -> None:
    with pytest.raises(ApiError) as caught:
        await Inventory(api=operator.api).uids()

    assert caught.value.forbidden


@pytest.mark.usefixtures("small_pages")
async def test_what_was_deleted_during_a_gap_of_the_watch_is_taken_back(admin: Access) -> None:
    made = await of(admin, "inventory-gap", "one", "two", "three")
    async with Operator(admin) as operator:
        census = Census(
            lister=Inventory(api=admin.api, namespaces=("inventory-gap",)),
            known=operator.reconciler,
        )
        for name in ("one", "two", "three"):
            await operator.see("inventory-gap", name)
        await census.count()
        assert (True, made) == (census.complete.is_set(), operator.reconciler.known)

        # While the watch is away, one is deleted and another one is deleted and created again.
        await admin.delete(path("inventory-gap", "one"))
        await admin.delete(path("inventory-gap", "two"))
        again = (await create(admin, "inventory-gap", "two"))["metadata"]["uid"]
        await census.count()

        assert {Key("inventory-gap", "three")} == operator.reconciler.known.keys()
        assert operator.feeds["inventory-gap/one"].closed
        assert not operator.feeds["inventory-gap/three"].closed
        # The new one is counted until the watch tells of it.
        assert 20.0 == census.pause
        await operator.see("inventory-gap", "two")
        await census.count()

        assert again == operator.reconciler.known[Key("inventory-gap", "two")]
        assert (None, 300.0) == (census.problem, census.pause)
