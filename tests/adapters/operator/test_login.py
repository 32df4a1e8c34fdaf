"""Logins to real brokers of both releases: over TLS, by password and by certificate; and what goes wrong."""

import asyncio
import dataclasses
import logging
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import aiohttp
import pika.exceptions
import pytest
from pika.adapters.utils.connection_workflow import AMQPConnectionWorkflowFailed

from qc_operator.brokers.binding import from_secret
from qc_operator.brokers.credentials import Credentials, LoginError, Tls
from qc_operator.brokers.login import Login
from qc_operator.brokers.tls import tls_problem
from tests.adapters.operator.conftest import started
from tests.amqp_connection import connected
from tests.certificates import Authority, Certificate, ServerTls
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost

AUTHORITY = Authority()
SECRET = "shop/rabbitmq"


@pytest.fixture(scope="module", params=["3.10", "4"])
def broker(request: pytest.FixtureRequest) -> Iterator[RabbitMQNode]:
    """A node with TLS that knows clients by their certificates, and takes others too."""
    node = RabbitMQNode(
        release=request.param,
        plugins=("rabbitmq_auth_mechanism_ssl",),
        tls=ServerTls(authority=AUTHORITY, certificate=AUTHORITY.server(), clients="asked", management=True),
    )
    with started(node):
        yield node


def secret(place: Vhost, **other: str) -> dict[str, str]:
    """The Secret for a vhost; `ca`, `crt` and `key` stand for the keys with a dot."""
    values = {
        "host": "localhost",
        "port": str(place.node.amqps_port),
        "username": place.username,
        "password": place.password,
        "vhost": place.vhost,
        "management_uri": place.node.management_tls_uri.replace("127.0.0.1", "localhost"),
        "ca.crt": AUTHORITY.certificate,
    }
    return values | {{"ca": "ca.crt", "crt": "tls.crt", "key": "tls.key"}.get(key, key): other[key] for key in other}


def read(values: dict[str, str]) -> Credentials:
    data = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    return from_secret(data=data, secret=SECRET, vhost=None)


async def declare(credentials: Credentials, session: aiohttp.ClientSession) -> str:
    """Log in, and ask for a queue that is not there: its name in the answer shows that we were let in."""
    host, port = credentials.hosts[0]
    login = Login(credentials=credentials, session=session)
    async with connected(login, host=host, port=port, vhost=credentials.vhost) as connection:
        return str(await connection.declare("nowhere"))


async def queues(credentials: Credentials, session: aiohttp.ClientSession) -> int:
    """The HTTP status of the management API's answer."""
    login = Login(credentials=credentials, session=session)
    host = "localhost"
    async with session.get(
        f"{credentials.management.uri}/api/queues/{quote(credentials.vhost, safe='')}",
        headers={"Authorization": await login.authorization() or ""},
        ssl=login.http_tls(),
        server_hostname=login.server_name(host),
    ) as response:
        return response.status


async def test_a_broker_with_a_private_ca(place: Vhost, session: aiohttp.ClientSession) -> None:
    credentials = read(secret(place))

    assert "no queue 'nowhere'" in await declare(credentials, session)
    assert 200 == await queues(credentials, session)


async def test_a_connection_string(place: Vhost, session: aiohttp.ClientSession) -> None:
    user, password, vhost = (quote(part, safe="") for part in (place.username, place.password, place.vhost))
    uri = f"amqps://{user}:{password}@localhost:{place.node.amqps_port}/{vhost}"

    assert "no queue" in await declare(read({"uri": uri, "ca.crt": AUTHORITY.certificate}), session)


async def test_without_tls_at_a_port_for_it_in_the_clear(place: Vhost, session: aiohttp.ClientSession) -> None:
    values = secret(place, tls="false", port=str(place.port))

    assert "no queue" in await declare(read(values), session)
    # The management API's address says https, and the private CA is trusted for it.
    assert 200 == await queues(read(values), session)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"ca": Authority().certificate}, "signed by a CA that is not trusted", id="another CA"),
        pytest.param({"ca": "", "tls": "true"}, "signed by a CA that is not trusted", id="the system's CAs"),
        pytest.param({"tls_server_name": "other.test"}, "is not for other.test", id="another name"),
    ],
)
async def test_a_server_that_is_not_the_one(
    place: Vhost, session: aiohttp.ClientSession, change: dict[str, str], words: str
) -> None:
    credentials = read(secret(place, **change))
    with pytest.raises(AMQPConnectionWorkflowFailed) as refused:
        await declare(credentials, session)
    with pytest.raises(aiohttp.ClientConnectorCertificateError) as refused_by_http:
        await queues(credentials, session)

    assert words in str(tls_problem(refused.value))
    assert words in str(tls_problem(refused_by_http.value))


