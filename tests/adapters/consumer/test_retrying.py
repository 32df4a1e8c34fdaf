import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest

from qc_consumer import Backoff, Consumer, Delivery, Reject, Retry
from qc_consumer.retry import rung_arguments
from tests.rabbitmq_node import until
from tests.rabbitmq_vhost import Vhost

Consumers = Callable[..., Consumer]
QUICK = Backoff(3, "200ms", "200ms")


def dead_letter(vhost: Vhost, queue: str = "orders.dlq") -> tuple[Any, bytes]:
    """Wait for one dead letter: its properties and body."""

    def take() -> Any:
        with vhost.channel() as channel:
            try:
                message = channel.basic_get(queue, auto_ack=True)
            except Exception:  # noqa: BLE001 - the queue is not there yet; pika has several errors for it
                return None
            return message if message[0] else None

    _, properties, body = until(take, what=f"a message in {queue}", within=15)
    return properties, body


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_a_failed_message_comes_back_after_its_delay_with_its_attempt_counted(
    vhost: Vhost, consumers: Consumers, queue_type: str
) -> None:
    vhost.declare("orders", x_queue_type=queue_type)
    seen: list[tuple[float, int, int]] = []

    def handle(_body: object, delivery: Delivery) -> None:
        seen.append((time.monotonic(), delivery.attempt, delivery.first_seen))
        if delivery.attempt < 3:
            raise ValueError("not yet")

    consumers(vhost, handle, retry=Backoff(8, "300ms", "300ms"))
    vhost.publish("orders", [b"1"], message_id="m-1", priority=3)
    until(lambda: len(seen) == 3, what="three attempts")
    until(lambda: vhost.counts("orders") == (0, 0), what="acknowledged", within=15)

    times, attempts, firsts = zip(*seen, strict=True)
    assert attempts == (1, 2, 3)
    assert len(set(firsts)) == 1
    assert all(later - earlier > 0.28 for earlier, later in itertools.pairwise(times))
    assert vhost.ready("orders.retry.300ms") == 0


def test_after_the_last_attempt_the_message_is_a_dead_letter_that_says_why(vhost: Vhost, consumers: Consumers) -> None:
    vhost.declare("orders")
    runs: list[int] = []

    def handle(_body: object, delivery: Delivery) -> None:
        runs.append(delivery.attempt)
        raise ValueError("kaputt " + "ü" * 5000)

    before = int(time.time() * 1000)
    consumers(vhost, handle, retry=QUICK, identity="shop/orders-1")
    vhost.publish("orders", [b'{"id": 7}'], message_id="m-1", correlation_id="c", headers={"tenant": "a", "f": "1"})
    properties, body = dead_letter(vhost)

    assert runs == [1, 2, 3]
    assert body == b'{"id": 7}'
    assert (properties.message_id, properties.correlation_id, properties.delivery_mode) == ("m-1", "c", 2)
    headers = properties.headers
    assert headers["tenant"] == "a"
    assert headers["x-error-class"] == "ValueError"
    assert headers["x-error-message"].startswith("kaputt üü")
    assert 4090 <= len(headers["x-error-message"].encode()) <= 4096
    assert headers["x-attempts"] == 3
    assert headers["x-reason"] == "attempts_exhausted"
    assert headers["x-consumer"] == "shop/orders-1"
    assert headers["x-queue"] == "orders"
    assert before <= headers["x-first-seen"] < headers["x-last-seen"] <= time.time() * 1000
    assert not [name for name in headers if "death" in name]
    until(lambda: vhost.counts("orders") == (0, 0), what="the original is acknowledged")


@pytest.mark.parametrize(
    ("error", "reason"),
    [pytest.param(Reject("void order"), "rejected", id="reject")],
)
def test_what_can_never_be_handled_is_a_dead_letter_at_once(
    vhost: Vhost, consumers: Consumers, error: Exception, reason: str
) -> None:
    vhost.declare("orders")

    def handle(_body: object) -> None:
        raise error

    consumers(vhost, handle, retry=QUICK)
    vhost.publish("orders", [b"1"])
    properties, _ = dead_letter(vhost)
    assert properties.headers["x-reason"] == reason
    assert properties.headers["x-error-message"] == "void order"
    assert properties.headers["x-attempts"] == 1


def test_a_body_that_cannot_be_decoded_is_a_dead_letter_and_the_handler_never_sees_it(
    vhost: Vhost, consumers: Consumers
) -> None:
    vhost.declare("orders")
    runs: list[object] = []
    consumers(vhost, runs.append, retry=QUICK)
    vhost.publish("orders", [b"{no json"], content_type="application/json")
    properties, body = dead_letter(vhost)

    assert runs == []
    assert body == b"{no json"
    assert properties.headers["x-reason"] == "undecodable"
    assert "no json" not in properties.headers["x-error-message"]


def test_retry_after_is_rounded_up_to_a_rung(vhost: Vhost, consumers: Consumers) -> None:
    vhost.declare("orders")

    def handle(_body: object) -> None:
        raise Retry(after=20)

    consumers(vhost, handle, retry=Backoff(8, "5s", "1h"))
    vhost.publish("orders", [b"1"])
    until(lambda: vhost.counts("orders") == (0, 0), what="taken")
    until(lambda: vhost.counts("orders.retry.30s") == (1, 0) or None, what="waiting in the 30 s rung")


