"""A target's pods are read beside its turns: none waits for them, and each takes what is known."""

import asyncio
from dataclasses import dataclass, field

import pytest

from qc_operator.cluster import Scale
from qc_operator.cluster.client import ApiError
from qc_operator.resource import ScaleTargetRef
from qc_operator.scaling.pods import Pods
from qc_operator.target import Target
from qc_operator.target_pods import TargetPods

FORBIDDEN = ApiError(status=403, reason="Forbidden", message='cannot list resource "pods"')
AWAY = ApiError(status=503, reason="ServiceUnavailable", message="etcdserver: leader changed")
WRONG = ApiError(status=400, reason="BadRequest", message="unable to parse requirement")


@dataclass
class World:
    """A scale, pods to be read once the test lets them, and turns."""

    replicas: int = 2
    running: int = 2
    selector: str = "app=receipts"
    pods: Pods | ApiError | Exception = field(default_factory=lambda: Pods(ready=2, at=1000.0))
    open: asyncio.Event = field(default_factory=asyncio.Event)
    read_with: list[str] = field(default_factory=list)
    ended: int = 0
    woken: int = 0
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.open.set()
        self.seen = TargetPods(reader=self.Reader(self), namespace="shop", notify=self.wake)
        self.target = self.make_target()

    def make_target(self) -> Target:
        ref = ScaleTargetRef(name="receipts")
        return Target(scales=self, namespace="shop", ref=ref, max_age=5.0, pods=self.seen)

    def wake(self) -> None:
        self.woken += 1

    @dataclass
    class Reader:
        world: "World"

        async def read(self, *, namespace: str, selector: str) -> Pods:
            assert namespace == "shop"
            self.world.read_with.append(selector)
            try:
                await self.world.open.wait()
            finally:
                self.world.ended += 1
            if isinstance(self.world.pods, Exception):
                raise self.world.pods
            return self.world.pods

    async def read(self, *, namespace: str, target: ScaleTargetRef) -> Scale:
        assert ("shop", "receipts") == (namespace, target.name)
        return Scale(replicas=self.replicas, running=self.running, resource_version="1", selector=self.selector)

    async def write(self, *, namespace: str, target: ScaleTargetRef, replicas: int, resource_version: str) -> Scale:
        assert resource_version == "1"
        self.replicas = replicas
        return await self.read(namespace=namespace, target=target)

    async def turn(self, *, after: float = 0.0) -> Pods | None:
        """A turn, and what is under way beside it for a moment."""
        self.now += after
        await self.target.scale(now=self.now)
        pods = self.target.pods(now=self.now)
        for _ in range(10):
            await asyncio.sleep(0)
        return pods

    async def ask(self, replicas: int) -> None:
        await self.target.ask(replicas, known=await self.target.scale(now=self.now), now=self.now)


@pytest.fixture
def world() -> World:
    return World()


async def test_a_turn_takes_what_is_known_and_a_reading_wakes_the_next(world: World) -> None:
    assert await world.turn() is None
    assert (["app=receipts"], 1) == (world.read_with, world.woken)

    assert world.pods is await world.turn()


async def test_a_target_at_rest_is_read_once_and_wakes_nobody(world: World) -> None:
    for _ in range(600):
        await world.turn(after=1.0)

    assert (1, 1) == (len(world.read_with), world.woken)


async def test_a_slow_reading_holds_up_no_turn_and_is_not_begun_twice(world: World) -> None:
    world.open.clear()
    for _ in range(20):
        assert await world.turn(after=2.0) is None
    await world.ask(5)
    assert 5 == (await world.target.scale(now=world.now)).replicas
    assert 1 == len(world.read_with)

    world.open.set()
    await world.turn()
    assert world.pods is await world.turn()


async def test_our_own_scale_up_has_the_pods_read(world: World) -> None:
    await world.turn()
    await world.turn(after=60.0)
    await world.ask(5)
    assert 1 == len(world.read_with)

    world.pods = Pods(ready=2, starting=(1060.0,) * 3, at=1061.0)
    await world.turn(after=1.0)
    await world.turn(after=2.0)
    world.pods, world.running = Pods(ready=5, at=1065.0), 5
    for _ in range(600):
        await world.turn(after=2.0)

    assert 4 == len(world.read_with)


