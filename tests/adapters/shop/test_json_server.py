"""The HTTP server of the shop's services and of the demo, with those who ask it on loopback."""

import socket
import struct
import threading

import pytest

from examples.shop.services.json_http import Answer, Request, Route, as_json
from tests.adapters.shop.conftest import serving


def test_one_who_is_gone_before_the_answer_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    asked, answer = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def slow(_: Request) -> Answer:
        threads.append(threading.current_thread())
        asked.set()
        answer.wait(10)
        return as_json({"size": "x" * 1_000_000})

    with serving([Route(method="GET", path="/slow", call=slow)]) as web:
        with socket.create_connection(("127.0.0.1", web.port)) as client:
            client.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert asked.wait(10)
            # Ends with a reset, as a process does that is killed while an answer comes in.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        answer.set()
        threads[0].join(10)

    assert not threads[0].is_alive()
    assert capfd.readouterr() == ("", "")
