"""The bad network of the other tests: each trouble is the one that it says it is, and heals."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.toxiproxy import Proxy, Toxiproxy

QUIET_SECONDS = 0.3
"""How long nothing must arrive to call it silence; an answer through an undisturbed proxy takes about 1 ms."""


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_repeat, args=(connection,), daemon=True).start()


def _repeat(connection: socket.socket) -> None:
    with connection:
        try:
            while data := connection.recv(1024):
                connection.sendall(data)
        except OSError:
            return


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection((proxy.host, proxy.port), timeout=5)


def answer(client: socket.socket, word: bytes = b"word") -> bytes:
    client.sendall(word)
    return client.recv(1024)


def is_silent(client: socket.socket) -> bool:
    client.settimeout(QUIET_SECONDS)
    try:
        client.recv(1024)
    except TimeoutError:
        return True
    else:
        return False
    finally:
        client.settimeout(5)


def test_undisturbed_it_passes_everything_on(toxiproxy: Toxiproxy, echo: tuple[str, int]) -> None:
    with connect(toxiproxy.proxy(*echo)) as client:
        assert answer(client) == b"word"


def test_latency_delays_open_connections_too(toxiproxy: Toxiproxy, echo: tuple[str, int]) -> None:
    proxy = toxiproxy.proxy(*echo)
    with connect(proxy) as client:
        proxy.latency(1000)
        client.sendall(b"word")
        assert is_silent(client)
        assert client.recv(1024) == b"word"


def test_a_blackhole_swallows_and_says_nothing(toxiproxy: Toxiproxy, echo: tuple[str, int]) -> None:
    proxy = toxiproxy.proxy(*echo)
    with connect(proxy) as old:
        proxy.blackhole()
        with connect(proxy) as new:
            for client in old, new:
                client.sendall(b"word")
                assert is_silent(client)
        proxy.heal()
        with connect(proxy) as after:
            assert answer(after) == b"word"


def test_a_stall_keeps_what_was_said_in_it(toxiproxy: Toxiproxy, echo: tuple[str, int]) -> None:
    proxy = toxiproxy.proxy(*echo)
    with connect(proxy) as client:
        proxy.stall()
        client.sendall(b"word")
        assert is_silent(client)
        proxy.heal()
        assert client.recv(1024) == b"word"
        assert answer(client, b"again") == b"again"


def test_a_cut_ends_connections_and_refuses_new_ones(toxiproxy: Toxiproxy, echo: tuple[str, int]) -> None:
    proxy = toxiproxy.proxy(*echo)
    with connect(proxy) as client:
        proxy.cut()
        assert client.recv(1024) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.heal()
    with connect(proxy) as client:
        assert answer(client) == b"word"


def test_an_abrupt_proxy_resets_open_connections(toxiproxy: Toxiproxy, echo: tuple[str, int]) -> None:
    proxy = toxiproxy.proxy(*echo, abrupt=True)
    with connect(proxy) as client:
        assert answer(client) == b"word"
        proxy.drop()
        with pytest.raises(ConnectionResetError):
            client.recv(1024)
    with connect(proxy) as client:
        assert answer(client) == b"word"


def test_reset_peer_resets_new_connections_until_it_heals(toxiproxy: Toxiproxy, echo: tuple[str, int]) -> None:
    proxy = toxiproxy.proxy(*echo)
    proxy.reset_peer()
    with connect(proxy) as client:
        client.sendall(b"word")
        with pytest.raises(ConnectionResetError):
            client.recv(1024)
    proxy.heal()
    with connect(proxy) as client:
        assert answer(client) == b"word"
