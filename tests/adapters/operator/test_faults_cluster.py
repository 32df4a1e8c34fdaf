"""A broker of two nodes that loses one: what lived there is unknown, and what did not is read as before."""

import asyncio

from qc_operator.brokers import QueueSource
from qc_operator.scaling.observation import Depth, Totals, Unknown
from tests.adapters.operator.conftest import Bench, SecretStore, filled
from tests.adapters.operator.keeper import REPLICAS
from tests.rabbitmq_node import RabbitMQNode, until
from tests.rabbitmq_vhost import Vhost


async def test_a_classic_queue_whose_node_is_down_is_not_missing(
    any_cluster: tuple[RabbitMQNode, RabbitMQNode], any_cluster_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    _, second = any_cluster
    secrets.put(any_cluster_vhost)
    there = reading.keep(filled(any_cluster_vhost.through(second), "there"))
    here = reading.keep(filled(any_cluster_vhost, "here"))
    await there.reads()
    await here.reads()

    second.settle_metadata()
    await asyncio.to_thread(second.kill)
    # 3.10 says so at once. 4.3.6 ends its own question after 64 s, by a 404 that speaks of a time-out.
    cause = "NodeDown" if second.release.version < (4,) else "DeclareTimeout"
    lost = await there.loses(cause)
    assert there.feed.problem is None
    await there.until(lambda seen: isinstance(seen.totals, Unknown))
    await here.until(lambda seen: isinstance(seen.depth, Depth) and seen.depth.at > lost.at + 1.0)
    await here.until(lambda seen: isinstance(seen.totals, Totals) and seen.totals.at > lost.at + 1.0)

    second.start(wait=False)
    await there.heals(after="the start of the node that was lost")

    assert there.held()
    assert here.held()


async def test_a_quorum_queue_that_has_lost_its_leader_is_unknown_though_it_reads_empty(
    any_cluster: tuple[RabbitMQNode, RabbitMQNode], any_cluster_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    _, second = any_cluster
    secrets.put(any_cluster_vhost)
    # The leader is where the queue was declared, and one of two members cannot elect another.
    keeper = reading.keep(filled(any_cluster_vhost.through(second), x_queue_type="quorum"))
    patterned = reading.keep_source(QueueSource(pattern="^orders$"))
    await keeper.reads()
    await patterned.reads()

    second.settle_quorum_queues()
    second.settle_metadata()
    await asyncio.to_thread(second.kill)
    lost = await keeper.loses("QueueWithoutLeader")
    assert "leaves it out" in lost.message
    # The list of totals leaves it out; a pattern does not take it for gone.
    await patterned.loses("QueueWithoutLeader")
    # Nor does one that sees the vhost for the first time, as after a restart of the operator.
    late = reading.open_sources(QueueSource(pattern="^orders$"))
    await reading.until_entry(
        late, lambda entry: ["QueueWithoutLeader"] == [getattr(queue.depth, "cause", "") for queue in entry.queues]
    )
    # The broker itself says that there is nothing in it, and no error.
    assert 0 == await asyncio.to_thread(any_cluster_vhost.ready, "orders")

    second.start(wait=False)
    await asyncio.gather(keeper.heals(after="the start of the other half"), patterned.heals(after="the same"))
    until(lambda: any_cluster_vhost.ready("orders") == REPLICAS, what="the queue has its leader again")

    assert keeper.held()
    assert patterned.held()
