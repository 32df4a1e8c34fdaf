"""Logins by OAuth 2 tokens to real brokers of both releases, which check them with the keys of a real issuer."""

import asyncio
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pika.exceptions
import pytest

from qc_operator.brokers.binding import from_secret
from qc_operator.brokers.credentials import Credentials, LoginError
from qc_operator.brokers.login import Login
from qc_operator.brokers.management import ManagementApi, ManagementError
from tests.adapters.operator.conftest import started
from tests.amqp_connection import connected
from tests.certificates import Authority, ServerTls
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost
from tests.token_issuer import Client, TokenIssuer

AUTHORITY = Authority()
ISSUERS = {"authlib", "werkzeug"}
LIFE = 10
"""Seconds. A token is renewed after 8 of them, and RabbitMQ, which counts whole seconds, may end it after 9."""


@pytest.fixture(scope="module")
def issuer() -> Iterator[TokenIssuer]:
    made = TokenIssuer(certificate=AUTHORITY.server())
    made.add(Client("operator", "s3cret", ("rabbitmq.write:*/nowhere", "rabbitmq.tag:management")))
    made.add(Client("brief", "s3cret", ("rabbitmq.write:*/nowhere", "rabbitmq.tag:management"), life=LIFE))
    made.add(Client("untagged", "s3cret", ("rabbitmq.write:*/nowhere",)))
    made.add(Client("nowhere", "s3cret", ("rabbitmq.read:other/*",)))
    made.add(Client("elsewhere", "s3cret", ("rabbitmq.read:*/*",), audience="another-broker"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module", params=["3.10", "4"])
def broker(
    request: pytest.FixtureRequest, issuer: TokenIssuer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RabbitMQNode]:
    ca = tmp_path_factory.mktemp("issuer") / "ca.pem"
    ca.write_text(AUTHORITY.certificate)
    node = RabbitMQNode(
        release=request.param,
        plugins=("rabbitmq_auth_backend_oauth2",),
        settings=_settings(issuer, ca=ca),
        tls=ServerTls(authority=AUTHORITY, certificate=AUTHORITY.server(), management=True),
    )
    with started(node):
        yield node


def _settings(issuer: TokenIssuer, *, ca: Path) -> tuple[str, ...]:
    return (
        "auth_backends.1 = rabbit_auth_backend_oauth2",
        "auth_backends.2 = rabbit_auth_backend_internal",  # the test's own administrator
        "auth_oauth2.resource_server_id = rabbitmq",
        f"auth_oauth2.jwks_url = {issuer.keys_uri}",
        f"auth_oauth2.https.cacertfile = {ca}",
        "auth_oauth2.https.peer_verification = verify_peer",
    )


def read(place: Vhost, issuer: TokenIssuer, *, client: str = "operator") -> Credentials:
    values = {
        "host": "localhost",
        "port": str(place.node.amqps_port),
        "vhost": place.vhost,
        "management_uri": place.node.management_tls_uri,
        "ca.crt": AUTHORITY.certificate,
        "oauth2_token_uri": issuer.token_uri,
        "oauth2_client_id": client,
        "oauth2_client_secret": "s3cret",
    }
    data = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    return from_secret(data=data, secret="shop/rabbitmq", vhost=None)


async def declare(credentials: Credentials, login: Login) -> str:
    host, port = credentials.hosts[0]
    async with connected(login, host=host, port=port, vhost=credentials.vhost) as connection:
        return str(await connection.declare("nowhere"))


async def queues(credentials: Credentials, login: Login, session: aiohttp.ClientSession) -> int:
    """The HTTP status of the management API's answer."""
    async with session.get(
        f"{credentials.management.uri}/api/queues/{quote(credentials.vhost, safe='')}",
        headers={"Authorization": await login.authorization() or ""},
        ssl=login.http_tls(),
    ) as response:
        return response.status


async def test_one_token_is_for_amqp_and_for_the_management_api(
    place: Vhost, issuer: TokenIssuer, session: aiohttp.ClientSession
) -> None:
    credentials = read(place, issuer)
    login = Login(credentials=credentials, session=session)
    before = len(issuer.issued)

    assert "no queue 'nowhere'" in await declare(credentials, login)
    assert 200 == await queues(credentials, login, session)
    assert 1 == len(issuer.issued) - before


async def test_a_renewed_token_keeps_the_connection_past_the_end_of_the_first(
    place: Vhost, issuer: TokenIssuer, session: aiohttp.ClientSession
) -> None:
    credentials = read(place, issuer, client="brief")
    login = Login(credentials=credentials, session=session)
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with connected(login, host="localhost", port=place.node.amqps_port, vhost=place.vhost) as connection:
        while loop.time() < started + 1.2 * LIFE:
            ended = await asyncio.wait([connection.closed], timeout=login.lifetime)
            assert not ended[0], connection.closed.result()
            await connection.update_secret(await login.renew())

        assert "no queue" in str(await connection.declare("nowhere"))
        assert 200 == await queues(credentials, login, session)


async def test_a_token_that_is_not_renewed(place: Vhost, issuer: TokenIssuer, session: aiohttp.ClientSession) -> None:
    login = Login(credentials=read(place, issuer, client="brief"), session=session)
    async with connected(login, host="localhost", port=place.node.amqps_port, vhost=place.vhost) as connection:
        await asyncio.wait([connection.closed], timeout=LIFE + 2)

        if place.node.release.version >= (4,):
            assert "CONNECTION_FORCED - credential expired" in str(connection.closed.result())
        else:
            # 3.10 looks at the token only where something needs a permission, and a passive declare needs none.
            assert "no queue" in str(await connection.declare("nowhere"))


async def test_a_token_without_a_scope_for_the_vhost(
    place: Vhost, issuer: TokenIssuer, session: aiohttp.ClientSession
) -> None:
    credentials = read(place, issuer, client="nowhere")
    login = Login(credentials=credentials, session=session)
    with pytest.raises(pika.exceptions.ProbableAccessDeniedError, match="refused for user"):
        await declare(credentials, login)

    assert 401 == await queues(credentials, login, session)


async def test_a_token_without_the_tag_is_told_what_it_lacks(
    place: Vhost, issuer: TokenIssuer, session: aiohttp.ClientSession
) -> None:
    credentials = read(place, issuer, client="untagged")
    login = Login(credentials=credentials, session=session)
    api = ManagementApi(credentials=credentials, login=login, session=session, within=5.0)
    with pytest.raises(ManagementError) as told:
        await api.get("/api/overview")

    assert "refused the token of client untagged (Not management user)" in str(told.value)
    assert str(told.value).endswith(
        f"; a token needs a scope that ends in `.tag:management`, and one for a permission in vhost {place.vhost}"
    )


async def test_a_token_for_another_audience(place: Vhost, issuer: TokenIssuer, session: aiohttp.ClientSession) -> None:
    credentials = read(place, issuer, client="elsewhere")
    login = Login(credentials=credentials, session=session)
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        await declare(credentials, login)

    assert 401 == await queues(credentials, login, session)


async def test_without_a_token_there_is_no_login(
    place: Vhost, issuer: TokenIssuer, session: aiohttp.ClientSession
) -> None:
    login = Login(credentials=read(place, issuer, client="unknown"), session=session)

    for attempt in (login.sasl, login.authorization, login.renew):
        with pytest.raises(LoginError, match="refused client unknown: invalid_client"):
            await attempt()


async def test_nothing_secret_is_logged_or_shown(
    place: Vhost, issuer: TokenIssuer, session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    credentials = read(place, issuer)
    login = Login(credentials=credentials, session=session)
    async with connected(login, host="localhost", port=place.node.amqps_port, vhost=place.vhost) as connection:
        await connection.update_secret(await login.renew())
    await queues(credentials, login, session)
    # The issuer runs in this process too, and logs what it is asked for.
    logged = [record.getMessage() for record in caplog.records if record.name.split(".")[0] not in ISSUERS]
    written = "\n".join([*logged, repr(credentials), repr(vars(login))])

    assert "pika" in {record.name.split(".")[0] for record in caplog.records}
    for token in issuer.issued[-2:]:
        assert token not in written
        assert token.rpartition(".")[2][:40] not in written
        assert b64encode(token.encode()).decode()[:40] not in written
    assert "s3cret" not in written
