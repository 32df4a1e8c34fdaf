import json
from typing import Any

import pika
import pytest

from examples.shop import invoices, receipts
from examples.shop.services.orders import an_order
from qc_consumer import Delivery, Reject
from tests.adapters.shop.servers import MailServer, Web


def delivery(order: dict[str, Any], **headers: int) -> Delivery:
    properties = pika.BasicProperties(content_type="application/json", headers=headers)
    return Delivery(queue="orders", raw=json.dumps(order).encode(), properties=properties)


@pytest.fixture
def receipt_settings(mail_server: MailServer, monkeypatch: pytest.MonkeyPatch) -> MailServer:
    monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("SMTP_PORT", str(mail_server.smtp_port))
    return mail_server


@pytest.fixture
def invoice_settings(store: Web, monkeypatch: pytest.MonkeyPatch) -> Web:
    monkeypatch.setenv("INVOICE_STORE", f"127.0.0.1:{store.port}")
    return store


def test_a_receipt_reaches_the_mailbox_of_its_order(receipt_settings: MailServer) -> None:
    order = an_order("r-000001")
    receipts.handle(order, delivery(order))

    status, stored = receipt_settings.web.get("/mails/r-000001")
    assert status == 200
    assert b"Subject: Your order r-000001" in stored
    assert f"To: {order['email']}".encode() in stored
    assert all(item["name"].encode() in stored for item in order["items"])


def test_a_message_delivered_twice_makes_one_mail(receipt_settings: MailServer) -> None:
    order = an_order("r-000001")
    for _ in range(2):
        receipts.handle(order, delivery(order))

    stats = receipt_settings.web.stats()
    assert (stats["orders"], stats["repeated"]) == (1, 1)


def test_the_wait_counts_from_the_publishers_time(receipt_settings: MailServer) -> None:
    order = an_order("r-000001")
    receipts.handle(order, delivery(order, timestamp_in_ms=1_000_000_000_000))

    assert receipt_settings.web.stats()["longestWaitSeconds"] > 365 * 24 * 3600


def test_an_order_without_address_is_a_dead_letter(receipt_settings: MailServer) -> None:
    order = an_order("r-000001") | {"email": ""}
    with pytest.raises(Reject):
        receipts.handle(order, delivery(order))

    assert receipt_settings.web.stats()["orders"] == 0


def test_a_mail_server_that_is_away_raises_so_that_the_order_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("SMTP_PORT", "1")
    order = an_order("r-000001")

    with pytest.raises(ConnectionRefusedError):
        receipts.handle(order, delivery(order))


def test_an_invoice_reaches_the_store_and_adds_up(invoice_settings: Web) -> None:
    order = {
        "id": "r/1",
        "email": "ann@example.com",
        "items": [
            {"name": "teapot", "price": "24.90", "quantity": 1},
            {"name": "cup", "price": "6.50", "quantity": 4},
        ],
    }
    invoices.handle(order, delivery(order))

    status, stored = invoice_settings.get("/invoices/r%2F1")
    assert status == 200
    assert stored.decode().splitlines()[-1].split() == ["Total", "50.90"]


def test_a_message_delivered_twice_makes_one_invoice(invoice_settings: Web) -> None:
    order = an_order("r-000001")
    for _ in range(2):
        invoices.handle(order, delivery(order))

    stats = invoice_settings.stats()
    assert (stats["orders"], stats["repeated"]) == (1, 1)


def test_a_store_that_refuses_raises_so_that_the_order_is_tried_again(
    mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The mail server knows no invoices: 404, as from any server that is not the store.
    monkeypatch.setenv("INVOICE_STORE", f"127.0.0.1:{mail_server.web.port}")
    order = an_order("r-000001")

    with pytest.raises(RuntimeError, match="answered 404 to the invoice of order r-000001"):
        invoices.handle(order, delivery(order))


def test_an_order_without_items_is_a_dead_letter(invoice_settings: Web) -> None:
    order = an_order("r-000001") | {"items": []}
    with pytest.raises(Reject):
        invoices.handle(order, delivery(order))

    assert invoice_settings.stats()["orders"] == 0
