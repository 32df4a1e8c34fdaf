"""Large answers of the Kubernetes API are handed over as they came; what is refused is an error as everywhere."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from qc_operator.cluster.client import ApiError, KubernetesApi


async def pods(_: web.Request) -> web.Response:
    return web.Response(body=b'{"items": []}', headers={"Date": "Fri, 27 Nov 2026 12:00:00 GMT"})


async def refused(_: web.Request) -> web.Response:
    return web.json_response({"kind": "Status", "reason": "Forbidden", "message": "cannot list pods"}, status=403)


async def no_json(_: web.Request) -> web.Response:
    return web.Response(text="upstream connect error", status=503)


@pytest.fixture
async def api() -> AsyncIterator[KubernetesApi]:
    app = web.Application()
    app.add_routes([web.get("/pods", pods), web.get("/refused", refused), web.get("/no-json", no_json)])
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        api = KubernetesApi()
        api.bind(session=session, server=str(server.make_url("/")))
        yield api


async def test_a_large_answer_comes_as_it_is_with_the_servers_time(api: KubernetesApi) -> None:
    assert (b'{"items": []}', "Fri, 27 Nov 2026 12:00:00 GMT") == await api.get_bytes("/pods")


@pytest.mark.parametrize(
    ("path", "status", "reason", "message"),
    [
        ("/refused", 403, "Forbidden", "cannot list pods"),
        ("/no-json", 503, "Service Unavailable", "upstream connect error"),
    ],
)
async def test_an_answer_that_is_an_error_is_raised(
    api: KubernetesApi, path: str, status: int, reason: str, message: str
) -> None:
    with pytest.raises(ApiError) as raised:
        await api.get_bytes(path)

    assert (status, reason, message) == (raised.value.status, raised.value.reason, str(raised.value))


async def test_a_server_that_is_away_is_a_trouble_that_passes() -> None:
    api = KubernetesApi()
    async with aiohttp.ClientSession() as session:
        api.bind(session=session, server="http://127.0.0.1:1")
        with pytest.raises(ApiError, match="GET /pods") as raised:
            await api.get_bytes("/pods")

    assert raised.value.passing
