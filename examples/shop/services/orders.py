"""The order service: places orders at a rate that can be changed while it runs.

    PUT /rate {"perSecond": 50}     GET /stats     GET /orders (ids)     GET /readyz

It publishes with qc_producer, pipelined, and keeps account of what the broker has confirmed.
"""

import json
import os
import random
import threading
import time
from concurrent.futures import Future
from typing import Any

import pika

from qc_producer import Producer, ProducerError

from . import topology
from .json_http import Answer, JsonServer, Request, Route, as_json, serve_until_stopped
from .order_book import OrderBook
from .pace import Pace

TICK_SECONDS = 0.02
"""At 50 per second an order per tick: an even stream rather than bursts."""
RETRY_SECONDS = 1.0
GOODS = (
    ("teapot", "24.90"),
    ("cup", "6.50"),
    ("tea, 100 g", "8.25"),
    ("kettle", "39.00"),
    ("strainer", "4.75"),
)


class OrderService:
    """Places orders in a thread of its own; the rate comes from other threads."""

    def __init__(self, *, producer: Producer, book: OrderBook, per_second: float = 0.0) -> None:
        self._producer = producer
        self._book = book
        self._pace = Pace(per_second=per_second, now=time.monotonic())
        self._changed = threading.Condition()
        self._stopped = False
        self.ready = threading.Event()
        """Set once the topology is there: an order placed earlier would have no queue to go to."""

    @property
    def per_second(self) -> float:
        """The rate asked for."""
        return self._pace.per_second

    def set_rate(self, per_second: float) -> None:
        """Go on at another rate at once; ValueError if it is negative."""
        with self._changed:
            self._pace.change(per_second=per_second, now=time.monotonic())
            self._changed.notify()

    def stop(self) -> None:
        """End `run` soon."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def run(self) -> None:
        """Declare the topology, trying again until the broker is there; then place orders until stopped."""
        while not self._stopped and not self._declared():
            with self._changed:
                self._changed.wait(RETRY_SECONDS)
        while not self._stopped:
            with self._changed:
                due = self._pace.due(now=time.monotonic())
                if not due:
                    self._changed.wait(TICK_SECONDS if self._pace.per_second else None)
            for _ in range(due):
                self._place()

    def _declared(self) -> bool:
        try:
            topology.declare(topology.bound_parameters())
        except (pika.exceptions.AMQPError, OSError) as error:
            print(
                f"the broker is not there yet ({type(error).__name__}); trying again in {RETRY_SECONDS} s",
                flush=True,
            )
            return False
        self.ready.set()
        return True

    def _place(self) -> None:
        order_id = self._book.place()
        try:
            future = self._producer.submit(an_order(order_id), topology.ROUTING_KEY, exchange=topology.EXCHANGE)
        except ProducerError as error:
            self._book.fail(order_id, error=f"{type(error).__name__}: {error}")
            return
        future.add_done_callback(lambda done: self._settle(order_id, done))

    def _settle(self, order_id: str, done: Future[str]) -> None:
        error = done.exception()
        if error is None:
            self._book.confirm(order_id, now=time.time())
        else:
            self._book.fail(order_id, error=f"{type(error).__name__}: {error}")


def an_order(order_id: str) -> dict[str, Any]:
    """Make up an order of one to three goods. Prices are strings: binary fractions are not money."""
    goods = random.sample(GOODS, k=random.randint(1, 3))  # noqa: S311 - tea, not keys
    return {
        "id": order_id,
        "email": f"customer-{order_id}@example.com",
        "items": [{"name": name, "price": price, "quantity": random.randint(1, 4)} for name, price in goods],  # noqa: S311 - likewise
    }


def routes(service: OrderService, book: OrderBook) -> list[Route]:
    """HTTP, as the module's docstring says."""

    def set_rate(request: Request) -> Answer:
        try:
            per_second = float(json.loads(request.body)["perSecond"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError('the body must be {"perSecond": NUMBER}') from error
        service.set_rate(per_second)
        return as_json({"perSecond": service.per_second})

    def ready(_: Request) -> Answer:
        if service.ready.is_set():
            return as_json({"ready": True})
        return as_json({"ready": False, "reason": "exchange and queues are not declared yet"}, status=503)

    def stats(_: Request) -> Answer:
        return as_json({**book.stats(), "perSecond": service.per_second, "now": time.time()})

    return [
        Route(method="PUT", path="/rate", call=set_rate),
        Route(method="GET", path="/stats", call=stats),
        Route(method="GET", path="/orders", call=lambda _: as_json(book.order_ids())),
        Route(method="GET", path="/readyz", call=ready),
    ]


def main() -> None:
    """Run in the container."""
    book = OrderBook(run=f"{int(time.time()):x}")
    with Producer() as producer:
        service = OrderService(producer=producer, book=book, per_second=float(os.environ.get("ORDERS_PER_SECOND", "0")))
        placing = threading.Thread(target=service.run, name="orders", daemon=True)
        placing.start()
        serve_until_stopped(JsonServer(port=int(os.environ.get("HTTP_PORT", "8080")), routes=routes(service, book)))
        service.stop()
        placing.join(timeout=5)


if __name__ == "__main__":
    main()
