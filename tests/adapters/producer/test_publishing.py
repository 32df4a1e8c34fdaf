import asyncio
import datetime as dt
import threading
import time
import uuid

import pytest

from qc_producer import (
    MessageTooLarge,
    Producer,
    ProducerClosed,
    ProducerError,
    ProducerFull,
    PublishErrors,
    Unroutable,
)
from tests.rabbitmq_vhost import Vhost


def test_a_confirmed_message_is_in_the_queue_with_all_its_properties(vhost: Vhost) -> None:
    vhost.declare("orders")
    before = time.time()
    with Producer(vhost.url, name="shop") as producer:
        message_id = producer.publish(
            {"id": 7, "name": "Zoë"},
            "orders",
            headers={"tenant": "a", "flags": [1, True, None], "nested": {"x": 2**40}},
            correlation_id="c-1",
            priority=5,
            expires=dt.timedelta(minutes=2),
        )

    ((_, properties, body),) = vhost.drain("orders")
    assert body.decode() == '{"id": 7, "name": "Zoë"}'
    assert uuid.UUID(message_id).version == 7
    assert properties.message_id == message_id
    assert properties.content_type == "application/json"
    assert properties.delivery_mode == 2
    assert properties.correlation_id == "c-1"
    assert properties.priority == 5
    assert properties.expiration == "120000"
    assert properties.app_id == "shop"
    assert int(before) <= properties.timestamp <= time.time()
    assert before * 1000 - 1 <= properties.headers.pop("timestamp_in_ms") <= time.time() * 1000
    assert properties.headers == {"tenant": "a", "flags": [1, True, None], "nested": {"x": 2**40}}


@pytest.mark.parametrize(
    ("body", "on_the_wire", "content_type"),
    [
        pytest.param(b"\x00\xff", b"\x00\xff", "application/octet-stream", id="bytes"),
        pytest.param(b"", b"", "application/octet-stream", id="empty"),
        pytest.param("grün", "grün".encode(), "text/plain; charset=utf-8", id="text"),
        pytest.param([1, "2", None], b'[1, "2", null]', "application/json", id="list"),
    ],
)
def test_bodies_arrive_as_their_content_type_says(
    vhost: Vhost, producer: Producer, body: object, on_the_wire: bytes, content_type: str
) -> None:
    vhost.declare("orders")
    producer.publish(body, "orders")

    ((_, properties, received),) = vhost.drain("orders")
    assert received == on_the_wire
    assert properties.content_type == content_type


def test_a_body_larger_than_a_frame_arrives_whole(vhost: Vhost, producer: Producer) -> None:
    vhost.declare("orders")
    body = bytes(range(256)) * 2000  # 512,000 bytes: four frames

    producer.publish(body, "orders")

    assert [message[2] for message in vhost.drain("orders")] == [body]


def test_a_body_above_the_limit_is_refused_before_it_is_sent(producer: Producer) -> None:
    with pytest.raises(MessageTooLarge, match="16777217 bytes"):
        producer.publish(bytes(16 * 1024 * 1024 + 1), "orders")
    assert not producer.connected


def test_a_message_that_no_queue_takes_is_unroutable(vhost: Vhost, producer: Producer) -> None:
    vhost.declare("orders")
    with pytest.raises(Unroutable, match="routing key 'oders'") as caught:
        producer.publish({}, "oders", message_id="m-1")
    assert caught.value.message_id == "m-1"

    producer.publish({}, "orders")  # the channel is as good as before
    assert vhost.ready("orders") == 1


def test_a_message_that_need_not_be_routed_is_no_error(producer: Producer) -> None:
    producer.publish({}, "nowhere", mandatory=False)


def test_returns_are_matched_to_their_message_among_many(vhost: Vhost, producer: Producer) -> None:
    vhost.declare("orders")
    futures = [producer.submit(index, "orders" if index % 3 else "nowhere") for index in range(300)]
    errors = [future.exception() for future in futures]

    assert [index for index, error in enumerate(errors) if isinstance(error, Unroutable)] == list(range(0, 300, 3))
    assert sum(error is None for error in errors) == vhost.ready("orders") == 200


def test_returns_are_matched_to_their_message_among_those_of_one_id(vhost: Vhost, producer: Producer) -> None:
    vhost.declare("receipts")
    with vhost.channel() as channel:
        channel.exchange_declare("unbound", "direct")
    # The good ones stand in front: under way together, the first of the id would be blamed.
    futures = [
        producer.submit({}, "receipts", message_id="order-1"),
        producer.submit({}, "receipts", message_id="order-1"),
        producer.submit({}, "missing", message_id="order-1", mandatory=False),
        producer.submit({}, "missing", message_id="order-1"),
        producer.submit({}, "receipts", message_id="order-1", exchange="unbound"),
    ]
    errors = [future.exception(10) for future in futures]

    assert [isinstance(error, Unroutable) for error in errors] == [False, False, False, True, True]
    assert "routing key 'missing'" in str(errors[3])
    assert "exchange 'unbound'" in str(errors[4])
    assert vhost.ready("receipts") == 2


