import asyncio
import ctypes
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pika
import pytest

from qc_consumer import Consumer, Delivery
from tests.adapters.consumer.conftest import Program
from tests.rabbitmq_node import until
from tests.rabbitmq_vhost import Vhost

Consumers = Callable[..., Consumer]
Programs = Callable[..., Program]

NOTING = """
import os, time

def handle(body, delivery):
    time.sleep(body["seconds"])
    with open("handled", "a") as file:
        file.write(f"{delivery.message_id} ")
"""

HELD = """
import os, time

def handle(body, delivery):
    while not os.path.exists("go-on"):
        time.sleep(0.02)
    with open("handled", "a") as file:
        file.write(f"{delivery.message_id} ")
"""


def publish(vhost: Vhost, count: int, *, seconds: float) -> list[str]:
    ids = [f"m-{number}" for number in range(count)]
    with vhost.channel() as channel:
        for message_id in ids:
            properties = pika.BasicProperties(message_id=message_id, content_type="application/json", delivery_mode=2)
            channel.basic_publish("", "orders", f'{{"seconds": {seconds}}}'.encode(), properties)
    until(lambda: sum(vhost.counts("orders")) > 0, what="messages in the queue")
    return ids


def test_sigterm_under_load_finishes_what_runs_and_leaves_the_rest_untouched(vhost: Vhost, program: Programs) -> None:
    vhost.declare("orders")
    ids = publish(vhost, 60, seconds=0.2)
    running = program(vhost, NOTING, CONSUMER_CONCURRENCY="4")
    until(lambda: len(running.handled()) >= 10, what="ten handled", within=15)
    running.terminate()

    assert running.process.wait(10) == 0
    handled = running.handled()
    assert sorted(running.outcomes("acked")) == sorted(handled)
    left = vhost.drain("orders")
    # Every message is either done or back in the queue, none is both, none is gone.
    assert sorted(handled + [properties.message_id for _, properties, _ in left]) == sorted(ids)
    # Concurrency is the prefetch, so nothing had to be given back but what crossed the cancel on the wire.
    assert sum(method.redelivered for method, _, _ in left) == len(running.outcomes("returned"))
    assert "drained, goodbye" in running.raw_log


def test_what_was_prefetched_and_not_started_is_given_back_at_once(vhost: Vhost, program: Programs) -> None:
    vhost.declare("orders")
    publish(vhost, 20, seconds=0)
    running = program(vhost, HELD, CONSUMER_CONCURRENCY="2", CONSUMER_PREFETCH="10")
    until(lambda: vhost.counts("orders") == (10, 10), what="ten prefetched", within=15)
    running.terminate()

    until(lambda: vhost.counts("orders") == (18, 2), what="eight given back while two still run")
    (running.folder / "go-on").touch()
    assert running.process.wait(10) == 0
    assert len(running.handled()) == 2
    until(lambda: vhost.counts("orders") == (18, 0), what="the two acknowledged")
    assert len(running.outcomes("returned")) == 8


def test_a_handler_beyond_the_deadline_is_given_up_and_its_message_given_back(vhost: Vhost, program: Programs) -> None:
    vhost.declare("orders")
    publish(vhost, 1, seconds=60)
    running = program(vhost, NOTING, CONSUMER_SHUTDOWN_TIMEOUT="1")
    until(lambda: vhost.counts("orders") == (0, 1), what="running", within=15)
    started = time.monotonic()
    running.terminate()

    assert running.process.wait(10) == 0
    assert time.monotonic() - started > 0.9
    until(lambda: vhost.counts("orders") == (1, 0), what="given back")
    assert running.handled() == []


def test_a_second_signal_ends_it_now(vhost: Vhost, program: Programs) -> None:
    vhost.declare("orders")
    publish(vhost, 1, seconds=60)
    running = program(vhost, NOTING, CONSUMER_SHUTDOWN_TIMEOUT="50")
    until(lambda: vhost.counts("orders") == (0, 1), what="running", within=15)
    running.terminate()
    running.until_logged("draining: 1 running")
    running.process.send_signal(signal.SIGINT)

    assert running.process.wait(10) == 0
    until(lambda: vhost.counts("orders") == (1, 0), what="given back")


def test_async_handlers_are_cancelled_at_the_deadline(vhost: Vhost, consumers: Consumers) -> None:
    vhost.declare("orders")
    vhost.publish("orders", [b"1"])
    ended: list[str] = []

    async def handle(_body: object) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    consumer = consumers(vhost, handle, shutdown_timeout=0.3)
    until(lambda: vhost.counts("orders") == (0, 1), what="running")
    consumer.stop()

    assert consumer.wait(5)
    assert ended == ["cancelled"]
    assert not consumer.stuck
    until(lambda: vhost.counts("orders") == (1, 0), what="given back")


