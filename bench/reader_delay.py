"""How long from a confirmed message to the call that wakes the QueueConsumer with the new reading.

Messages come at random moments, each to an empty queue that had none before. Publisher and reader are two processes
that share one monotonic clock.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Mapping

import pika

from bench.failure import BenchError
from bench.reader_broker import queue_name
from bench.reader_child import Child
from tests.rabbitmq_vhost import Vhost

MEAN_GAP_SECONDS = 0.02
"""Between two messages: random and not a round part of any interval, so that none is in step with the readings."""
LAST_WITHIN_SECONDS = 2.0


def delays(subject: Child, *, vhosts: Mapping[str, Vhost], queues: int, messages: int) -> list[float]:
    """Publish to so many of the queues, and give the seconds until each was told of, in no order.

    `vhosts` are those behind the Secrets of these names, each with so many queues that are read. They are empty
    again afterwards. Raises BenchError when a message is not told of.
    """
    chosen = random.sample([(secret, number) for secret in vhosts for number in range(queues)], messages)
    confirmed: dict[str, float] = {}
    with contextlib.ExitStack() as stack:
        channels = {secret: stack.enter_context(vhost.channel()) for secret, vhost in vhosts.items()}
        for channel in channels.values():
            channel.confirm_delivery()
        subject.ask("listen", keys=[f"{secret}/{queue_name(number)}" for secret, number in chosen])
        for secret, number in chosen:
            time.sleep(random.expovariate(1 / MEAN_GAP_SECONDS))
            # Not persistent: such a message is confirmed soonest after it can be read.
            properties = pika.BasicProperties(delivery_mode=1)
            channels[secret].basic_publish("", queue_name(number), b"x", properties, mandatory=True)
            confirmed[f"{secret}/{queue_name(number)}"] = time.monotonic()
        time.sleep(LAST_WITHIN_SECONDS)
        heard = subject.ask("heard")
        for secret, number in chosen:
            channels[secret].queue_purge(queue_name(number))
    if missed := len(confirmed.keys() - heard.keys()):
        raise BenchError(f"{missed} of {messages} messages were not told of within {LAST_WITHIN_SECONDS:.0f} s")
    # A reading may come between the message's arrival and its confirm: that took no time.
    return [max(0.0, heard[key] - at) for key, at in confirmed.items()]