def test_a_thread_keeps_its_order(vhost: Vhost, producer: Producer) -> None:
    vhost.declare("orders")
    producer.publish_many(range(2500), "orders")

    assert [int(body) for _, _, body in vhost.drain("orders")] == list(range(2500))


def test_publish_many_says_which_messages_failed(vhost: Vhost, producer: Producer) -> None:
    vhost.declare("orders")
    with pytest.raises(PublishErrors, match="2 of 5 messages failed") as caught:
        producer.publish_many([1, object(), 3, {2j}, 5], "orders")

    assert sorted(caught.value.errors) == [1, 3]
    assert vhost.ready("orders") == 3


def test_a_hundred_threads_share_one_connection(vhost: Vhost, producer: Producer) -> None:
    vhost.declare("orders")
    ids: list[str] = []

    def work() -> None:
        ids.extend(producer.publish({"n": n}, "orders") for n in range(20))

    threads = [threading.Thread(target=work) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    received = [properties.message_id for _, properties, _ in vhost.drain("orders")]
    assert sorted(received) == sorted(ids)
    assert len(set(ids)) == 2000


async def test_asyncio_publishes_concurrently_within_the_window(vhost: Vhost) -> None:
    vhost.declare("orders")
    with Producer(vhost.url, max_unconfirmed=10) as producer:
        ids = await asyncio.gather(*(producer.asend(n, "orders") for n in range(500)))

    assert len(set(ids)) == vhost.ready("orders") == 500


async def test_asyncio_gets_the_same_errors(producer: Producer) -> None:
    with pytest.raises(Unroutable):
        await producer.asend({}, "nowhere")


def test_a_callback_of_a_future_may_submit_but_not_publish(vhost: Vhost, producer: Producer) -> None:
    vhost.declare("orders")
    seen: list[object] = []
    ended = threading.Event()

    def callback(_future: object) -> None:
        try:
            producer.publish(2, "orders")
        except ProducerError as error:
            seen.append(error)
        seen.append(producer.submit(3, "orders"))
        ended.set()

    producer.submit(1, "orders").add_done_callback(callback)
    assert ended.wait(10)
    refusal, future = seen
    assert "would wait for itself" in str(refusal)
    assert future.result(10)  # type: ignore[attr-defined]
    assert vhost.ready("orders") == 2


def test_a_callback_of_a_future_may_not_wait_for_the_rest(vhost: Vhost, producer: Producer) -> None:
    vhost.declare("orders")
    refusals: list[str] = []
    ended = threading.Event()

    def callback(_future: object) -> None:
        for call in (producer.flush, producer.close, lambda: producer.publish_many([], "orders")):
            try:
                call()
            except ProducerError as error:
                refusals.append(str(error))
        ended.set()

    first = producer.submit(0, "orders")
    first.add_done_callback(callback)
    futures = [first, *(producer.submit(n, "orders") for n in range(1, 100))]
    assert ended.wait(5)
    assert [refusal.partition("(")[0] for refusal in refusals] == ["flush", "close", "publish_many"]
    assert all("would wait for itself" in refusal for refusal in refusals)
    assert all(future.result(10) for future in futures)
    producer.publish(100, "orders")  # not closed
    assert vhost.ready("orders") == 101


def test_close_flushes_and_then_refuses(vhost: Vhost) -> None:
    vhost.declare("orders")
    producer = Producer(vhost.url)
    futures = [producer.submit(n, "orders") for n in range(500)]
    producer.close()

    assert all(future.result(0) for future in futures)
    assert vhost.ready("orders") == 500
    with pytest.raises(ProducerClosed):
        producer.publish(1, "orders")


def test_a_full_producer_raises_if_told_so(vhost: Vhost) -> None:
    with Producer(vhost.url, on_full="raise", max_unconfirmed=2) as producer:
        futures = [producer.submit(1, "orders", mandatory=False) for _ in range(2)]
        with pytest.raises(ProducerFull, match="2 messages wait"):
            producer.submit(1, "orders", mandatory=False)
        assert [future.result(10) for future in futures]


def test_a_message_larger_than_the_window_goes_alone(vhost: Vhost) -> None:
    vhost.declare("orders")
    with Producer(vhost.url, max_unconfirmed_bytes=1000) as producer:
        producer.publish_many([bytes(5000), b"x", bytes(5000)], "orders")
    assert vhost.ready("orders") == 3


def test_the_environment_names_the_broker(vhost: Vhost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RABBITMQ_HOST", vhost.host)
    monkeypatch.setenv("RABBITMQ_PORT", str(vhost.port))
    monkeypatch.setenv("RABBITMQ_USERNAME", vhost.username)
    monkeypatch.setenv("RABBITMQ_PASSWORD", vhost.password)
    monkeypatch.setenv("RABBITMQ_VHOST", vhost.vhost)
    vhost.declare("orders")
    with Producer() as producer:
        producer.publish({}, "orders")
    assert vhost.ready("orders") == 1
