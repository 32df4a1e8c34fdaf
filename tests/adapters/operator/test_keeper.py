"""The keeper of the other tests would let replicas go for a single reading of an empty queue."""

import asyncio

from tests.adapters.operator.conftest import Bench, SecretStore, filled
from tests.rabbitmq_vhost import Vhost


async def test_a_queue_that_is_known_to_be_empty_lets_replicas_go(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    keeper = reading.keep(filled(any_vhost))
    await keeper.reads()
    assert keeper.held()

    await asyncio.to_thread(any_vhost.drain, "orders")
    await keeper.reads(0)

    await keeper.until(lambda _: keeper.lowest == 0)
