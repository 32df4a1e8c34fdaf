"""The promise of both helpers together: whatever dies when, each confirmed message is handled at least once."""

import contextlib
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qc_consumer.retry import rung_arguments
from qc_producer import Producer
from tests.adapters.consumer.conftest import Program
from tests.rabbitmq_node import RabbitMQNode, until
from tests.rabbitmq_vhost import Vhost

Programs = Callable[..., Program]

CONCURRENCY = 3

APP = """
import random, time

def handle(body, delivery):
    time.sleep(random.uniform(0, 0.02))
    with open("handled", "a") as file:
        file.write(f"{delivery.message_id} ")
    if random.random() < 0.1 and delivery.attempt < 3:
        raise ValueError("by chance")
"""


@contextlib.contextmanager
def stopping(event: threading.Event) -> Iterator[None]:
    """Set the event at the end, however it comes: the publisher must not outlive a test that failed."""
    try:
        yield
    finally:
        event.set()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_no_confirmed_message_is_lost_under_random_kills(
    own_rabbitmq: RabbitMQNode, own_vhost: Vhost, program: Programs, tmp_path: Path, queue_type: str
) -> None:
    seed = random.randrange(10**6)  # noqa: S311 - not a secret
    print(f"seed {seed}")  # noqa: T201 - shown if the test fails
    chance = random.Random(seed)  # noqa: S311 - not a secret
    own_vhost.declare("orders", x_queue_type=queue_type)
    with own_vhost.channel() as channel:
        channel.queue_declare("orders.retry.200ms", durable=True, arguments=rung_arguments("orders", 200))
    own_rabbitmq.settle_quorum_queues()
    own_rabbitmq.settle_metadata()
    folder = tmp_path / "shared"
    settings = {
        "CONSUMER_CONCURRENCY": str(CONCURRENCY),
        "CONSUMER_BACKOFF": "200ms",
        "CONSUMER_SHUTDOWN_TIMEOUT": "5",
    }

    def start() -> Program:
        return program(own_vhost, APP, folder=folder, **settings)

    confirmed: list[str] = []
    enough = threading.Event()

    def publish(producer: Producer) -> None:
        while not enough.wait(0.004):
            confirmed.append(producer.publish({"n": len(confirmed)}, "orders"))

    crowd = [start(), start()]
    faults: Counter[str] = Counter()
    with Producer(own_vhost.url, timeout=60) as producer, stopping(enough):
        publisher = threading.Thread(target=publish, args=[producer])
        publisher.start()
        for fault in chance.sample(["kill", "kill", "term", "cut", "broker"], 5):
            before = len(crowd[0].handled())
            until(lambda before=before: len(crowd[0].handled()) > before + 30, within=40, what="progress")  # type: ignore[misc]
            faults[fault] += 1
            victim = crowd[chance.randrange(2)]
            victim.until_logged("consuming from orders", within=40)  # not before it can be told to drain
            if fault == "kill":
                victim.process.kill()
            elif fault == "term":
                victim.terminate()
            elif fault == "cut":
                own_vhost.cut_connections()
            else:
                own_rabbitmq.kill()
                own_rabbitmq.start()
            if fault in {"kill", "term"}:
                code = victim.process.wait(15)
                assert fault == "kill" or code == 0
                crowd[crowd.index(victim)] = start()
        enough.set()
        publisher.join()

    until(lambda: set(confirmed) <= set(crowd[0].handled()), within=40, what="all confirmed messages handled")
    # The log of each consumer says what became of its deliveries; nothing may be left anywhere.
    until(lambda: own_vhost.counts("orders") == (0, 0), within=20, what="the queue is empty")
    until(lambda: own_vhost.counts("orders.retry.200ms") == (0, 0), within=20, what="the retry queue is empty")
    runs = Counter(crowd[0].handled())
    assert set(runs) == set(confirmed), "nothing that was not confirmed in the end"
    assert max(runs.values()) <= 3 + sum(faults.values())
