"""Which namespaces a label selector selects, now, by a real API server."""

import asyncio
from contextlib import suppress

from qc_operator.cluster.namespaces import Namespaces
from tests.adapters.kubernetes.access import Access, until


async def test_namespaces_come_and_go_with_their_labels(admin: Access) -> None:
    for name, scaled in (("chosen-one", "yes"), ("chosen-two", "yes"), ("chosen-not", "no")):
        await admin.namespace(name, scaled=scaled)
    told: list[frozenset[str]] = []
    namespaces = Namespaces(api=admin.api, selector="scaled=yes", changed=lambda: told.append(namespaces.names))
    task = asyncio.create_task(namespaces.run())
    await until(lambda: namespaces.synced)
    # All at once, not one by one.
    assert {frozenset({"chosen-one", "chosen-two"})} == set(told)
    assert "chosen-one" in namespaces

    await admin.patch("/api/v1/namespaces/chosen-not", {"metadata": {"labels": {"scaled": "yes"}}})
    await until(lambda: "chosen-not" in namespaces)
    await admin.patch("/api/v1/namespaces/chosen-one", {"metadata": {"labels": {"scaled": None}}})
    await until(lambda: namespaces.names == {"chosen-two", "chosen-not"})
    assert told[-1] == namespaces.names
    assert namespaces.problem is None
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_without_the_right_it_is_said_what_to_grant(operator: Access) -> None:
    namespaces = Namespaces(api=operator.api, selector="scaled=yes", changed=lambda: None)
    task = asyncio.create_task(namespaces.run())
    await until(lambda: namespaces.problem)

    assert not namespaces.synced
    assert (namespaces.problem or "").endswith("grant its ServiceAccount list and watch on namespaces")
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
