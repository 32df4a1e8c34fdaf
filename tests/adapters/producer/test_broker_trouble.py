import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qc_producer import BrokerUnavailable, Producer, ProducerError, PublishTimeout
from tests.rabbitmq_node import RabbitMQNode, until
from tests.rabbitmq_vhost import Vhost

Producers = Callable[..., Producer]


def test_a_memory_alarm_is_waited_for(own_rabbitmq: RabbitMQNode, own_vhost: Vhost, producers: Producers) -> None:
    own_vhost.declare("orders")
    producer = producers(own_vhost, timeout=30)
    producer.publish(0, "orders")
    own_rabbitmq.set_memory_alarm(True)
    future = producer.submit(1, "orders")
    until(lambda: producer.blocked, what="the producer knows that it is blocked")
    later = [producer.submit(n, "orders") for n in range(2, 20)]
    assert not future.done()

    own_rabbitmq.set_memory_alarm(False)

    assert future.result(20)
    assert [one.result(20) for one in later]
    assert not producer.blocked
    assert [int(body) for _, _, body in own_vhost.drain("orders")] == list(range(20))


def test_a_memory_alarm_that_lasts_ends_in_a_timeout(
    own_rabbitmq: RabbitMQNode, own_vhost: Vhost, producers: Producers
) -> None:
    own_vhost.declare("orders")
    producer = producers(own_vhost)
    producer.publish(0, "orders")
    own_rabbitmq.set_memory_alarm(True)
    with pytest.raises(PublishTimeout, match="the broker blocks publishers") as first:
        producer.publish(1, "orders", timeout=1)
    assert first.value.written  # it was on the wire before the broker said so: the outcome is unknown

    started = time.monotonic()
    with pytest.raises(PublishTimeout, match="not sent in time: the broker blocks publishers") as second:
        producer.publish(2, "orders", timeout=1)
    assert not second.value.written
    assert 0.9 < time.monotonic() - started < 2

    own_rabbitmq.set_memory_alarm(False)
    assert producer.publish(3, "orders", timeout=10)
    assert b"2" not in {body for _, _, body in own_vhost.drain("orders")}


def test_no_confirmed_message_is_lost_when_the_broker_is_killed(
    own_rabbitmq: RabbitMQNode, own_vhost: Vhost, producers: Producers
) -> None:
    own_vhost.declare("orders")
    own_rabbitmq.settle_metadata()
    producer = producers(own_vhost, timeout=40, max_unconfirmed=50)
    confirmed: list[str] = []
    enough = threading.Event()

    def work() -> None:
        while not enough.is_set():
            confirmed.append(producer.publish({}, "orders"))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(confirmed) > 200, what="200 messages before the crash")
    own_rabbitmq.kill()
    before = len(confirmed)
    own_rabbitmq.start()
    until(lambda: len(confirmed) > before + 200, within=40, what="200 messages after the crash")
    enough.set()
    for thread in threads:
        thread.join()

    arrived = [properties.message_id for _, properties, _ in own_vhost.drain("orders")]
    assert set(confirmed) <= set(arrived)
    # At most what was under way in the crash came twice, under the same ids.
    assert len(arrived) - len(set(arrived)) <= 4
    assert set(arrived) == set(confirmed)


def test_messages_wait_while_the_broker_is_stopped(
    own_rabbitmq: RabbitMQNode, own_vhost: Vhost, producers: Producers
) -> None:
    own_vhost.declare("orders")
    producer = producers(own_vhost, timeout=50)
    producer.publish(0, "orders")
    own_rabbitmq.stop()
    until(lambda: not producer.connected, what="the loss of the connection is seen")
    futures = [producer.submit(n, "orders") for n in range(1, 10)]
    own_rabbitmq.start()

    assert [future.result(50) for future in futures]
    assert [int(body) for _, _, body in own_vhost.drain("orders")] == list(range(10))


def test_a_frozen_broker_ends_in_a_timeout_with_the_outcome_unknown(
    own_rabbitmq: RabbitMQNode, own_vhost: Vhost, producers: Producers
) -> None:
    own_vhost.declare("orders")
    producer = producers(own_vhost)
    producer.publish(0, "orders")
    own_rabbitmq.pause()
    with pytest.raises(PublishTimeout, match="may have arrived") as caught:
        producer.publish(1, "orders", timeout=1, message_id="m-1")
    assert caught.value.written
    own_rabbitmq.resume()

    producer.publish(2, "orders", timeout=20)
    # This time it had arrived: exactly what the error leaves open.
    assert [int(body) for _, _, body in own_vhost.drain("orders")] == [0, 1, 2]


def test_a_broker_that_freezes_while_connecting_is_given_up_and_tried_again(
    own_rabbitmq: RabbitMQNode, own_vhost: Vhost, producers: Producers
) -> None:
    own_vhost.declare("orders")
    own_rabbitmq.pause()
    producer = producers(own_vhost, timeout=40)
    future = producer.submit(1, "orders")
    threading.Timer(1, own_rabbitmq.resume).start()

    assert future.result(40)


def test_nobody_there_is_unavailable_and_says_why(unused_tcp_port: int) -> None:
    with (
        Producer(f"amqp://guest:secret-word@127.0.0.1:{unused_tcp_port}") as producer,
        pytest.raises(BrokerUnavailable, match="Connection refused") as caught,
    ):
        producer.publish(1, "orders", timeout=0.5)
    assert not caught.value.written
    assert "secret-word" not in str(caught.value)


def test_a_wrong_password_is_named_without_telling_it_and_heals(
    vhost: Vhost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    vhost.declare("orders")
    secret = tmp_path / "password"
    secret.write_text("wrong-password")
    monkeypatch.setenv("RABBITMQ_HOST", vhost.host)
    monkeypatch.setenv("RABBITMQ_PORT", str(vhost.port))
    monkeypatch.setenv("RABBITMQ_USERNAME", vhost.username)
    monkeypatch.setenv("RABBITMQ_PASSWORD_FILE", str(secret))
    monkeypatch.setenv("RABBITMQ_VHOST", vhost.vhost)
    with Producer() as producer:
        with pytest.raises(BrokerUnavailable, match="ACCESS_REFUSED"):
            producer.publish(1, "orders", timeout=2)
        secret.write_text(vhost.password + "\n")
        assert producer.publish(2, "orders", timeout=30)
    assert "wrong-password" not in caplog.text
    assert vhost.password not in caplog.text


def test_closing_while_the_broker_is_frozen_does_not_hang(
    own_rabbitmq: RabbitMQNode, own_vhost: Vhost, producers: Producers
) -> None:
    own_vhost.declare("orders")
    producer = producers(own_vhost)
    producer.publish(0, "orders")
    own_rabbitmq.pause()
    future = producer.submit(1, "orders")
    started = time.monotonic()
    producer.close(timeout=0.5)

    assert time.monotonic() - started < 5
    assert isinstance(future.exception(0), ProducerError)


@pytest.fixture
def unused_tcp_port() -> int:
    # Below the ephemeral range: a client that keeps knocking at a port of that range can reach itself.
    for port in range(19_000, 19_900):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("no unused port")
