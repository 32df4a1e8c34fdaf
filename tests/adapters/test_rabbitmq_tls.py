"""The brokers with TLS of the other tests refuse whom they should, and show the certificate that a test wants."""

import socket
import ssl
import tempfile
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pika
import pika.exceptions
import pytest

from tests.certificates import Authority, Certificate, ServerTls
from tests.rabbitmq_node import RabbitMQNode


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def nodes() -> Iterator[dict[str, RabbitMQNode]]:
    """A node with TLS for each release that a test has asked for."""
    made: dict[str, RabbitMQNode] = {}
    yield made
    for node in made.values():
        node.close()


@pytest.fixture
def node(nodes: dict[str, RabbitMQNode], authority: Authority, release: str) -> RabbitMQNode:
    if release not in nodes:
        tls = ServerTls(authority=authority, certificate=authority.server(), clients="asked", management=True)
        nodes[release] = RabbitMQNode(release=release, plugins=["rabbitmq_auth_mechanism_ssl"], tls=tls)
        nodes[release].start()
        nodes[release].ctl("add_user", "shop", "unused")
        nodes[release].ctl("set_permissions", "-p", "/", "shop", ".*", ".*", ".*")
    return nodes[release]


def context(trusted: Authority, *, shown: Certificate | None = None) -> ssl.SSLContext:
    made = ssl.create_default_context(cadata=trusted.certificate)
    if shown is not None:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(shown.certificate + shown.key)
            file.flush()
            made.load_cert_chain(file.name)
    return made


def connect(node: RabbitMQNode, tls: ssl.SSLContext, *, external: bool = False) -> Any:
    login: Any = pika.PlainCredentials(node.username, node.password)
    return pika.BlockingConnection(
        pika.ConnectionParameters(
            node.host,
            node.amqps_port,
            credentials=pika.credentials.ExternalCredentials() if external else login,
            ssl_options=pika.SSLOptions(tls, "localhost"),
        )
    )


def test_a_client_that_trusts_the_authority_connects(node: RabbitMQNode, authority: Authority) -> None:
    connect(node, context(authority)).close()
    page = f"{node.management_tls_uri}/"
    with urlopen(page, context=context(authority), timeout=5) as answer:  # noqa: S310 - https on loopback
        assert answer.status == 200


def test_a_client_is_the_user_that_its_certificate_names(node: RabbitMQNode, authority: Authority) -> None:
    connect(node, context(authority, shown=authority.client("shop")), external=True).close()
    with pytest.raises(pika.exceptions.AMQPConnectionError, match="ACCESS_REFUSED"):
        connect(node, context(authority, shown=authority.client("nobody")), external=True)


@pytest.mark.parametrize("known", [True, False], ids=["expired", "of another authority"])
def test_a_client_with_a_bad_certificate_is_refused(node: RabbitMQNode, authority: Authority, *, known: bool) -> None:
    shown = authority.client("shop", expired=True) if known else Authority().client("shop")
    tls, why = context(authority, shown=shown), "expired" if known else "unknown ca"
    # With TLS 1.3 the refusal comes after the handshake. Who writes before reading it, as an AMQP client does, may be
    # told no more than that the connection was reset.
    with (
        socket.create_connection((node.host, node.amqps_port), timeout=30) as plain,
        pytest.raises(ssl.SSLError, match=why),
        tls.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.recv(1)


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (lambda authority: authority.server(expired=True), "has expired"),
        (lambda authority: authority.server("elsewhere.test"), "Hostname mismatch"),
        (lambda _: Authority().server(), "unable to get local issuer"),
    ],
    ids=["expired", "another name", "another authority"],
)
def test_the_node_shows_another_certificate_at_once(
    node: RabbitMQNode, authority: Authority, shown: Any, why: str
) -> None:
    connect(node, context(authority)).close()
    node.show_certificate(shown(authority))
    with pytest.raises(ssl.SSLCertVerificationError, match=why):
        connect(node, context(authority))
    node.show_certificate(authority.server())
    connect(node, context(authority)).close()
