"""A watch is an answer that goes on: its lines come as the server sends them, and it ends in one of a few ways."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from qc_operator.cluster.client import ApiError, KubernetesApi


async def split(request: web.Request) -> web.StreamResponse:
    response = await begin(request)
    for chunk in (b'{"a"', b': 1}\n{"b": 2}\n{"c', b'": 3}', b"\n", b"unfinished"):
        await response.write(chunk)
        await asyncio.sleep(0.01)
    return response


async def long(request: web.Request) -> web.StreamResponse:
    response = await begin(request)
    await response.write(b"x" * 3_000_000 + b"\n")
    return response


async def silent(request: web.Request) -> web.StreamResponse:
    response = await begin(request)
    await response.write(b"one\n")
    await asyncio.sleep(60)
    return response


async def broken(request: web.Request) -> web.StreamResponse:
    response = await begin(request)
    await response.write(b"one\n")
    assert request.transport
    request.transport.abort()
    return response


async def busy(_: web.Request) -> web.Response:
    status = {"kind": "Status", "reason": "TooManyRequests", "message": "too many"}
    return web.json_response(status, status=429, headers={"Retry-After": "7"})


async def begin(request: web.Request) -> web.StreamResponse:
    assert "application/json;as=Table" == request.headers["Accept"]
    response = web.StreamResponse()
    await response.prepare(request)
    return response


@pytest.fixture
async def api() -> AsyncIterator[KubernetesApi]:
    app = web.Application()
    app.add_routes([web.get(f"/{handler.__name__}", handler) for handler in (split, long, silent, broken, busy)])
    async with TestServer(app, shutdown_timeout=0.1) as server, aiohttp.ClientSession() as session:
        api = KubernetesApi()
        api.bind(session=session, server=str(server.make_url("/")))
        yield api


async def read(api: KubernetesApi, path: str, *, silence: float = 5.0) -> list[bytes]:
    async with api.stream(path, silence=silence, accept="application/json;as=Table") as stream:
        return [line async for line in stream]


async def test_lines_are_whole_however_they_come(api: KubernetesApi) -> None:
    assert [b'{"a": 1}', b'{"b": 2}', b'{"c": 3}'] == await read(api, "/split")


async def test_a_line_may_be_as_long_as_an_object(api: KubernetesApi) -> None:
    assert [3_000_000] == [len(line) for line in await read(api, "/long")]


async def test_silence_ends_it(api: KubernetesApi) -> None:
    assert [b"one"] == await asyncio.wait_for(read(api, "/silent", silence=0.2), 5)


@pytest.mark.parametrize(
    ("path", "status", "retry_after", "words"),
    [("/broken", 0, 0.0, "GET /broken: "), ("/busy", 429, 7.0, "too many"), ("/nowhere", 404, 0.0, "Not Found")],
)
async def test_what_goes_wrong_is_an_error_as_everywhere(
    api: KubernetesApi, path: str, status: int, retry_after: float, words: str
) -> None:
    with pytest.raises(ApiError, match=words) as raised:
        await read(api, path)

    assert (status, retry_after) == (raised.value.status, raised.value.retry_after)


async def test_a_mistake_of_whoever_reads_is_not_the_servers(api: KubernetesApi) -> None:
    async def misread() -> None:
        async with api.stream("/split", silence=5.0, accept="application/json;as=Table"):
            raise RuntimeError("ours")

    with pytest.raises(RuntimeError, match="ours"):
        await misread()
