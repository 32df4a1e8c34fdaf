"""A queue's process inside of the broker, which a test may hold up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.rabbitmq_vhost import Vhost

_WITH_THE_PROCESSES = """
[begin
  {{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"{vhost}">>, queue, Name)),
  {what}(amqqueue:get_pid(Q))
end || Name <- [{names}]].
"""


@asynccontextmanager
async def suspended(vhost: Vhost, *queues: str) -> AsyncIterator[None]:
    """Hold up the queues' processes, of quorum queues their leaders, for the block. Half a second each way."""
    names = ", ".join(f'<<"{queue}">>' for queue in queues)
    suspend, resume = (
        _WITH_THE_PROCESSES.format(vhost=vhost.vhost, names=names, what=what) for what in ("sys:suspend", "sys:resume")
    )
    await asyncio.to_thread(vhost.node.ctl, "eval", suspend)
    try:
        yield
    finally:
        await asyncio.to_thread(vhost.node.ctl, "eval", resume)