async def test_a_port_that_speaks_no_tls(place: Vhost, session: aiohttp.ClientSession) -> None:
    with pytest.raises(AMQPConnectionWorkflowFailed) as refused:
        await declare(read(secret(place, port=str(place.port))), session)

    assert "the server speaks no TLS at this port" == tls_problem(refused.value)


async def test_a_port_that_wants_tls(place: Vhost, session: aiohttp.ClientSession) -> None:
    with pytest.raises(pika.exceptions.IncompatibleProtocolError) as refused:
        await declare(read(secret(place, tls="false")), session)

    assert tls_problem(refused.value) is None


async def test_a_certificate_for_another_name(place: Vhost, session: aiohttp.ClientSession) -> None:
    place.node.show_certificate(AUTHORITY.server("rabbit.test"))
    try:
        with pytest.raises(AMQPConnectionWorkflowFailed) as refused:
            await declare(read(secret(place)), session)
        named = read(secret(place, tls_server_name="rabbit.test"))
        unnamed = read(secret(place, tls_verify_hostname="false"))

        assert "the server's certificate is not for localhost; use a host name that it has" == tls_problem(
            refused.value
        )
        for credentials in (named, unnamed):
            assert "no queue" in await declare(credentials, session)
            assert 200 == await queues(credentials, session)
    finally:
        place.node.show_certificate(AUTHORITY.server())


@pytest.mark.parametrize("verify_hostname", ["true", "false"])
async def test_a_certificate_that_has_expired(
    place: Vhost, session: aiohttp.ClientSession, verify_hostname: str
) -> None:
    place.node.show_certificate(AUTHORITY.server(expired=True))
    try:
        with pytest.raises(AMQPConnectionWorkflowFailed) as refused:
            await declare(read(secret(place, tls_verify_hostname=verify_hostname)), session)

        assert "the server's certificate has expired" == tls_problem(refused.value)
    finally:
        place.node.show_certificate(AUTHORITY.server())


async def test_a_login_by_certificate(place: Vhost, session: aiohttp.ClientSession) -> None:
    mine = AUTHORITY.client(place.username)
    alone = read(secret(place, crt=mine.certificate, key=mine.key, username="", password="", management_uri=""))
    with_user = read(secret(place, crt=mine.certificate, key=mine.key, sasl_mechanism="EXTERNAL"))

    assert ("EXTERNAL", "EXTERNAL") == (alone.mechanism, with_user.mechanism)
    assert "no queue" in await declare(alone, session)
    assert await Login(credentials=alone, session=session).authorization() is None
    assert "no queue" in await declare(with_user, session)
    assert 200 == await queues(with_user, session)


@pytest.mark.parametrize(
    ("certify", "words"),
    [
        pytest.param(lambda user: AUTHORITY.client(user, expired=True), "in tls.crt: it has expired", id="expired"),
        pytest.param(Authority().client, "it does not trust the CA that signed it", id="another CA"),
    ],
)
async def test_a_client_certificate_that_the_broker_refuses(
    place: Vhost, session: aiohttp.ClientSession, certify: Callable[[str], Certificate], words: str
) -> None:
    mine = certify(place.username)
    values = secret(place, crt=mine.certificate, key=mine.key, sasl_mechanism="EXTERNAL")
    # TLS 1.3 refuses after the handshake: pika takes the end of the connection for a matter of the protocol.
    with pytest.raises(pika.exceptions.IncompatibleProtocolError) as refused:
        await declare(read(values), session)

    assert words in str(tls_problem(refused.value))


