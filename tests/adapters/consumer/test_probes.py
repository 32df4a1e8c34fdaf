import threading
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from qc_consumer import Consumer, Reject
from tests.rabbitmq_node import until
from tests.rabbitmq_vhost import Vhost

Consumers = Callable[..., Consumer]
Ask = Callable[[int, str], tuple[int, str]]


def values(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_count_and_time_what_happens(vhost: Vhost, consumers: Consumers, ask: Ask) -> None:
    vhost.declare("orders")
    begun, go_on = threading.Event(), threading.Event()

    def handle(body: str) -> None:
        if body == "bad":
            raise Reject("bad")
        if body == "slow":
            begun.set()
            assert go_on.wait(20)

    consumer = consumers(vhost, handle, metrics_port=0, concurrency=2)
    assert consumer.health is not None
    port = consumer.health.port
    vhost.publish("orders", [b'"good"', b'"bad"'], headers={"timestamp_in_ms": 1_700_000_000_000})
    vhost.publish("orders", [b'"slow"'])
    assert begun.wait(10)

    def current() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        return values(ask(port, "/metrics")[1])

    queue = ("queue", "orders")
    dead = ("queue_consumer_messages_total", (("outcome", "dead_lettered"), queue))
    acked = ("queue_consumer_messages_total", (("outcome", "acked"), queue))
    until(lambda: current().get(dead) == current().get(acked) == 1, what="one dead letter and one acknowledgement")
    now = current()
    assert now["queue_consumer_messages_received_total", (queue, ("redelivered", "false"))] == 3
    assert now["queue_consumer_in_flight", ()] == 1
    assert now["queue_consumer_concurrency", ()] == 2
    assert now["queue_consumer_connected", ()] == 1
    assert now["queue_consumer_draining", ()] == 0
    assert now["queue_consumer_oldest_in_flight_seconds", ()] > 0
    assert now["queue_consumer_handler_seconds_count", (queue,)] == 2
    assert now["queue_consumer_queue_wait_seconds_count", (queue,)] == 2
    assert now["queue_consumer_last_ack_timestamp_seconds", ()] > 1_700_000_000
    assert now["process_resident_memory_bytes", ()] > 0
    go_on.set()
    until(lambda: current()["queue_consumer_in_flight", ()] == 0, what="idle again")
    assert current()["queue_consumer_busy_seconds_total", ()] > 0


def test_probes_follow_the_life_of_the_consumer(vhost: Vhost, consumers: Consumers, ask: Ask) -> None:
    vhost.declare("orders")
    vhost.publish("orders", [b"1"])
    begun, go_on = threading.Event(), threading.Event()

    def handle(_body: object) -> None:
        begun.set()
        assert go_on.wait(20)

    consumer = consumers(vhost, handle, metrics_port=0)
    assert consumer.health is not None
    port = consumer.health.port
    assert begun.wait(10)
    assert [ask(port, path)[0] for path in ("/livez", "/readyz", "/startupz")] == [200, 200, 200]
    assert ask(port, "/other")[0] == 404
    consumer.stop()
    until(lambda: ask(port, "/readyz") == (503, "draining\n"), what="draining")
    assert ask(port, "/livez")[0] == 200
    go_on.set()
    assert consumer.wait(5)
