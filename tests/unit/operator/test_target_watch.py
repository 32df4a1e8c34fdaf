"""Who follows a target hears of what it must know at once, and a kind that nobody follows is watched no longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from qc_operator.cluster import kind_watch, target_watch
from qc_operator.cluster.client import KubernetesApi
from qc_operator.cluster.kinds import Kinds
from qc_operator.cluster.target_watch import FollowedTarget, TargetWatch
from qc_operator.resource import ScaleTargetRef
from tests.unit.operator.api_script import ApiScript, error, event, item, page, refusal

RECEIPTS = ScaleTargetRef(name="receipts")
ROLLOUT = ScaleTargetRef(api_version="argoproj.io/v1alpha1", kind="Rollout", name="receipts")


def receipts(replicas: int, version: int, *, running: int = 0, uid: str = "1") -> dict[str, Any]:
    return item("receipts", version=version, uid=uid, spec={"replicas": replicas}, status={"replicas": running})


class Live(ApiScript):
    """Its watch goes on, and shows what the test makes happen."""

    def __init__(self, *lists: Any) -> None:
        super().__init__(list(lists))
        self.events: asyncio.Queue[bytes] = asyncio.Queue()

    @asynccontextmanager
    async def stream(self, path: str, *, silence: float, accept: str = "") -> AsyncIterator[AsyncIterator[bytes]]:
        assert "watch=true" in path
        self.accepted.append(f"{accept} for {silence}")
        self.open += 1
        try:
            yield self._live()
        finally:
            self.open -= 1

    async def _live(self) -> AsyncIterator[bytes]:
        while True:
            yield await self.events.get()

    async def show(self, *events: bytes) -> None:
        for line in events:
            self.events.put_nowait(line)
        for _ in range(20):
            await asyncio.sleep(0)


class World:
    def __init__(self, *lists: Any, namespaces: tuple[str, ...] = ()) -> None:
        self.api = Live(*lists)
        api = cast("KubernetesApi", self.api)
        self.watch = TargetWatch(api=api, kinds=Kinds(api=api), namespaces=namespaces)
        self.woken = 0

    def follow(self, ref: ScaleTargetRef = RECEIPTS, *, namespace: str = "shop") -> FollowedTarget:
        return self.watch.follow(namespace=namespace, target=ref, notify=self._wake)

    def _wake(self) -> None:
        self.woken += 1


@asynccontextmanager
async def open_world(*lists: Any, **how: Any) -> AsyncIterator[World]:
    world = World(*lists, **how)
    yield world
    await world.watch.close()
    assert 0 == world.api.open


async def test_who_follows_is_woken_by_what_must_be_known_at_once() -> None:
    async with open_world(page(receipts(2, 5), version=5)) as world:
        followed = world.follow()
        assert (None, None, False) == (followed.version, followed.scale, followed.missing)
        await followed.settled()
        # The first list wakes nobody: whoever follows was waiting for it.
        assert (0, "5", True) == (world.woken, followed.version, followed.current)

        await world.api.show(event("MODIFIED", receipts(2, 6, running=2)))
        assert (0, 2) == (world.woken, followed.scale.running)
        await world.api.show(event("MODIFIED", receipts(3, 7, running=2)))
        assert (1, 3) == (world.woken, followed.scale.replicas)
        await world.api.show(event("DELETED", receipts(3, 8)))
        assert (2, True, None) == (world.woken, followed.missing, followed.scale)
        await world.api.show(event("ADDED", receipts(3, 9, uid="2")))
        assert (3, False, "2") == (world.woken, followed.missing, followed.scale.uid)
        await world.api.show(event("ADDED", item("other", version=10)))
        assert 3 == world.woken


async def test_a_target_that_is_followed_later_is_known_at_once() -> None:
    async with open_world(page(receipts(2, 5), item("other", version=4), version=5)) as world:
        await world.follow().settled()
        later = world.follow(ScaleTargetRef(name="other"))
        absent = world.follow(ScaleTargetRef(name="third"))

        assert ("4", False, None, True) == (later.version, later.missing, absent.version, absent.missing)
        assert 1 == len(world.api.asked)


async def test_two_may_follow_one_target_and_each_lets_go_for_itself() -> None:
    async with open_world(page(version=5)) as world:
        first, second = world.follow(), world.follow()
        await first.settled()
        await world.api.show(event("ADDED", receipts(2, 6)))
        assert 2 == world.woken
        first.close()
        first.close()
        await world.api.show(event("MODIFIED", receipts(3, 7)))
        assert (3, 3) == (world.woken, second.scale.replicas)


async def test_a_kind_that_nobody_follows_is_watched_for_a_while_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target_watch, "LINGER", 0.05)
    async with open_world(page(version=5), page(receipts(2, 6), version=6)) as world:
        followed = world.follow()
        await followed.settled()
        followed.close()
        again = world.follow()
        await asyncio.sleep(0.1)
        assert (1, True) == (world.api.open, again.missing)

        again.close()
        await asyncio.sleep(0.1)
        assert 0 == world.api.open
        anew = world.follow()
        await anew.settled()
        assert 2 == anew.scale.replicas


async def test_nothing_is_kept_of_what_is_gone() -> None:
    async with open_world(page(*[item(f"receipts-{number}") for number in range(100)], version=5)) as world:
        first = world.follow()
        await first.settled()
        following = [world.follow(ScaleTargetRef(name=f"receipts-{number}")) for number in range(100)]
        for number, followed in enumerate(following):
            await world.api.show(event("DELETED", item(f"receipts-{number}", version=number + 6)))
            followed.close()
        (watch,) = world.watch._watches.values()

        assert (0, 1) == (len(watch._seen), len(watch._followers))
        assert watch._reflector is not None
        assert 0 == len(watch._reflector._parts[""]._objects._uids)


async def test_namespaces_that_are_not_watched_tell_nothing() -> None:
    async with open_world(page(version=5), namespaces=("shop",)) as world:
        here, elsewhere = world.follow(), world.follow(namespace="bank")
        await here.settled()

        assert (True, False, None) == (here.missing, elsewhere.missing, elsewhere.version)


async def test_who_may_not_watch_waits_no_longer() -> None:
    async with open_world(refusal(403)) as world:
        followed = world.follow()
        await asyncio.wait_for(followed.settled(), 5)

        assert (None, False) == (followed.version, followed.missing)
        assert followed.problem is not None
        assert followed.problem.endswith("; until then each target of this kind is read every few seconds")


async def test_a_server_in_trouble_is_waited_for_and_then_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind_watch, "SETTLING", 0.3)
    async with open_world(refusal(429, retry_after=60.0)) as world:
        followed = world.follow()
        waiting = asyncio.create_task(followed.settled())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await asyncio.wait_for(waiting, 5)
        assert (None, False, None) == (followed.version, followed.missing, followed.problem)


async def test_what_was_known_counts_on_while_everything_is_listed_again() -> None:
    async with open_world(page(receipts(2, 5), version=5), refusal(503, retry_after=60.0)) as world:
        followed = world.follow()
        await followed.settled()
        await world.api.show(error(410, "Expired"))

        assert ("5", 2, False) == (followed.version, followed.scale.replicas, followed.current)


async def test_of_a_custom_kind_the_version_is_shown_and_each_one_wakes() -> None:
    resources = b"""{"resources": [{"name": "rollouts", "kind": "Rollout"}, {"name": "rollouts/scale", "kind": ""}]}"""
    async with open_world(resources, page(receipts(2, 5), version=5)) as world:
        followed = world.follow(ROLLOUT)
        await followed.settled()
        assert ("5", None, False) == (followed.version, followed.scale, followed.missing)
        assert "PartialObjectMetadataList" in world.api.accepted[1]
        fields = [{"manager": "argo", "time": "2026-11-27T12:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]
        await world.api.show(event("MODIFIED", receipts(2, 6) | item("receipts", version=6, uid="1")))
        await world.api.show(
            event("MODIFIED", item("receipts", version=7, uid="1", metadata={"managedFields": fields}))
        )
        assert (2, "7", "argo") == (world.woken, followed.version, followed.writer)


async def test_a_kind_that_nobody_serves_is_said() -> None:
    async with open_world(b'{"resources": []}') as world:
        followed = world.follow(ROLLOUT)
        await asyncio.wait_for(followed.settled(), 5)

        assert "the API server knows no Rollout in argoproj.io/v1alpha1 with a scale subresource" == followed.problem
        assert (None, False) == (followed.version, followed.missing)
