"""Servers that are no broker, no management API, or gone: what is told of them is meant for people."""

import asyncio
import socket
import struct
from base64 import b64encode
from collections.abc import Awaitable, Callable

import aiohttp
import pika.exceptions
import pytest

from qc_operator.brokers import trouble
from qc_operator.brokers.amqp import BrokerConnection, BrokerError
from qc_operator.brokers.binding import from_secret
from qc_operator.brokers.credentials import Credentials
from qc_operator.brokers.login import Login
from qc_operator.brokers.management import ManagementApi, ManagementError
from qc_operator.brokers.web import open_session

Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

NO_AMQP = "it ended the connection before AMQP began; is this the port of AMQP?"
OR_TLS = f"{NO_AMQP} If it is that of AMQP over TLS, give the Secret the key tls: true"


async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(8)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")


async def amqp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(8)
    writer.write(b"AMQP\x00\x00\x09\x01")


async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(8)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{")


async def ending(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del writer
    await reader.read(8)


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(8)
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del writer
    await reader.read()


async def port_of(serve: Server) -> tuple[asyncio.Server, int]:
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(closing, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


def read(**keys: str) -> Credentials:
    values = {"host": "127.0.0.1", "username": "user", "password": "secret"} | keys
    data = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    return from_secret(data=data, secret="shop/rabbitmq", vhost=None)


def connection_to(credentials: Credentials, session: aiohttp.ClientSession) -> BrokerConnection:
    login = Login(credentials=credentials, session=session)
    return BrokerConnection(
        credentials=credentials, host=credentials.hosts[0], login=login, identity="test", timeout=1.0
    )


async def told_over_amqp(**keys: str) -> str:
    credentials = read(**keys)
    async with open_session() as session:
        connection = connection_to(credentials, session)
        with pytest.raises(BrokerError) as told:
            await connection.open()
        await connection.close()
    where = f"broker {credentials.endpoint}, vhost /"
    message = str(told.value)
    assert message.startswith(where)
    return message.removeprefix(where)


async def told_over_http(uri: str) -> str:
    credentials = read(management_uri=uri)
    async with open_session() as session:
        login = Login(credentials=credentials, session=session)
        api = ManagementApi(credentials=credentials, login=login, session=session, within=1.0)
        with pytest.raises(ManagementError) as told:
            await api.get("/api/overview")
    where = f"management API {uri} "
    message = str(told.value)
    assert message.startswith(where)
    return message.removeprefix(where)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble, "CONNECT_WITHIN", 0.25)
    monkeypatch.setattr(trouble, "LOGIN_WITHIN", 0.5)


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize(
    ("serve", "tls", "told"),
    [
        (http, "false", f" cannot be reached: {OR_TLS}"),
        (ending, "false", f" cannot be reached: {OR_TLS}"),
        (resetting, "false", f" cannot be reached: {OR_TLS}"),
        (silent, "false", " cannot be reached: no answer within 0.5 s"),
        (silent, "true", " cannot be reached: no answer within 0.5 s"),
        (ending, "true", ": the server ended the connection during the TLS handshake"),
    ],
)
async def test_what_is_told_of_a_port_that_is_no_brokers(serve: Server, tls: str, told: str) -> None:
    server, port = await port_of(serve)
    message = await told_over_amqp(port=str(port), tls=tls)
    server.close()

    assert told == message


async def test_what_is_told_of_a_broker_that_nobody_can_connect_to(unused: int) -> None:
    refused = " cannot be reached: nothing listens there (connection refused)"
    unknown = " cannot be reached: its host name is not known"

    assert refused == await told_over_amqp(port=str(unused))
    assert unknown == await told_over_amqp(host="nowhere.invalid")
    assert f"{refused.removeprefix(' ')}; is the plugin rabbitmq_management on?" == await told_over_http(
        f"http://127.0.0.1:{unused}"
    )
    assert unknown.removeprefix(" ") == await told_over_http("http://nowhere.invalid")


@pytest.fixture
def unused() -> int:
    """A port that nothing listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.usefixtures("patience")
async def test_what_is_told_of_a_broker_whose_host_swallows_all_packets() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        # Nobody accepts, so that no more than a few are let in.
        held = [socket.socket() for _ in range(4)]
        for one in held:
            one.settimeout(0.0)
            one.connect_ex(full.getsockname())
        message = await told_over_amqp(port=str(full.getsockname()[1]))
        for one in held:
            one.close()

    assert " cannot be reached: no answer within 0.25 s" == message


@pytest.mark.parametrize(
    ("serve", "told"),
    [
        (amqp, "what answers there is not HTTP; check the port, and whether it is http:// or https://"),
        (ending, "it ended the connection without an answer"),
        (resetting, "the connection was reset"),
        (broken, "its answer broke off"),
    ],
)
async def test_what_is_told_of_a_port_that_is_no_management_apis(serve: Server, told: str) -> None:
    server, port = await port_of(serve)
    message = await told_over_http(f"http://127.0.0.1:{port}")
    server.close()

    assert f"cannot be reached: {told}" == message


async def test_a_slow_network_is_told_in_the_systems_words_without_numbers() -> None:
    assert "no route to host" == trouble.of_the_network(OSError(113, "whatever"))
    assert "no answer in time" == trouble.of_the_network(TimeoutError())
    assert "no answer in time" == trouble.of_http(aiohttp.ConnectionTimeoutError("Connection timeout to host http://h"))
    # Temporary: the name may well be known.
    again = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    assert "its host name was not found: Temporary failure in name resolution" == trouble.of_the_network(again)


async def test_a_vhost_that_is_deleted_under_its_connections_is_told_as_one_that_does_not_exist() -> None:
    said = "CONNECTION_FORCED - {} is deleted"
    async with open_session() as session:
        connection = connection_to(read(), session)
        told, other = (
            connection.explain(pika.exceptions.ConnectionClosedByBroker(320, said.format(what)))
            for what in ("vhost 'shop'", "user 'vhost'")
        )

    assert ("VhostNotFound", "broker 127.0.0.1:5672, vhost /: the vhost does not exist") == (told.reason, str(told))
    assert "BrokerClosedConnection" == other.reason
