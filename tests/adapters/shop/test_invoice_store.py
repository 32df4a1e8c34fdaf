import json
import threading

import pytest

from tests.adapters.shop.servers import Web


def test_an_invoice_is_stored_under_its_order(store: Web) -> None:
    assert store.request("PUT", "/invoices/r-000001", b"INVOICE r-000001")[0] == 201
    assert store.get("/invoices/r-000001") == (200, b"INVOICE r-000001")
    assert json.loads(store.get("/orders")[1]) == ["r-000001"]


def test_an_invoice_written_again_is_accepted_counted_and_changes_nothing(store: Web) -> None:
    answers = [store.request("PUT", "/invoices/r-000001", body)[0] for body in (b"one", b"two", b"three")]

    assert answers == [201, 200, 200]
    assert store.get("/invoices/r-000001") == (200, b"one")
    assert (store.stats()["orders"], store.stats()["repeated"]) == (1, 2)


def test_the_same_invoice_from_many_at_once_is_created_once(store: Web) -> None:
    answers: list[int] = []
    writers = [
        threading.Thread(target=lambda: answers.append(store.request("PUT", "/invoices/r-1", b"x")[0]))
        for _ in range(16)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert sorted(answers) == [200] * 15 + [201]
    assert store.stats()["repeated"] == 15


@pytest.mark.parametrize(("path", "body"), [("/invoices/", b"x"), ("/invoices/r-1", b"")])
def test_an_invoice_without_order_or_content_is_refused(store: Web, path: str, body: bytes) -> None:
    status, answer = store.request("PUT", path, body)

    assert (status, "PUT /invoices/<order id>" in answer.decode()) == (400, True)
    assert store.stats()["orders"] == 0


def test_the_wait_is_measured_from_the_messages_publishing(store: Web) -> None:
    store.request("PUT", "/invoices/r-1", b"x", X_Enqueued_At="1000000000.0")

    assert store.stats()["longestWaitSeconds"] > 365 * 24 * 3600


def test_a_time_that_is_none_is_refused_and_nothing_is_stored(store: Web) -> None:
    assert store.request("PUT", "/invoices/r-1", b"x", X_Enqueued_At="yesterday")[0] == 400
    assert store.stats()["orders"] == 0