async def test_a_client_certificate_that_ends_does_not_end_the_connection(
    place: Vhost, session: aiohttp.ClientSession
) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=3)
    issued = AUTHORITY._ca.issue_cert("u@clients.test", common_name=place.username, not_after=ends)
    certificate, key = issued.cert_chain_pems[0].bytes().decode(), issued.private_key_pem.bytes().decode()
    values = secret(place, crt=certificate, key=key, sasl_mechanism="EXTERNAL")
    login = Login(credentials=read(values), session=session)
    async with connected(login, host="localhost", port=place.node.amqps_port, vhost=place.vhost) as connection:
        await asyncio.wait([connection.closed], timeout=(ends - datetime.now(UTC)).total_seconds() + 1)

        assert "no queue" in str(await connection.declare("nowhere"))
    with pytest.raises(pika.exceptions.IncompatibleProtocolError):
        await declare(read(values), session)


async def test_a_certificate_of_somebody_who_is_no_user(place: Vhost, session: aiohttp.ClientSession) -> None:
    mine = AUTHORITY.client("nobody")
    values = secret(place, crt=mine.certificate, key=mine.key, sasl_mechanism="EXTERNAL")
    with pytest.raises(pika.exceptions.ProbableAuthenticationError) as refused:
        await declare(read(values), session)

    assert tls_problem(refused.value) is None


async def test_the_management_api_by_a_user_of_its_own(place: Vhost, session: aiohttp.ClientSession) -> None:
    own = {"management_username": place.node.username, "management_password": place.node.password}
    values = secret(place, password="wrong", **own)

    assert 200 == await queues(read(values), session)
    assert 401 == await queues(read(secret(place, password="wrong")), session)


async def test_a_user_with_a_colon_cannot_log_in_by_http(session: aiohttp.ClientSession) -> None:
    credentials = read({"host": "rabbit", "username": "a:b", "password": "s3cret"})
    with pytest.raises(LoginError, match="give the Secret a management_username") as refused:
        await Login(credentials=credentials, session=session).authorization()

    assert "s3cret" not in str(refused.value)


async def test_a_tls_context_is_made_once(session: aiohttp.ClientSession) -> None:
    credentials = read({"host": "a,b", "username": "u", "password": "p", "ca.crt": AUTHORITY.certificate})
    login = Login(credentials=credentials, session=session)

    assert login.tls_options("a").context is login.tls_options("b").context
    assert login.tls_options("a").context is login.http_tls()
    assert ("a", "b") == (login.tls_options("a").server_hostname, login.tls_options("b").server_hostname)


async def test_a_server_name_is_that_of_the_brokers_hosts_alone(session: aiohttp.ClientSession) -> None:
    credentials = read(
        {"host": "10.0.0.1", "username": "u", "password": "p", "tls_server_name": "rabbit.test"},
    )
    login = Login(credentials=credentials, session=session)

    assert ("rabbit.test", "proxy.test") == (login.server_name("10.0.0.1"), login.server_name("proxy.test"))


async def test_a_password_needs_no_renewal(session: aiohttp.ClientSession) -> None:
    login = Login(credentials=read({"host": "a", "username": "u", "password": "p"}), session=session)
    login.refused()

    assert login.lifetime is None
    assert True is login.http_tls()
    with pytest.raises(LoginError, match="cannot be renewed"):
        await login.renew()


async def test_nothing_secret_is_logged_or_shown(
    place: Vhost, session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mine = AUTHORITY.client(place.username)
    right = read(secret(place, crt=mine.certificate, key=mine.key))
    wrong = dataclasses.replace(right, password=right.password + "-wrong")
    foreign = dataclasses.replace(right, tls=Tls(ca=Authority().certificate))
    await declare(right, session)
    await queues(right, session)
    shown = [repr(right), str(right)]
    for credentials in (wrong, foreign):
        with pytest.raises((pika.exceptions.AMQPConnectionError, AMQPConnectionWorkflowFailed)) as refused:
            await declare(credentials, session)
        shown += [repr(refused.value), str(refused.value), str(tls_problem(refused.value))]

    written = "\n".join([caplog.text, *shown])
    assert "pika" in written
    plain = place.password.encode()
    for form in (
        place.password,
        repr(place.password)[1:-1],
        quote(place.password),
        b64encode(plain).decode().rstrip("="),
    ):
        assert form not in written
    assert "PRIVATE KEY" not in written
    assert mine.key.splitlines()[1] not in written
