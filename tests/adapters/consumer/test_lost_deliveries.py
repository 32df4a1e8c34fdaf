"""What is under way for a delivery when the broker takes it back."""

import threading
from collections.abc import Callable

from qc_consumer import Backoff, Consumer, Delivery, Reject
from qc_consumer.retry import rung_arguments
from tests.rabbitmq_node import RabbitMQNode, until
from tests.rabbitmq_vhost import Vhost

HOUR = 3_600_000


def test_what_was_not_yet_published_for_a_lost_delivery_never_is(
    own_rabbitmq: RabbitMQNode, own_vhost: Vhost, consumers: Callable[..., Consumer]
) -> None:
    """The broker delivers the original again: a retry, a dead letter or a result beside it would be one too many."""
    own_vhost.declare("orders")
    own_vhost.declare("shipped")
    own_vhost.declare("orders.dlq", x_queue_type="quorum")
    with own_vhost.channel() as channel:
        channel.queue_declare("orders.retry.1h", durable=True, arguments=rung_arguments("orders", HOUR))
    begun, go_on = threading.Barrier(4), threading.Event()
    runs: list[str] = []

    def handle(body: str, delivery: Delivery) -> None:
        runs.append(body)
        if body.startswith("fine"):
            delivery.publish(body, "shipped")
        if body.startswith("fine") or delivery.redelivered:
            return
        begun.wait(20)
        assert go_on.wait(20)
        if body == "retry":
            raise ValueError("not yet")
        if body == "reject":
            raise Reject("void")
        delivery.publish(body, "shipped")

    consumer = consumers(own_vhost, handle, concurrency=3, retry=Backoff(3, "1h", "1h"))
    own_vhost.publish("orders", [b'"fine 1"'])
    until(lambda: own_vhost.ready("shipped") == 1, what="the publishing connection has published before the alarm")
    own_vhost.publish("orders", [b'"retry"', b'"reject"', b'"result"'])
    begun.wait(20)
    own_rabbitmq.set_memory_alarm(True)
    go_on.set()
    sending = consumer._publishing
    under_way = (sending._written, sending._wanted)
    until(lambda: len(sending._queued) + sum(map(len, under_way)) == 3, what="all three wait for their confirm")

    own_vhost.cut_connections()
    until(lambda: len(runs) == 7, what="all three have been delivered again", within=20)
    until(lambda: own_vhost.counts("orders") == (0, 0), what="and acknowledged")
    own_rabbitmq.set_memory_alarm(False)
    own_vhost.publish("orders", [b'"fine 2"'])  # sent in order: what waited before it is out when this one is
    until(lambda: own_vhost.counts("orders") == (0, 0) and len(runs) == 8, what="the last one is done", within=20)

    assert [body for _, _, body in own_vhost.drain("shipped")] == [b"fine 1", b"fine 2"]
    assert own_vhost.drain("orders.retry.1h") == []
    assert own_vhost.drain("orders.dlq") == []
    assert consumer.metrics.messages.labels("orders", "lost")._value.get() == 3