def test_a_long_handler_is_told_that_the_pod_is_going(vhost: Vhost, consumers: Consumers) -> None:
    vhost.declare("orders")
    vhost.publish("orders", [b"1"])
    begun = threading.Event()

    def handle(_body: object, delivery: Delivery) -> None:
        begun.set()
        until(lambda: delivery.stopping, what="told to stop")

    consumer = consumers(vhost, handle)
    assert begun.wait(10)
    consumer.stop()
    assert consumer.wait(5)
    until(lambda: vhost.counts("orders") == (0, 0), what="acknowledged")


def test_publishes_of_the_last_handlers_are_confirmed_before_the_end(vhost: Vhost, consumers: Consumers) -> None:
    vhost.declare("orders")
    vhost.declare("shipped")
    vhost.publish("orders", [b"1"] * 8)
    begun, go_on = threading.Barrier(9), threading.Event()

    def handle(body: object, delivery: Delivery) -> None:
        begun.wait(10)
        assert go_on.wait(10)
        delivery.publish(body, "shipped")

    consumer = consumers(vhost, handle, concurrency=8)
    begun.wait(10)
    consumer.stop()
    go_on.set()
    assert consumer.wait(5)
    assert vhost.ready("shipped") == 8
    until(lambda: vhost.counts("orders") == (0, 0), what="acknowledged")


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_deliveries_that_cross_the_cancel_on_the_wire_are_given_back_and_never_rejected(
    vhost: Vhost, consumers: Consumers, queue_type: str
) -> None:
    vhost.declare("orders", x_queue_type=queue_type)
    vhost.publish("orders", [b"1"] * 400)
    consumer = consumers(vhost, lambda _body: None, prefetch=50)
    until(lambda: vhost.ready("orders") < 380, what="in the middle of the stream")
    rejected: list[int] = []
    channel = consumer._consuming._channel
    channel.basic_reject = lambda tag, requeue=True: rejected.append(tag)  # noqa: ARG005 - pika's own signature
    consumer.stop()
    assert consumer.wait(5)

    assert rejected == []
    acked = consumer.metrics.registry.get_sample_value(
        "queue_consumer_messages_total", {"queue": "orders", "outcome": "acked"}
    )
    assert acked is not None
    # The broker confirms the connection's end before a quorum queue has noticed the end of its consumer.
    until(lambda: vhost.consumers("orders") == 0, what="the queue has taken in all that came")
    assert acked + vhost.ready("orders") == 400


def test_what_many_handlers_acknowledge_at_the_very_end_stays_acknowledged(vhost: Vhost, consumers: Consumers) -> None:
    """A quorum queue's channel keeps to itself what exceeds 33 at once, and would forget it at the end (`intake`)."""
    vhost.declare("orders", x_queue_type="quorum")
    vhost.publish("orders", [b"1"] * 100)
    loops: list[asyncio.AbstractEventLoop] = []
    go_on = asyncio.Event()

    async def handle(_body: object) -> None:
        loops.append(asyncio.get_running_loop())
        await go_on.wait()

    consumer = consumers(vhost, handle, concurrency=100)
    until(lambda: len(loops) == 100, what="all running")
    consumer.stop()
    until(lambda: consumer._consuming.quiet, what="cancelled")
    loops[0].call_soon_threadsafe(go_on.set)
    assert consumer.wait(10)
    until(lambda: vhost.consumers("orders") == 0, what="the queue has noticed the end")
    assert vhost.ready("orders") == 0


def test_sigkill_loses_nothing(vhost: Vhost, program: Programs) -> None:
    vhost.declare("orders")
    ids = publish(vhost, 30, seconds=0.1)
    first = program(vhost, NOTING, CONSUMER_CONCURRENCY="3")
    until(lambda: len(first.handled()) >= 5, what="five handled", within=15)
    first.process.kill()
    first.process.wait(5)
    second = program(vhost, NOTING, CONSUMER_CONCURRENCY="10")
    until(lambda: set(first.handled()) | set(second.handled()) == set(ids), what="all handled", within=20)
    until(lambda: vhost.counts("orders") == (0, 0), what="all acknowledged")

    assert len(first.handled()) + len(second.handled()) - len(ids) <= 3


def test_sigterm_while_the_handlers_module_still_loads_ends_the_process(vhost: Vhost, program: Programs) -> None:
    app = "import time\nopen('loading', 'w').close()\ntime.sleep(60)\ndef handle(body): pass"
    running = program(vhost, app)
    until((running.folder / "loading").exists, what="loading")
    running.terminate()
    assert running.process.wait(5) == 0


def test_a_sigterm_that_the_kernel_gives_to_another_thread_ends_the_process(vhost: Vhost, program: Programs) -> None:
    """Python runs its half of a handler in the main thread only, which a wait without an end would keep from it."""
    vhost.declare("orders")
    running = program(vhost, NOTING)
    running.until_logged("consuming from orders")
    process = running.process.pid
    another = max(int(thread.name) for thread in Path(f"/proc/{process}/task").iterdir())
    assert another != process
    assert ctypes.CDLL(None).tgkill(process, another, signal.SIGTERM) == 0
    assert running.process.wait(5) == 0
