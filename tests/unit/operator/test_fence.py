"""A write is sent only while writing is allowed, and is given up when that ends; reading always is."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from qc_operator.cluster.client import ApiError, KubernetesApi

PATH = "/apis/apps/v1/namespaces/shop/deployments/receipts/scale"
PATIENCE = 5.0


@dataclass
class Answering:
    """A server that notes what it is asked, and answers when the test says so."""

    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.path_qs, body))
        self.begun.set()
        await self.go.wait()
        return web.json_response({"kind": "Scale"})


@pytest.fixture
async def server() -> AsyncIterator[Answering]:
    answering = Answering()
    answering.go.set()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answering.answer)
    async with TestServer(app) as server:
        answering.url = str(server.make_url("/"))
        yield answering
        answering.go.set()


@pytest.fixture
async def bound(server: Answering) -> AsyncIterator[Callable[[Callable[[], float]], KubernetesApi]]:
    async with aiohttp.ClientSession() as session:

        def make(remaining: Callable[[], float]) -> KubernetesApi:
            api = KubernetesApi(remaining=remaining)
            api.bind(session=session, server=server.url)
            return api

        yield make


Bound = Callable[[Callable[[], float]], KubernetesApi]


async def writes(api: KubernetesApi) -> list[ApiError | None]:
    """Try each kind of write once."""
    errors: list[ApiError | None] = []
    for request in (
        api.merge_patch(PATH, {"spec": {"replicas": 3}}),
        api.post(PATH, {}),
        api.put(PATH, {"kind": "Scale"}),
    ):
        try:
            await request
        except ApiError as error:
            errors.append(error)
        else:
            errors.append(None)
    return errors


async def test_while_it_is_allowed_each_kind_of_write_is_sent(server: Answering, bound: Bound) -> None:
    assert [None] * 3 == await writes(bound(lambda: float("inf")))

    assert [
        ("PATCH", PATH, {"spec": {"replicas": 3}}),
        ("POST", PATH, {}),
        ("PUT", PATH, {"kind": "Scale"}),
    ] == server.asked


async def test_when_it_is_not_no_write_is_sent_and_reading_goes_on(server: Answering, bound: Bound) -> None:
    api = bound(lambda: 0.0)
    errors = await writes(api)
    await api.get("/pods")

    assert [(0, "NotLeading")] * 3 == [(error.status, error.reason) for error in errors if error]
    assert [("GET", "/pods", None)] == server.asked
    assert str(errors[0]) == (
        f"PATCH {PATH}: not sent, because this process does not lead; the one that does will see to it"
    )


async def test_a_right_that_ends_while_a_connection_is_made_sends_nothing(server: Answering, bound: Bound) -> None:
    right = chain([3.0], repeat(0.0))

    with pytest.raises(ApiError) as raised:
        await bound(lambda: next(right)).put(PATH, {})

    assert ("NotLeading", []) == (raised.value.reason, server.asked)


async def test_a_write_is_given_up_when_the_right_ends(server: Answering, bound: Bound) -> None:
    server.go.clear()
    began = time.monotonic()
    with pytest.raises(ApiError, match=r"no answer within 0\.3 s") as raised:
        await bound(lambda: 0.3).merge_patch(PATH, {})

    assert (0, "Unreachable", True) == (raised.value.status, raised.value.reason, raised.value.passing)
    assert 0.25 < time.monotonic() - began < 0.9


async def test_the_api_server_is_told_to_give_it_up_then_too(server: Answering, bound: Bound) -> None:
    await bound(lambda: 4.0).merge_patch(f"{PATH}?fieldManager=us", {})
    await bound(lambda: 3600.0).merge_patch(PATH, {})

    assert [f"{PATH}?fieldManager=us&timeout=4001ms", f"{PATH}?timeout=10001ms"] == [
        path for _, path, _ in server.asked
    ]


async def test_writes_under_way_can_be_waited_for(server: Answering, bound: Bound) -> None:
    api = bound(lambda: 3.0)
    await asyncio.wait_for(api.settled(), PATIENCE)
    server.go.clear()
    write = asyncio.create_task(api.merge_patch(PATH, {}))
    await asyncio.wait_for(server.begun.wait(), PATIENCE)
    settled = asyncio.create_task(api.settled())
    await asyncio.sleep(0.05)
    assert not settled.done()

    server.go.set()
    await asyncio.wait_for(settled, PATIENCE)
    await write


async def test_a_write_that_is_cancelled_is_no_longer_under_way(server: Answering, bound: Bound) -> None:
    api = bound(lambda: 3.0)
    server.go.clear()
    write = asyncio.create_task(api.merge_patch(PATH, {}))
    await asyncio.wait_for(server.begun.wait(), PATIENCE)
    write.cancel()

    await asyncio.wait_for(api.settled(), PATIENCE)
