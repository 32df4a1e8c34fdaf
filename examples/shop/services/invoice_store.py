"""The invoice store: one invoice per order, written by PUT, and the counts over HTTP.

PUT is idempotent: the same invoice written again is accepted and counted, and changes nothing.
"""

import os
import time
from collections.abc import Callable

from .json_http import Answer, JsonServer, Request, Route, as_json, serve_until_stopped
from .ledger import Ledger


def routes(
    ledger: Ledger,
    *,
    service_seconds: float,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Route]:
    """HTTP: PUT and GET /invoices/<id>, /stats, /orders (ids with an invoice)."""

    def write(request: Request) -> Answer:
        if not request.tail or not request.body:
            raise ValueError("PUT /invoices/<order id> with the invoice as its body")
        sleep(service_seconds)
        published = request.headers.get("x-enqueued-at")
        first = ledger.record(
            request.tail,
            content=request.body,
            enqueued_at=None if published is None else float(published),
            now=clock(),
        )
        return as_json({"created": first}, status=201 if first else 200)

    def read(request: Request) -> Answer:
        content = ledger.content(request.tail)
        if content is None:
            return as_json({"error": f"no invoice for order {request.tail}"}, status=404)
        return Answer(body=content, content_type="text/plain; charset=utf-8")

    return [
        Route(method="GET", path="/stats", call=lambda _: as_json(ledger.stats())),
        Route(method="GET", path="/orders", call=lambda _: as_json(ledger.order_ids())),
        Route(method="PUT", path="/invoices/", call=write),
        Route(method="GET", path="/invoices/", call=read),
    ]


def main() -> None:
    """Run in the container."""
    served = routes(Ledger(), service_seconds=float(os.environ.get("INVOICE_SECONDS", "0.15")))
    serve_until_stopped(JsonServer(port=int(os.environ.get("HTTP_PORT", "8080")), routes=served))


if __name__ == "__main__":
    main()
