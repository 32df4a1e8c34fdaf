"""A queue whose process does not answer: it alone is unknown, the others are read as before."""

import asyncio
import time

from qc_operator.scaling.observation import Depth, Totals, Unknown
from tests.adapters.operator.conftest import Bench, SecretStore, filled
from tests.adapters.operator.keeper import REPLICAS
from tests.adapters.operator.queue_processes import suspended
from tests.rabbitmq_vhost import Vhost


async def test_a_stuck_queue_is_unknown_and_its_late_answer_heals_it(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    others = [any_vhost.declare(f"other-{number}") for number in range(20)]
    keeper = reading.keep(filled(any_vhost))
    await keeper.reads()
    feeds = [reading.open(other) for other in others]
    for feed in feeds:
        await reading.until(feed, lambda seen: isinstance(seen.depth, Depth))

    async with suspended(any_vhost, "orders"):
        lost = await keeper.loses("DeclareTimeout")
        where = f"broker {any_vhost.host}:{any_vhost.port}, vhost {any_vhost.vhost}"
        assert f"{where}: no answer to a passive declare within 0.5 s; its process is stuck, or the broker is" == (
            lost.message
        )
        assert keeper.feed.problem is None
        for feed in feeds:
            await reading.until(feed, lambda seen: isinstance(seen.depth, Depth) and seen.depth.at > lost.at + 1.0)
        # It is asked again and again, and holds up one channel.
        assert isinstance(keeper.seen.depth, Unknown)
        resumed_at = time.monotonic()
    # The command that lets it go on takes half a second; the answer comes in the midst of it.
    await keeper.heals(after=f"{time.monotonic() - resumed_at:.1f} s of rabbitmqctl")

    assert keeper.held()


async def test_several_stuck_queues_hold_up_no_other(any_vhost: Vhost, reading: Bench, secrets: SecretStore) -> None:
    secrets.put(any_vhost)
    stuck = [filled(any_vhost, f"stuck-{number}") for number in range(6)]
    keepers = [reading.keep(queue) for queue in stuck]
    fine = reading.keep(filled(any_vhost))
    for keeper in (*keepers, fine):
        await keeper.reads()

    async with suspended(any_vhost, *stuck):
        for keeper in keepers:
            await keeper.loses("DeclareTimeout")
        at = asyncio.get_running_loop().time()
        await fine.until(lambda seen: isinstance(seen.depth, Depth) and seen.depth.at > at + 1.0)
    await asyncio.gather(*(keeper.heals(after=f"{keeper.seen.name} was stuck") for keeper in keepers))
    for keeper in (*keepers, fine):
        assert keeper.held()


async def test_a_quorum_queue_whose_leader_is_stuck_reads_empty_and_lets_nothing_go(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    keeper = reading.keep(filled(any_vhost, x_queue_type="quorum"))
    await keeper.reads()

    async with suspended(any_vhost, "orders"):
        # The broker gives up its own question after 250 ms and says (0, 0); its totals are those of the last tick.
        await keeper.until(lambda seen: not isinstance(seen.depth, Depth) or seen.depth.ready == 0)
        at = asyncio.get_running_loop().time()
        await keeper.until(lambda seen: seen.depth.at > at + 2.0)
        assert not isinstance(keeper.seen.depth, Depth) or keeper.seen.depth.ready == 0
    await keeper.heals(after="the leader was stuck")

    assert keeper.held()


async def test_a_leader_that_is_stuck_before_its_counts_are_told_lets_nothing_go(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    """Both lanes say that the queue is empty: the fast one for want of an answer, the slow one as of the last tick."""
    secrets.put(any_vhost)
    orders = reading.open(any_vhost.declare("orders", x_queue_type="quorum"))
    await reading.until(orders, lambda seen: isinstance(seen.totals, Totals))

    async with suspended(any_vhost, "orders"):
        await reading.until(orders, lambda seen: getattr(seen.totals, "cause", "") == "LeaderSilent")
        keeper = reading.keep("orders")
        at = asyncio.get_running_loop().time()
        await keeper.until(lambda seen: seen.depth.at > at + 3.0)
        assert keeper.held()
        assert 0 == keeper.seen.depth.ready
    # Then it is believed to be empty.
    await keeper.until(lambda _: keeper.lowest < REPLICAS)
