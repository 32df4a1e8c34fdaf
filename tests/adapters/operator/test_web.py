"""HTTP servers that mean no good: what they send is bounded, and they hold up nobody else."""

import asyncio
import contextlib
import gzip
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import chain, repeat

import aiohttp
import pytest
from aiohttp import web

from qc_operator.brokers import web as brokers_web
from qc_operator.brokers.binding import from_secret
from qc_operator.brokers.credentials import Credentials
from qc_operator.brokers.login import Login
from qc_operator.brokers.management import ManagementApi, ManagementError
from qc_operator.brokers.node_metrics import NodeMetrics, NodeMetricsError
from qc_operator.brokers.web import open_session

MEGABYTE = 1 << 20
MANY = 200
"""More than the 100 connections that aiohttp would open for all hosts together."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Serve for the block; gives the address, with a name in it because cookies are for names."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


def told_of(uri: str) -> Credentials:
    keys = {"host": "127.0.0.9", "username": "u", "password": "p", "management_uri": uri, "metrics_uri": uri}
    data = {key: b64encode(value.encode()).decode() for key, value in keys.items()}
    return from_secret(data=data, secret="ns/broker", vhost=None)


async def ask_management(uri: str, session: aiohttp.ClientSession) -> None:
    credentials = told_of(uri)
    login = Login(credentials=credentials, session=session)
    await ManagementApi(credentials=credentials, login=login, session=session, within=10).get("/api/queues/%2F")


async def ask_for_metrics(uri: str, session: aiohttp.ClientSession) -> None:
    credentials = told_of(uri)
    login = Login(credentials=credentials, session=session)
    await NodeMetrics(uri=uri, credentials=credentials, login=login, session=session, within=10).read(with_types=False)


ASKING = [(ask_management, ManagementError, "ManagementFailed"), (ask_for_metrics, NodeMetricsError, "MetricsFailed")]


@pytest.mark.parametrize(("ask", "error", "reason"), ASKING, ids=["management", "metrics"])
async def test_an_answer_without_an_end_is_not_read_to_its_end(
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[[str, aiohttp.ClientSession], Awaitable[None]],
    error: type[Exception],
    reason: str,
) -> None:
    monkeypatch.setattr(brokers_web, "LONGEST_ANSWER", MEGABYTE)
    sent = 0

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        # 64 megabytes, and not for ever: a reader without a bound must fail the test and no more.
        for _ in range(64):
            await response.write(b" " * MEGABYTE)
            sent += 1
        return response

    async with serving(endless) as uri:
        with pytest.raises(error, match=f"more than {MEGABYTE} bytes") as told:
            await ask(uri, session)

    assert reason == getattr(told.value, "reason", None)
    assert sent < 64


@pytest.mark.parametrize(("ask", "error", "reason"), ASKING, ids=["management", "metrics"])
async def test_an_answer_that_was_packed_unasked_is_not_unpacked(
    session: aiohttp.ClientSession,
    ask: Callable[[str, aiohttp.ClientSession], Awaitable[None]],
    error: type[Exception],
    reason: str,
) -> None:
    async def packed(request: web.BaseRequest) -> web.StreamResponse:
        assert "identity" == request.headers["Accept-Encoding"]
        return web.Response(body=gzip.compress(b" " * MEGABYTE), headers={"Content-Encoding": "gzip"})

    async with serving(packed) as uri:
        with pytest.raises(error, match="packed content, which was not asked for") as told:
            await ask(uri, session)
        async with session.get(uri, headers={"Accept-Encoding": "identity"}) as answer:
            assert len(await answer.read()) < MEGABYTE / 100

    assert reason == getattr(told.value, "reason", None)


async def test_servers_that_hang_hold_up_no_other_and_not_themselves(session: aiohttp.ClientSession) -> None:
    asked, all_asked, ended = chain(range(1, MANY), repeat(MANY)), asyncio.Event(), asyncio.Event()

    async def hangs(_: web.BaseRequest) -> web.StreamResponse:
        if next(asked) == MANY:
            all_asked.set()
        await ended.wait()
        return web.Response()

    async def answers(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="[]")

    async with serving(hangs) as stuck, serving(answers) as other:
        waiting = [asyncio.create_task(ask_management(stuck, session)) for _ in range(MANY)]
        async with asyncio.timeout(8):
            await all_asked.wait()
        await ask_management(other, session)
        ended.set()
        await asyncio.gather(*waiting)


async def test_cookies_are_not_kept(session: aiohttp.ClientSession) -> None:
    shown: list[str | None] = []

    async def gives(request: web.BaseRequest) -> web.StreamResponse:
        shown.append(request.headers.get("Cookie"))
        response = web.Response(text="[]")
        response.set_cookie("who", "tenant")
        return response

    async with serving(gives) as uri:
        await ask_management(uri, session)
        await ask_management(uri, session)

    assert [None, None] == shown


async def test_an_api_whose_name_is_in_another_script_is_looked_for(session: aiohttp.ClientSession) -> None:
    with pytest.raises(ManagementError, match=r"management API https://bücher\.invalid:1 cannot be reached"):
        await ask_management("https://bücher.invalid:1", session)
