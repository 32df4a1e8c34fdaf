"""What a target's scale is: what the watch shows, unless we know something later, and read only where neither tells."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from qc_operator.cluster import OUR_WRITER, Scale
from qc_operator.cluster.client import ApiError
from qc_operator.resource import ScaleTargetRef
from qc_operator.scaling.pods import Pods
from qc_operator.target import Target
from qc_operator.target_pods import TargetPods

REF = ScaleTargetRef(name="receipts")


def shown(replicas: int, version: str, *, writer: str = "kubectl", uid: str = "1") -> Scale:
    return Scale(replicas=replicas, running=replicas, resource_version=version, uid=uid, writer=writer)


@dataclass
class World:
    """An API server, what a watch shows of it, and a target."""

    there: Scale = field(default_factory=lambda: shown(2, "10"))
    version: str | None = "10"
    scale: Scale | None = field(default_factory=lambda: shown(2, "10"))
    writer: str = "kubectl"
    current: bool = True
    missing: bool = False
    problem: str | None = None
    requests: list[str] = field(default_factory=list)
    refuse: ApiError | None = None
    closed: bool = False
    waited: int = 0

    def __post_init__(self) -> None:
        self.target = Target(scales=self, namespace="shop", ref=REF, max_age=5.0, watch=self)

    # The watch

    def follow(self, *, namespace: str, target: ScaleTargetRef, notify: object) -> "World":
        assert ("shop", REF, True) == (namespace, target, callable(notify))
        return self

    async def settled(self) -> None:
        self.waited += 1

    def close(self) -> None:
        self.closed = True

    def show(self, scale: Scale, *, custom: bool = False) -> None:
        self.version, self.scale = scale.resource_version, None if custom else scale
        self.writer = scale.writer

    # The API server

    async def read(self, *, namespace: str, target: ScaleTargetRef) -> Scale:
        assert ("shop", REF) == (namespace, target)
        self.requests.append("GET")
        there = self.there
        return Scale(
            replicas=there.replicas, running=there.running, resource_version=there.resource_version, uid=there.uid
        )

    async def write(self, *, namespace: str, target: ScaleTargetRef, replicas: int, resource_version: str) -> Scale:
        assert ("shop", REF) == (namespace, target)
        self.requests.append(f"PATCH {replicas} if {resource_version}")
        if self.refuse:
            raise self.refuse
        self.there = shown(replicas, str(int(self.there.resource_version) + 1), writer=OUR_WRITER)
        return self.there

    async def see(self, *, now: float = 0.0) -> Scale:
        return await self.target.scale(now=now)


@pytest.fixture
def world() -> World:
    return World()


async def test_what_the_watch_shows_is_taken_however_long_ago_it_changed(world: World) -> None:
    for turn in range(100):
        assert world.scale is await world.see(now=60.0 * turn)
    world.show(shown(7, "12"))
    assert 7 == (await world.see(now=0.0)).replicas

    assert [] == world.requests


async def test_what_we_wrote_counts_until_the_watch_has_shown_it(world: World) -> None:
    written = await world.target.ask(5, known=await world.see(), now=0.0)
    assert (5, "11") == (written.replicas, written.resource_version)
    # Older states, in whatever order and however late.
    for late in (shown(2, "10"), shown(2, "9"), shown(2, "10")):
        world.show(late)
        assert written is await world.see(now=600.0)
    world.show(shown(5, "11", writer=OUR_WRITER))
    assert world.scale is await world.see(now=600.0)
    # Then everything is news.
    world.show(shown(1, "12"))
    assert 1 == (await world.see(now=600.0)).replicas
    world.show(shown(0, "9"))
    assert 0 == (await world.see(now=600.0)).replicas

    assert ["PATCH 5 if 10"] == world.requests


async def test_what_somebody_wrote_after_us_counts_though_our_own_was_never_shown(world: World) -> None:
    await world.target.ask(5, known=await world.see(), now=0.0)
    world.show(shown(3, "100"))

    assert 3 == (await world.see(now=0.0)).replicas
    assert 1 == len(world.requests)


async def test_versions_compare_as_numbers_and_not_as_text(world: World) -> None:
    world.there = shown(2, "99")
    world.show(shown(2, "99"))
    written = await world.target.ask(5, known=await world.see(), now=0.0)
    assert "100" == written.resource_version

    assert written is await world.see(now=60.0)


async def test_versions_that_are_no_numbers_are_waited_for_as_long_as_a_reading_holds(world: World) -> None:
    world.there = shown(2, "10")
    known = await world.see()
    written = await world.target.ask(5, known=known, now=100.0)
    world.show(shown(2, "a7"))
    assert written is await world.see(now=104.9)
    assert ["PATCH 5 if 10"] == world.requests
    # It may be older or newer: only the API server knows.
    await world.see(now=105.1)
    assert "GET" == world.requests[-1]
    world.there = shown(5, "a8")
    world.show(shown(5, "a8"))
    assert 5 == (await world.see(now=106.0)).replicas


async def test_after_a_conflict_the_scale_is_read_once(world: World) -> None:
    known = await world.see()
    world.there = shown(7, "14")
    world.refuse = ApiError(status=409, reason="Conflict", message="modified")
    with pytest.raises(ApiError):
        await world.target.ask(5, known=known, now=0.0)

    for _ in range(3):
        assert 7 == (await world.see(now=600.0)).replicas
    world.show(shown(7, "14"))
    assert "kubectl" == (await world.see(now=600.0)).writer
    assert ["PATCH 5 if 10", "GET"] == world.requests


async def test_after_a_write_without_an_answer_the_watch_tells_what_became_of_it(world: World) -> None:
    known = await world.see()
    world.refuse = ApiError(status=0, reason="Unreachable", message="timed out")
    with pytest.raises(ApiError):
        await world.target.ask(5, known=known, now=0.0)

    assert 2 == (await world.see(now=1.0)).replicas
    world.show(shown(5, "11", writer=OUR_WRITER))
    assert 5 == (await world.see(now=1.0)).replicas
    assert 1 == len(world.requests)


async def test_a_target_that_is_not_there_is_known_without_a_request(world: World) -> None:
    await world.target.ask(5, known=await world.see(), now=0.0)
    world.missing, world.version, world.scale = True, None, None
    with pytest.raises(ApiError, match=r'^Deployment "receipts" not found in namespace shop$') as raised:
        await world.see()
    assert raised.value.not_found

    # Made anew: nothing of what was known of the old one counts.
    world.missing = False
    world.show(shown(1, "3", uid="2"))
    assert ("2", 1) == ((await world.see()).uid, (await world.see()).replicas)
    assert 1 == len(world.requests)


async def test_while_the_watch_cannot_tell_the_scale_is_read_when_it_is_old(world: World) -> None:
    world.version, world.scale, world.problem = None, None, "the operator may not watch deployments"
    for now in (0.0, 1.0, 5.0, 5.1, 10.0, 10.2):
        await world.see(now=now)

    assert ["GET"] * 3 == world.requests
    assert "the operator may not watch deployments" == world.target.watch_problem
    # A spec that has changed is reason enough.
    world.target.forget()
    await world.see(now=10.3)
    assert 4 == len(world.requests)


async def test_a_kind_whose_scale_is_not_shown_is_read_at_each_new_version(world: World) -> None:
    world.show(shown(2, "10"), custom=True)
    for turn in range(50):
        scale = await world.see(now=10.0 * turn)
        assert (2, "kubectl") == (scale.replicas, scale.writer)
    assert ["GET"] == world.requests

    world.there = shown(4, "11", writer="argo")
    world.show(world.there, custom=True)
    assert (4, "argo") == ((await world.see()).replicas, (await world.see()).writer)
    assert ["GET"] * 2 == world.requests

    # Our own write is such a version, and known.
    await world.target.ask(6, known=await world.see(), now=0.0)
    assert 6 == (await world.see(now=60.0)).replicas
    world.show(world.there, custom=True)
    assert (6, OUR_WRITER) == ((await world.see(now=60.0)).replicas, (await world.see()).writer)
    assert ["GET", "GET", "PATCH 6 if 11"] == world.requests


async def test_what_is_known_is_not_older_than_the_watch_when_pods_are_judged_by_it(world: World) -> None:
    await world.see(now=50.0)
    assert 50.0 == world.target._scale_at
    # The API server is away: what was shown counts, and is as old as it is.
    world.current = False
    await world.see(now=55.0)
    assert 50.0 == world.target._scale_at
    world.version, world.scale = None, None
    await world.see(now=60.0)
    await world.see(now=64.0)
    assert 60.0 == world.target._scale_at


async def test_pods_at_rest_are_as_good_as_new_at_every_turn_as_long_as_the_api_server_is_there(world: World) -> None:
    pods = Pods(ready=2, at=0.0)

    class Reader:
        async def read(self, *, namespace: str, selector: str) -> Pods:
            world.requests.append(f"LIST {selector} in {namespace}")
            return pods

    seen = TargetPods(reader=Reader(), namespace="shop", notify=lambda: None)
    world.target = Target(scales=world, namespace="shop", ref=REF, max_age=5.0, watch=world, pods=seen)
    world.show(replace(shown(2, "10"), selector="app=receipts"))
    for now in (0.0, 1.0, 100.0):
        await world.see(now=now)
        known = world.target.pods(now=now)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert Pods(ready=2, at=100.0) == known
    world.current = False
    await world.see(now=200.0)
    assert known == world.target.pods(now=200.0)
    world.target.close()
    assert ["LIST app=receipts in shop"] == world.requests


async def test_closing_lets_the_target_go(world: World) -> None:
    world.target.close()

    assert world.closed