def test_without_retries_a_failure_is_a_dead_letter(vhost: Vhost, consumers: Consumers) -> None:
    vhost.declare("orders")

    def handle(_body: object) -> None:
        raise KeyError("x")

    consumers(vhost, handle, retry=None, dead_letter_queue="orders.failed")
    vhost.publish("orders", [b"1"])
    properties, _ = dead_letter(vhost, "orders.failed")
    assert properties.headers["x-error-class"] == "KeyError"


def test_a_retry_queue_with_other_arguments_makes_dead_letters_and_loses_nothing(
    vhost: Vhost, consumers: Consumers, caplog: pytest.LogCaptureFixture
) -> None:
    vhost.declare("orders")
    vhost.declare("orders.retry.200ms", x_message_ttl=3_600_000)  # would hold the message for an hour

    def handle(_body: object) -> None:
        raise ValueError("not yet")

    consumers(vhost, handle, retry=QUICK)
    vhost.publish("orders", [b"1", b"2"])
    bodies = {dead_letter(vhost)[1], dead_letter(vhost)[1]}

    assert bodies == {b"1", b"2"}
    assert vhost.ready("orders.retry.200ms") == 0
    until(lambda: vhost.counts("orders") == (0, 0), what="acknowledged")
    assert "queue 'orders.retry.200ms': 406 PRECONDITION_FAILED" in caplog.text


def test_a_retry_queue_that_was_deleted_is_made_again(vhost: Vhost, consumers: Consumers) -> None:
    vhost.declare("orders")
    runs: list[int] = []

    def handle(body: int, delivery: Delivery) -> None:
        runs.append(body)
        if delivery.attempt == 1:
            raise ValueError("not yet")

    consumers(vhost, handle, retry=QUICK)
    vhost.publish("orders", [b"1"])
    until(lambda: runs == [1, 1], what="the first message, twice")
    vhost.delete("orders.retry.200ms")
    vhost.publish("orders", [b"2"])
    until(lambda: runs == [1, 1, 2, 2], what="the second message, twice")


def test_an_existing_dead_letter_queue_of_another_kind_is_used_as_it_is(vhost: Vhost, consumers: Consumers) -> None:
    vhost.declare("orders")
    vhost.declare("orders.dlq", x_max_length=1000)

    def handle(_body: object) -> None:
        raise Reject("void")

    consumers(vhost, handle)
    vhost.publish("orders", [b"1"])
    assert dead_letter(vhost)[1] == b"1"


def test_a_dead_letter_queue_that_is_full_keeps_the_message_where_it_is(vhost: Vhost, consumers: Consumers) -> None:
    vhost.declare("orders")
    vhost.declare("orders.dlq", x_max_length=1, x_overflow="reject-publish")
    vhost.publish("orders.dlq", [b"old"])

    def handle(_body: object) -> None:
        raise Reject("void")

    consumers(vhost, handle)
    vhost.publish("orders", [b"1"])
    until(lambda: vhost.counts("orders") == (0, 1), what="held, unacknowledged")
    assert dead_letter(vhost)[1] == b"old"
    assert dead_letter(vhost)[1] == b"1"
    until(lambda: vhost.counts("orders") == (0, 0), what="acknowledged")


def test_headers_that_cannot_be_written_again_do_not_stop_a_dead_letter(vhost: Vhost, consumers: Consumers) -> None:
    vhost.declare("orders")
    vhost.publish("orders", [b"1"], headers={"big": "x" * 120_000}, expiration="60000", user_id=vhost.username)

    def handle(_body: object) -> None:
        raise Reject("void")

    consumers(vhost, handle)
    properties, _ = dead_letter(vhost)
    assert "big" not in properties.headers
    assert properties.headers["x-reason"] == "rejected"
    assert properties.expiration is None


def test_a_retry_queue_that_confirms_nothing_does_not_hold_its_messages_for_ever(
    vhost: Vhost, consumers: Consumers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qc_consumer.publishing.CONFIRM_SECONDS", 1.0)
    monkeypatch.setattr("qc_consumer.publishing.DECLARE_SECONDS", 1.0)
    monkeypatch.setattr("qc_consumer.settlement.RUNG_LAST_WAIT", 0.1)
    vhost.declare("orders")
    with vhost.channel() as channel:
        channel.queue_declare("orders.retry.200ms", durable=True, arguments=rung_arguments("orders", 200))
    # What a quorum queue without a leader looks like from outside: it takes messages and says nothing.
    process = f'list_to_atom("{vhost.vhost}_orders.retry.200ms")'
    vhost.node.ctl("eval", f"sys:suspend({process}).")

    def handle(_body: object) -> None:
        raise ValueError("not yet")

    consumers(vhost, handle, retry=QUICK)
    vhost.publish("orders", [b"1"])
    properties, body = dead_letter(vhost)
    assert body == b"1"
    assert properties.headers["x-reason"] == "retry_queue_unusable"
    until(lambda: vhost.counts("orders") == (0, 0), what="acknowledged")
    vhost.node.ctl("eval", f"sys:resume({process}).")
