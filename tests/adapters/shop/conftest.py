"""The shop's mail server and invoice store, for real, on loopback."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from examples.shop.services import invoice_store, mail
from examples.shop.services.json_http import JsonServer, Route
from examples.shop.services.ledger import Ledger
from tests.adapters.shop.servers import MailServer, Web


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(routes: list[Route]) -> Iterator[Web]:
    server = JsonServer(port=0, routes=routes, host="127.0.0.1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Web(port=server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    ledger = Ledger()
    # aiosmtpd connects to itself at its start and so must be given a number.
    smtp_port = free_port()
    smtp = mail.start_smtp(ledger, host="127.0.0.1", port=smtp_port, service_seconds=0.01)
    with serving(mail.routes(ledger)) as web:
        yield MailServer(smtp_port=smtp_port, web=web)
    smtp.stop()


@pytest.fixture
def store() -> Iterator[Web]:
    with serving(invoice_store.routes(Ledger(), service_seconds=0.01)) as web:
        yield web
