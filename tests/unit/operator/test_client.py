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


async def lines(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"one\ntwo\n")
    return response


async def no_json(_: web.Request) -> web.Response:
    return web.Response(text="upstream connect error", status=503)


Asked = list[tuple[str, str, str]]
"""Verb, resource and code of each request that was told of."""


@pytest.fixture
def asked() -> Asked:
    return []


@pytest.fixture
async def api(asked: Asked) -> AsyncIterator[KubernetesApi]:
    app = web.Application()
    app.add_routes([web.get("/pods", pods), web.get("/refused", refused), web.get("/no-json", no_json)])
    scale = "/apis/apps/v1/namespaces/a/deployments/b/scale"
    app.add_routes([web.patch(scale, refused), web.get("/api/v1/pods", lines)])
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        api = KubernetesApi(asked=lambda verb, resource, code, _: asked.append((verb, resource, code)))
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


async def test_each_request_is_told_of_with_its_verb_resource_and_code(api: KubernetesApi, asked: Asked) -> None:
    with pytest.raises(ApiError):
        await api.merge_patch("/apis/apps/v1/namespaces/a/deployments/b/scale", {})
    async with api.stream("/api/v1/pods?watch=true", silence=5.0) as told:
        assert [b"one", b"two"] == [line async for line in told]
    await api.get("/api/v1/pods")

    assert [("patch", "deployments/scale", "403"), ("watch", "pods", "200"), ("list", "pods", "200")] == asked


async def test_a_request_without_an_answer_is_told_of_and_one_that_was_not_sent_is_not(asked: Asked) -> None:
    for remaining in (lambda: float("inf"), lambda: 0.0):
        api = KubernetesApi(
            remaining=remaining, asked=lambda verb, resource, code, _: asked.append((verb, resource, code))
        )
        async with aiohttp.ClientSession() as session:
            api.bind(session=session, server="http://127.0.0.1:1")
            with pytest.raises(ApiError):
                await api.post("/api/v1/namespaces/a/events", {})

    assert [("create", "events", "none")] == asked
