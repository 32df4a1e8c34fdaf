import threading
from collections.abc import Callable

import pytest

from qc_producer import AccessRefused, ExchangeMissing, Producer, Rejected
from tests.rabbitmq_node import RabbitMQNode, until
from tests.rabbitmq_vhost import Vhost


def test_a_missing_exchange_fails_only_its_own_messages(vhost: Vhost, producer: Producer) -> None:
    vhost.declare("orders")
    futures = [producer.submit(n, "orders", exchange="" if n % 2 else "missing") for n in range(100)]

    errors = [future.exception(10) for future in futures]

    assert [isinstance(error, ExchangeMissing) for error in errors] == [n % 2 == 0 for n in range(100)]
    assert vhost.ready("orders") == 50
    assert "exchange 'missing'" in str(errors[0])


def test_an_exchange_that_vanishes_fails_its_messages_and_the_rest_is_resent(vhost: Vhost, producer: Producer) -> None:
    vhost.declare("orders")
    with vhost.channel() as channel:
        channel.exchange_declare("short-lived", "fanout")
        channel.queue_bind("orders", "short-lived")
    producer.publish(0, "", exchange="short-lived")
    with vhost.channel() as channel:
        channel.exchange_delete("short-lived")

    # Known to the producer from before, so this reaches the publishing channel and closes it.
    futures = [producer.submit(n, "orders", exchange="short-lived" if n == 50 else "") for n in range(100)]
    errors = [future.exception(10) for future in futures]

    assert [n for n, error in enumerate(errors) if error] == [50]
    assert isinstance(errors[50], ExchangeMissing)
    # At least once: what was under way when the channel closed may be there twice.
    assert {int(body) for _, _, body in vhost.drain("orders")} == set(range(100)) - {50} | {0}


def test_an_exchange_that_may_not_be_written_to_is_refused(vhost: Vhost, producer: Producer) -> None:
    vhost.declare("orders")
    with vhost.channel() as channel:
        channel.exchange_declare("inner", "direct", internal=True)
    with pytest.raises(AccessRefused, match="internal exchange 'inner'"):
        producer.publish(1, "orders", exchange="inner")
    producer.publish(1, "orders")


def test_a_full_queue_rejects_when_the_time_is_over(vhost: Vhost, producer: Producer) -> None:
    vhost.declare("orders", x_max_length=1, x_overflow="reject-publish")
    producer.publish(1, "orders")
    with pytest.raises(Rejected, match="is a queue full"):
        producer.publish(2, "orders", timeout=0.7)
    assert vhost.ready("orders") == 1
    assert producer.unconfirmed == 0


def test_a_full_queue_that_makes_room_in_time_gets_the_message(vhost: Vhost, producer: Producer) -> None:
    vhost.declare("orders", x_max_length=1, x_overflow="reject-publish")
    producer.publish(1, "orders")
    future = producer.submit(2, "orders")
    threading.Timer(0.3, vhost.drain, ["orders"]).start()

    assert future.result(10)
    assert [body for _, _, body in vhost.drain("orders")] == [b"2"]


def test_the_message_that_closes_the_channel_is_found_and_the_rest_arrives(
    own_rabbitmq: RabbitMQNode, own_vhost: Vhost, producers: Callable[..., Producer]
) -> None:
    # The one refusal that names neither exchange nor message: larger than the broker's limit, 406.
    own_rabbitmq.ctl("eval", "application:set_env(rabbit, max_message_size, 50000).")
    try:
        own_vhost.declare("orders")
        producer = producers(own_vhost, timeout=20)
        futures = [producer.submit(bytes(60_000 if n == 20 else 10), "orders") for n in range(40)]
        errors = [future.exception(20) for future in futures]
    finally:
        own_rabbitmq.ctl("eval", "application:set_env(rabbit, max_message_size, 134217728).")

    assert [n for n, error in enumerate(errors) if error] == [20]
    assert isinstance(errors[20], Rejected)
    assert "406" in str(errors[20])
    until(lambda: own_vhost.ready("orders") >= 39, what="the other 39 messages are in the queue")
