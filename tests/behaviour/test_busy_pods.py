"""Before a step down the pods that hold no messages are made to go first, and nothing but that step waits for it."""

from qc_operator.scaling.deletion_costs import READY, Candidate
from qc_operator.scaling.holdings import Holding
from tests.behaviour.conftest import World

PODS = tuple(
    Candidate(name=name, stage=READY, owner="rs", addresses=(f"10.0.0.{number}",))
    for number, name in enumerate("abcdef")
)


async def at_work(world: World) -> None:
    """Six pods, of which b, d and e hold messages."""
    world.costs.pods = PODS
    world.target.set(6)
    await world.apply(minReplicas=6, maxReplicas=6)
    world.feeds[-1].holders = tuple(Holding(unacknowledged=1, host=f"10.0.0.{number}") for number in (1, 3, 4))
    await world.messages(0, 3)
    assert (0, []) == (world.costs.reads, world.target.writes)


async def test_idle_pods_stand_out_before_the_step_down_is_written(world: World) -> None:
    await at_work(world)
    world.costs.open.clear()
    await world.apply(generation=2, minReplicas=3, maxReplicas=3)
    assert [] == world.target.writes

    world.costs.open.set()
    await world.settle()

    assert [3] == world.target.writes
    assert {"a": -2, "c": -2, "f": -2} == world.costs.written
    assert 1 == world.costs.reads


async def test_while_it_waits_nothing_is_told_and_a_step_up_is_written_at_once(world: World) -> None:
    await at_work(world)
    world.costs.open.clear()
    told = len(world.statuses)
    await world.apply(generation=2, minReplicas=3, maxReplicas=3)
    await world.messages(0, 3, after=1.0)
    assert told == len(world.statuses)

    await world.apply(generation=3, minReplicas=8, maxReplicas=9)

    assert [8] == world.target.writes
    assert {} == world.costs.written


async def test_a_step_to_zero_asks_nobody(world: World) -> None:
    world.costs.pods = PODS
    world.target.set(6)
    await world.apply(annotations={"queueconsumer.dev/paused-replicas": "0"})
    await world.messages(0, 3)

    assert [0] == world.target.writes
    assert 0 == world.costs.reads


async def test_mode_observe_writes_to_no_pod(world: World) -> None:
    await at_work(world)
    await world.apply(generation=2, minReplicas=3, maxReplicas=3, mode="Observe")

    assert (0, []) == (world.costs.reads, world.target.writes)


async def test_a_closed_operator_writes_to_no_pod(world: World) -> None:
    await at_work(world)
    world.costs.open.clear()
    await world.apply(generation=2, minReplicas=3, maxReplicas=3)
    assert 1 == world.costs.reads

    world.reconciler.follow()
    world.costs.open.set()
    await world.settle()

    assert {} == world.costs.written
    assert [] == world.target.writes
