"""Write the invoice of an order and put it into the invoice store.

Run with CONSUMER_HANDLER=invoices:handle. The store keeps invoices by order id,
so that one written twice is there once.
"""

import http.client
import os
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from qc_consumer import Delivery, Reject

TIMEOUT_SECONDS = 15


def handle(order: dict[str, Any], delivery: Delivery) -> None:
    """Write one invoice. A store that fails raises, and so the order is tried again later."""
    if not order.get("items"):
        raise Reject("an order without items has no invoice")
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    if delivery.enqueued_at is not None:
        headers["X-Enqueued-At"] = f"{delivery.enqueued_at.timestamp():.3f}"
    store = http.client.HTTPConnection(os.environ.get("INVOICE_STORE", "invoice-store:8080"), timeout=TIMEOUT_SECONDS)
    try:
        store.request("PUT", f"/invoices/{quote(order['id'], safe='')}", invoice(order).encode(), headers)
        answer = store.getresponse()
        answer.read()
    finally:
        store.close()
    if answer.status not in {http.client.OK, http.client.CREATED}:
        raise RuntimeError(f"the invoice store answered {answer.status} to the invoice of order {order['id']}")


def invoice(order: dict[str, Any]) -> str:
    """Write the invoice as text. Prices are strings in the message: binary fractions are not money."""
    total = Decimal(0)
    lines = [f"INVOICE {order['id']}", f"for {order['email']}", ""]
    for item in order["items"]:
        amount = item["quantity"] * Decimal(item["price"])
        total += amount
        lines.append(f"{item['quantity']:>4} x {item['name']:<24} {amount:>10.2f}")
    lines += ["", f"{'Total':<31} {total:>10.2f}", ""]
    return "\n".join(lines)
