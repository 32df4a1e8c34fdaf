"""Handshakes that fail, with a server of Python's own: what they failed of is told in a sentence."""

import contextlib
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from qc_operator.brokers.credentials import Tls
from qc_operator.brokers.tls import context, tls_problem


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


def pem(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


def showing(certificate: trustme.LeafCert, *, ca: trustme.CA) -> Tls:
    shown = certificate.cert_chain_pems[0].bytes().decode()
    return Tls(ca=pem(ca), certificate=shown, key=certificate.private_key_pem.bytes().decode())


def handshake(
    server: ssl.SSLContext | None, client: ssl.SSLContext, *, name: str = "mine.example.org"
) -> ssl.SSLError | None:
    """The error of a handshake, or of the first answer after it: TLS 1.3 refuses clients that late."""
    here, there = socket.socketpair()

    def serve() -> None:
        with there, contextlib.suppress(OSError):
            if server is None:
                there.sendall(b"AMQP\0\0\x09\1")
                there.recv(1)
            else:
                with server.wrap_socket(there, server_side=True) as wrapped:
                    wrapped.sendall(b"welcome")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with here, client.wrap_socket(here, server_hostname=name) as wrapped:
            assert wrapped.recv(7) == b"welcome"
    except ssl.SSLError as error:
        return error
    finally:
        thread.join()
    return None


def problem(server: ssl.SSLContext | None, client: ssl.SSLContext, *, name: str = "mine.example.org") -> str | None:
    error = handshake(server, client, name=name)
    return tls_problem(error) if error else None


def server_of(certificate: trustme.LeafCert, *, clients: trustme.CA | None = None) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(made)
    if clients is not None:
        clients.configure_trust(made)
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def test_the_ca_of_the_server(authority: trustme.CA) -> None:
    server = server_of(authority.issue_cert("mine.example.org"))

    assert problem(server, context(Tls(ca=pem(trustme.CA()) + pem(authority)))) is None


def test_an_intermediate_ca_may_be_all_that_is_trusted(authority: trustme.CA) -> None:
    intermediate = authority.create_child_ca()

    assert problem(server_of(intermediate.issue_cert("mine.example.org")), context(Tls(ca=pem(intermediate)))) is None
    assert problem(server_of(authority.issue_cert("mine.example.org")), context(Tls(ca=pem(intermediate)))) is not None


def test_the_servers_own_certificate_may_be_all_that_is_trusted(authority: trustme.CA) -> None:
    mine, other = (authority.issue_cert("mine.example.org") for _ in range(2))
    trusted = Tls(ca=mine.cert_chain_pems[0].bytes().decode())

    assert problem(server_of(mine), context(trusted)) is None
    assert problem(server_of(other), context(trusted)) is not None


def test_a_certificate_that_has_expired(authority: trustme.CA) -> None:
    expired = authority.issue_cert("mine.example.org", not_after=datetime.now(UTC) - timedelta(hours=1))
    found = problem(server_of(expired), context(Tls(ca=pem(authority))))

    assert "the server's certificate has expired" == found


@pytest.mark.parametrize("name", ["other.example.org", "192.0.2.1", "fd00::1"])
def test_a_certificate_for_another_name(authority: trustme.CA, name: str) -> None:
    server = server_of(authority.issue_cert("mine.example.org"))
    found = problem(server, context(Tls(ca=pem(authority))), name=name)

    assert f"the server's certificate is not for {name}; use a host name that it has" == found


@pytest.mark.parametrize("ca", [None, trustme.CA().cert_pem.bytes().decode()], ids=["the system's", "another"])
def test_a_certificate_of_a_ca_that_is_not_trusted(authority: trustme.CA, ca: str | None) -> None:
    found = problem(server_of(authority.issue_cert("mine.example.org")), context(Tls(ca=ca)))

    assert "signed by a CA that is not trusted; put that CA into ca.crt" in str(found)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_without_the_certificate_that_is_wanted(authority: trustme.CA, version: ssl.TLSVersion) -> None:
    server = server_of(authority.issue_cert("mine.example.org"), clients=authority)
    server.maximum_version = version
    found = problem(server, context(Tls(ca=pem(authority))))

    assert "wants a client certificate" in str(found)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_that_has_expired(authority: trustme.CA, version: ssl.TLSVersion) -> None:
    server = server_of(authority.issue_cert("mine.example.org"), clients=authority)
    server.maximum_version = version
    expired = authority.issue_cert("client.example.org", not_after=datetime.now(UTC) - timedelta(hours=1))
    found = problem(server, context(showing(expired, ca=authority)))

    assert "the server refused the client certificate in tls.crt: it has expired" == found


def test_a_client_certificate_of_a_ca_that_the_server_does_not_trust(authority: trustme.CA) -> None:
    server = server_of(authority.issue_cert("mine.example.org"), clients=trustme.CA())
    found = problem(server, context(showing(authority.issue_cert("client.example.org"), ca=authority)))

    assert "it does not trust the CA that signed it" in str(found)


def test_a_port_without_tls(authority: trustme.CA) -> None:
    assert "the server speaks no TLS at this port" == problem(None, context(Tls(ca=pem(authority))))


def test_the_error_is_found_in_what_libraries_wrap_it_in(authority: trustme.CA) -> None:
    inner = handshake(None, context(Tls(ca=pem(authority))))
    assert inner is not None
    outer = ExceptionGroup("several hosts", [ValueError("else"), RuntimeError("pika", inner)])

    assert tls_problem(outer) is not None


def test_what_has_no_tls_in_it_is_no_problem_of_tls() -> None:
    loop = ConnectionRefusedError("refused")
    loop.__context__ = RuntimeError(loop)

    assert tls_problem(loop) is None