async def test_pods_at_rest_are_as_good_as_new_each_time_that_the_scale_is_read(world: World) -> None:
    world.pods = Pods(ready=2, unschedulable=0, at=1000.0)
    await world.turn()
    assert world.pods is await world.turn(after=3.0)
    later = await world.turn(after=4.0)
    assert Pods(ready=2, at=1007.0) == later
    assert later is await world.turn(after=5.0)

    # One pod is missing: what was known of the others is as old as it is, until they are looked at again.
    world.running, world.pods = 1, Pods(ready=1, starting=(1013.0,), at=1013.0)
    assert later is await world.turn(after=1.0)
    assert world.pods is await world.turn()
    world.running = 2
    assert world.pods is await world.turn(after=7.0)


async def test_pods_that_nothing_confirms_grow_old(world: World) -> None:
    """Those of a custom kind that does not tell its status.replicas."""
    world.running = 0
    world.pods = Pods(ready=2, at=1000.0)
    for _ in range(100):
        await world.turn(after=2.0)

    assert world.pods is await world.turn()
    assert 2 == len(world.read_with)


async def test_a_kind_that_tells_no_selector_has_pods_that_are_not_known(world: World) -> None:
    world.selector = ""
    for _ in range(10):
        assert await world.turn(after=10.0) is None

    assert ([], None) == (world.read_with, world.seen.problem)


async def test_pods_that_may_not_be_listed_are_not_known_and_that_is_told(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.turn()
    world.pods = FORBIDDEN
    await world.ask(5)
    for _ in range(600):
        await world.turn(after=1.0)

    assert await world.turn() is None
    assert (
        "the operator may not list pods in namespace shop, so it decides without knowing which of them start or find "
        "no node; grant its ServiceAccount list on pods, as the chart does"
    ) == world.target.pods_problem
    # 5, 10, 20 ... 300 s apart; and the reader logs it, for all targets.
    assert 7 == len(world.read_with) - 1
    assert [] == caplog.records

    world.pods = Pods(ready=5, at=world.now + 600)
    for _ in range(300):
        await world.turn(after=1.0)
    assert world.pods is await world.turn()
    assert not world.target.pods_problem


async def test_a_trouble_that_passes_leaves_what_is_known_and_is_logged_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.turn()
    before = await world.turn()
    world.pods = AWAY
    await world.ask(5)
    for _ in range(600):
        await world.turn(after=1.0)

    assert before is await world.turn()
    assert world.seen.problem is None
    assert ["the pods app=receipts in namespace shop were not read: etcdserver: leader changed"] == caplog.messages
    assert len(world.read_with) <= 1 + 3 + 600 / 30 + 1


async def test_a_refusal_of_another_kind_is_told_too(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.turn()
    world.pods = WRONG
    await world.ask(3)
    await world.turn(after=2.0)

    assert "the pods of the target could not be read: unable to parse requirement" == world.seen.problem
    assert await world.turn() is None
    assert 1 == len(caplog.records)


async def test_a_mistake_of_ours_ends_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.pods = RuntimeError("broken")
    await world.turn()
    assert ["the pods app=receipts in namespace shop were not read"] == caplog.messages

    world.pods = Pods(ready=2, at=1005.0)
    await world.turn(after=4.0)
    assert 1 == len(world.read_with)
    await world.turn(after=1.0)
    assert world.pods is await world.turn()


async def test_pods_of_another_selector_are_other_pods(world: World) -> None:
    await world.turn()
    await world.turn()
    world.open.clear()
    world.selector = "app=invoices"

    assert await world.turn(after=6.0) is None
    assert ["app=receipts", "app=invoices"] == world.read_with
    world.selector = "app=receipts"
    await world.turn(after=6.0)
    # What is under way for a selector that is gone is given up.
    assert (3, 2) == (len(world.read_with), world.ended)


async def test_what_is_known_outlives_a_change_of_the_spec(world: World) -> None:
    await world.turn()
    world.target = world.make_target()

    assert world.pods is await world.turn()
    assert 1 == len(world.read_with)


async def test_closing_ends_what_is_under_way_and_wakes_nobody(world: World) -> None:
    world.open.clear()
    await world.turn()
    world.target.close()
    for _ in range(10):
        await asyncio.sleep(0)

    assert (1, 0) == (world.ended, world.woken)
    # A turn that was under way may still write, and follow what it wrote.
    await world.ask(5)
    await world.turn(after=9.0)
    assert 1 == len(world.read_with)


async def test_a_target_whose_pods_nobody_wants_reads_none() -> None:
    world = World()
    world.target = Target(scales=world, namespace="shop", ref=ScaleTargetRef(name="receipts"), max_age=5.0)
    await world.ask(5)

    assert await world.turn(after=60.0) is None
    assert ([], None) == (world.read_with, world.target.pods_problem)
    world.target.close()
