"""Lists and watches of a real API server, also over its restarts and over connections that die."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from qc_operator.cluster import list_watch, watch_trouble
from qc_operator.cluster.client import KubernetesApi
from qc_operator.cluster.reflector import Bare, Reflector, Resource
from qc_operator.registry import Key
from tests.adapters.kubernetes.access import Access, until
from tests.adapters.kubernetes.door import Door
from tests.e2e.hpa.control_plane import ControlPlane

CONFIG_MAPS = Resource(base="/api/v1", plural="configmaps")
SCALED_OBJECTS = Resource(base="/apis/reflector.test/v1", plural="scaledthings")


class Told:
    """What a reflector has told, in order, and what exists by its word."""

    def __init__(self, api: KubernetesApi, resource: Resource = CONFIG_MAPS, **how: Any) -> None:
        self.words: list[str] = []
        self.exist: dict[Key, str] = {}
        self.states: list[tuple[bool, bool, str | None]] = []
        self.reflector = Reflector(
            api=api, resource=resource, type=Bare, changed=self._changed, deleted=self._deleted, told=self._told, **how
        )

    def _changed(self, shown: Bare) -> None:
        key = Key(shown.metadata.namespace, shown.metadata.name)
        self.words.append(("~" if key in self.exist else "+") + key.name)
        self.exist[key] = shown.metadata.uid

    def _deleted(self, key: Key) -> None:
        self.words.append(f"-{key.name}")
        del self.exist[key]

    def _told(self) -> None:
        self.states.append((self.reflector.synced, self.reflector.absent, self.reflector.problem))

    @property
    def names(self) -> set[str]:
        return {key.name for key in self.exist}


@asynccontextmanager
async def running(told: Told) -> AsyncIterator[Told]:
    task = asyncio.create_task(told.reflector.run())
    try:
        yield told
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def of(namespace: str, **how: Any) -> dict[str, Any]:
    return {"namespaces": [namespace], **how}


async def config_map(admin: Access, namespace: str, name: str, **labels: str) -> None:
    await admin.create(CONFIG_MAPS.path(namespace), {"metadata": {"name": name, "labels": labels}})


async def fill(admin: Access, namespace: str, names: Sequence[str]) -> None:
    await asyncio.gather(*(config_map(admin, namespace, name) for name in names))


async def test_what_exists_is_listed_in_pages_and_what_happens_is_watched(admin: Access) -> None:
    namespace = await admin.namespace("reflected-pages")
    await fill(admin, namespace, [f"map-{number}" for number in range(1100)])
    admin.requests.clear()
    admin.queries.clear()
    async with running(Told(admin.api, **of(namespace, metadata_only=True))) as told:
        await until(lambda: told.reflector.synced)
        assert {f"map-{number}" for number in range(1100)} == told.names
        assert 1100 == len(told.words)
        # Three pages and the watch.
        assert [f"GET {CONFIG_MAPS.path(namespace)}"] * 4 == admin.requests
        assert ["limit=500"] * 3 == [query.partition("&")[0] for query in admin.queries[:3]]
        assert ["watch=true", "allowWatchBookmarks=true"] == admin.queries[3].split("&")[:2]

        await config_map(admin, namespace, "later")
        await admin.patch(f"{CONFIG_MAPS.path(namespace)}/later", {"data": {"a": "b"}})
        await admin.delete(f"{CONFIG_MAPS.path(namespace)}/later")
        await until(lambda: told.words[1100:] == ["+later", "~later", "-later"])

    assert [(True, False, None)] * len(told.states) == told.states


async def test_a_label_selector_tells_of_objects_as_long_as_they_match(admin: Access) -> None:
    namespace = await admin.namespace("reflected-labels")
    await config_map(admin, namespace, "mine", team="a")
    await config_map(admin, namespace, "theirs", team="b")
    async with running(Told(admin.api, **of(namespace, label_selector="team=a"))) as told:
        await until(lambda: told.reflector.synced)
        assert {"mine"} == told.names
        await admin.patch(f"{CONFIG_MAPS.path(namespace)}/theirs", {"metadata": {"labels": {"team": "a"}}})
        await admin.patch(f"{CONFIG_MAPS.path(namespace)}/mine", {"metadata": {"labels": {"team": "b"}}})
        await until(lambda: told.words == ["+mine", "+theirs", "-mine"])


async def test_a_watch_that_is_cut_off_goes_on_where_it_was(admin: Access, plane: ControlPlane, door: Door) -> None:
    namespace = await admin.namespace("reflected-cut")
    await fill(admin, namespace, ["kept", "deleted"])
    async with Access(plane=plane, user="admin") as watching:
        watching.go_through(door.port)
        async with running(Told(watching.api, **of(namespace))) as told:
            await until(lambda: told.reflector.synced)
            await door.shut()
            await admin.delete(f"{CONFIG_MAPS.path(namespace)}/deleted")
            await config_map(admin, namespace, "created")
            await until(lambda: not told.reflector.current)
            assert told.reflector.synced
            door.open()
            await until(lambda: told.words[2:] == ["-deleted", "+created"])
            assert told.reflector.current

        lists = [query for query in watching.queries if query.startswith("limit")]
        assert 1 == len(lists)


async def test_what_is_deleted_while_the_api_server_is_down_is_told_after_the_new_list(
    admin: Access, plane: ControlPlane, door: Door
) -> None:
    """A new API server knows nothing of before its start: it answers 410 to whoever wants to go on from there."""
    namespace = await admin.namespace("reflected-expired")
    await fill(admin, namespace, ["kept", "deleted", "anew"])
    async with Access(plane=plane, user="admin") as watching:
        watching.go_through(door.port)
        async with running(Told(watching.api, **of(namespace))) as told:
            await until(lambda: told.reflector.synced)
            await door.shut()
            for name in ("deleted", "anew"):
                await admin.delete(f"{CONFIG_MAPS.path(namespace)}/{name}")
            await fill(admin, namespace, ["anew", "created"])
            # Not in another thread: the kernel would end the server with it.
            plane.kill_api_server()
            plane.start_api_server()
            door.open()
            await until(lambda: told.names == {"kept", "anew", "created"})
            await config_map(admin, namespace, "last")
            await until(lambda: "last" in told.names)

        lists = [query for query in watching.queries if query.startswith("limit")]
        assert 2 == len(lists)
    assert told.reflector.problem is None
    # Unchanged, changed for another of the same name, created and gone.
    assert {"~kept", "-anew", "+anew", "+created", "-deleted", "+last"} == set(told.words[3:])
    assert told.words.index("-anew") < len(told.words) - 1 - told.words[::-1].index("+anew")


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_is_interrupted_in_the_end_what_is_told_is_what_exists(
    admin: Access, plane: ControlPlane, door: Door, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    """With one list that is cut off between its pages, and changes at every moment."""
    chance = random.Random(seed)  # noqa: S311 - not a secret
    namespace = await admin.namespace(f"reflected-chance-{seed}")
    there = {f"map-{number}" for number in range(1200)}
    await fill(admin, namespace, sorted(there))
    made = itertools.count(len(there))
    async with Access(plane=plane, user="admin") as watching:
        watching.go_through(door.port)
        async with running(Told(watching.api, **of(namespace))) as told:
            for _ in range(150):
                what = chance.random()
                if what < 0.5:
                    there.add(name := f"map-{next(made)}")
                    await config_map(admin, namespace, name)
                elif what < 0.9:
                    there.remove(name := chance.choice(sorted(there)))
                    await admin.delete(f"{CONFIG_MAPS.path(namespace)}/{name}")
                    if chance.random() < 0.5:
                        there.add(name)
                        await config_map(admin, namespace, name)
                elif what < 0.95:
                    await door.cut()
                else:
                    await asyncio.sleep(0.1)
            maps = (await admin.api.get(CONFIG_MAPS.path(namespace)))["items"]
            uids = {Key(namespace, body["metadata"]["name"]): body["metadata"]["uid"] for body in maps}
            assert there == {key.name for key in uids}
            await until(lambda: told.exist == uids)
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_connection_that_lets_nothing_through_is_given_up(
    admin: Access, plane: ControlPlane, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_watch, "SILENCE", 2.0)
    namespace = await admin.namespace("reflected-frozen")
    async with Access(plane=plane, user="admin") as watching:
        watching.go_through(door.port)
        async with running(Told(watching.api, **of(namespace))) as told:
            await until(lambda: told.reflector.synced)
            door.freeze()
            await config_map(admin, namespace, "unseen")
            await asyncio.sleep(0.5)
            assert set() == told.names
            await until(lambda: told.names == {"unseen"})


async def test_without_rights_it_is_told_what_to_grant_and_goes_on_once_granted(
    admin: Access, operator: Access, caplog: pytest.LogCaptureFixture
) -> None:
    namespace = await admin.namespace("reflected-forbidden")
    await config_map(admin, namespace, "there")
    async with running(Told(operator.api, **of(namespace))) as told:
        await until(lambda: told.reflector.problem)
        assert not told.reflector.synced
        assert (
            "the operator may not watch configmaps in namespace reflected-forbidden: configmaps is forbidden: User "
            '"operator" cannot list resource "configmaps" in API group "" in the namespace "reflected-forbidden"; '
            "grant its ServiceAccount list and watch on configmaps in namespace reflected-forbidden"
        ) == told.reflector.problem
        await admin.grant("operator", "reflected", ("", "configmaps", "list,watch"), namespace=namespace)
        await until(lambda: told.reflector.synced)

    assert ["+there"] == told.words
    assert not told.reflector.problem
    assert 1 == sum("is not watched" in message for message in caplog.messages)


async def test_a_kind_that_is_not_installed_is_found_once_it_is_and_its_objects_go_with_it(
    admin: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_trouble, "GROUP_ABSENT_MOST", 1.0)
    namespace = await admin.namespace("reflected-absent")
    async with running(Told(admin.api, SCALED_OBJECTS)) as told:
        await until(lambda: told.reflector.absent)
        assert not told.reflector.synced
        await admin.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition())
        await until(lambda: told.reflector.synced)
        assert not told.reflector.absent
        body = {"apiVersion": "reflector.test/v1", "kind": "ScaledThing", "metadata": {"name": "one"}}
        await admin.create(SCALED_OBJECTS.path(namespace), body)
        await until(lambda: told.names == {"one"})
        await admin.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/scaledthings.reflector.test")
        await until(lambda: told.reflector.absent)
        assert set() == told.names


async def test_several_namespaces_are_watched_where_not_all_may_be(admin: Access, operator: Access) -> None:
    mine = [await admin.namespace(name) for name in ("reflected-one", "reflected-two")]
    for namespace in mine:
        await admin.grant("operator", "reflected", ("", "configmaps", "list,watch"), namespace=namespace)
        await config_map(admin, namespace, f"in-{namespace}")
    await config_map(admin, await admin.namespace("reflected-three"), "elsewhere")
    async with running(Told(operator.api, namespaces=mine)) as told:
        await until(lambda: told.reflector.synced)
        assert {"in-reflected-one", "in-reflected-two"} == told.names
        await admin.delete(f"{CONFIG_MAPS.path('reflected-one')}/in-reflected-one")
        await until(lambda: told.names == {"in-reflected-two"})


def definition() -> dict[str, Any]:
    names = {"plural": "scaledthings", "singular": "scaledthing", "kind": "ScaledThing"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "scaledthings.reflector.test"},
        "spec": {"group": "reflector.test", "scope": "Namespaced", "names": names, "versions": [version]},
    }
