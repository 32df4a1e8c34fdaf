import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from examples.shop.services import topology
from examples.shop.services.order_book import OrderBook
from examples.shop.services.orders import OrderService
from qc_producer import Producer
from tests.adapters.shop.binding import mount
from tests.rabbitmq_vhost import Vhost


def until(condition: Callable[[], bool], *, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


@pytest.fixture
def book() -> OrderBook:
    return OrderBook(run="test")


@pytest.fixture
def service(vhost: Vhost, book: OrderBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OrderService]:
    mount(vhost, tmp_path)
    monkeypatch.setenv("SERVICE_BINDING_ROOT", str(tmp_path))
    with Producer() as producer:
        service = OrderService(producer=producer, book=book)
        thread = threading.Thread(target=service.run)
        thread.start()
        yield service
        service.stop()
        thread.join(timeout=10)
        assert not thread.is_alive()


def confirmed(book: OrderBook) -> int:
    return len(book.order_ids()["confirmed"])


def test_every_confirmed_order_is_in_both_queues(vhost: Vhost, service: OrderService, book: OrderBook) -> None:
    service.set_rate(200)
    until(lambda: confirmed(book) >= 50)
    service.set_rate(0)
    until(lambda: book.stats()["inFlight"] == 0)

    assert book.order_ids()["failed"] == []
    until(lambda: [vhost.ready(queue) for queue in topology.QUEUES] == [confirmed(book)] * 2)


def test_nothing_is_ordered_before_somebody_sets_a_rate(service: OrderService, book: OrderBook) -> None:
    until(service.ready.is_set)

    assert book.stats()["placed"] == 0


def test_orders_keep_to_the_rate(service: OrderService, book: OrderBook) -> None:
    until(service.ready.is_set)
    begin = time.monotonic()
    service.set_rate(50)
    until(lambda: confirmed(book) >= 50)

    # Fifty take a second. Later may come from a busy machine; earlier would be a shop that makes up its own rate.
    assert time.monotonic() - begin > 0.9
