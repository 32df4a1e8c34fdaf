import threading
from collections.abc import Callable

from qc_consumer import Backoff, Consumer, Delivery, run_handler
from tests.rabbitmq_node import RabbitMQNode, until
from tests.rabbitmq_vhost import Vhost

Consumers = Callable[..., Consumer]


def test_what_a_handler_publishes_is_sent_when_it_succeeds(vhost: Vhost, consumers: Consumers) -> None:
    vhost.declare("orders")
    vhost.declare("shipped")

    def handle(body: dict[str, int], delivery: Delivery) -> None:
        delivery.publish({"id": body["id"]}, "shipped", headers={"n": delivery.attempt})
        delivery.publish(b"raw", "shipped")
        if delivery.attempt == 1:
            raise ValueError("nothing of this attempt may be sent")

    consumers(vhost, handle, retry=Backoff(3, "200ms", "200ms"))
    vhost.publish("orders", [b'{"id": 7}'], message_id="m-1", correlation_id="c-1")
    until(lambda: vhost.ready("shipped") == 2, what="both messages")
    until(lambda: vhost.counts("orders") == (0, 0), what="acknowledged")

    (_, first, body), (_, second, raw) = vhost.drain("shipped")
    assert (body, first.content_type, first.headers["n"]) == (b'{"id": 7}', "application/json", 2)
    assert (raw, second.content_type) == (b"raw", "application/octet-stream")
    assert first.correlation_id == second.correlation_id == "c-1"
    assert len({"m-1", first.message_id, second.message_id}) == 3


def test_a_handler_run_again_publishes_under_the_same_ids() -> None:
    def handle(_body: object, delivery: Delivery) -> None:
        delivery.publish(1, "a")
        delivery.publish(2, "b")

    once = [message.properties.message_id for message in run_handler(handle, 1, message_id="m-1").published]
    again = [message.properties.message_id for message in run_handler(handle, 1, message_id="m-1").published]
    other = [message.properties.message_id for message in run_handler(handle, 1, message_id="m-2").published]
    assert once == again
    assert len({*once, *other}) == 4


def test_a_publish_that_no_queue_takes_is_a_failure_of_the_handler(vhost: Vhost, consumers: Consumers) -> None:
    vhost.declare("orders")
    vhost.declare("shipped")

    def handle(body: str, delivery: Delivery) -> None:
        delivery.publish(1, body)

    consumers(vhost, handle, retry=Backoff(1), concurrency=5)
    vhost.publish("orders", [b'"nowhere"', b'"shipped"', b'"shipped"'])
    until(lambda: vhost.ready("shipped") == 2, what="the good ones")
    until(lambda: vhost.counts("orders") == (0, 0), what="all settled")
    ((_, properties, body),) = vhost.drain("orders.dlq")
    assert body == b'"nowhere"'
    assert properties.headers["x-error-class"] == "PublishFailed"
    assert "NO_ROUTE" in properties.headers["x-error-message"]


def test_a_missing_exchange_fails_only_the_handler_that_names_it(vhost: Vhost, consumers: Consumers) -> None:
    vhost.declare("orders")
    vhost.declare("shipped")

    def handle(body: int, delivery: Delivery) -> None:
        delivery.publish(body, "shipped", exchange="missing" if body % 5 == 0 else "")

    consumers(vhost, handle, retry=Backoff(1), concurrency=10)
    vhost.publish("orders", [str(n).encode() for n in range(20)])
    until(lambda: vhost.counts("orders") == (0, 0), what="all settled", within=20)
    assert {int(body) for _, _, body in vhost.drain("orders.dlq")} == {0, 5, 10, 15}
    assert {int(body) for _, _, body in vhost.drain("shipped")} == {n for n in range(20) if n % 5}


def test_under_a_memory_alarm_publishing_waits_and_acknowledging_goes_on(
    own_rabbitmq: RabbitMQNode, own_vhost: Vhost, consumers: Consumers
) -> None:
    own_vhost.declare("orders")
    own_vhost.declare("shipped")
    begun, go_on = threading.Event(), threading.Event()
    done: list[int] = []

    def handle(body: int, delivery: Delivery) -> None:
        if body == 0:
            delivery.publish(0, "shipped")
            return
        begun.set()
        assert go_on.wait(20)
        if body == 1:
            delivery.publish(1, "shipped")
        done.append(body)

    own_vhost.publish("orders", [b"0"])
    consumers(own_vhost, handle, concurrency=4)
    until(lambda: own_vhost.ready("shipped") == 1, what="the publishing connection has published before the alarm")
    own_vhost.publish("orders", [b"1", b"2", b"3"])
    assert begun.wait(10)
    own_rabbitmq.set_memory_alarm(True)
    go_on.set()
    until(lambda: sorted(done) == [1, 2, 3], what="the handlers have run")
    until(lambda: own_vhost.counts("orders") == (0, 1), what="2 and 3 acknowledged, 1 waits for its publish")
    own_rabbitmq.set_memory_alarm(False)
    until(lambda: own_vhost.counts("orders") == (0, 0), what="1 acknowledged")
    assert own_vhost.ready("shipped") == 2
