"""The page's answers: read-only, guarded by headers, and nothing stale from who does not lead."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import yaml
from yarl import URL

from bench.page_scene import utcnow
from qc_operator import VERSION, resource
from qc_operator.page import view as page_view
from qc_operator.page.board import Told
from qc_operator.page.row import Row
from tests.adapters.page.conftest import Served

PATHS = ["/", "/page.js", "/api/v1/operator", "/api/v1/queueconsumers", "/api/v1/queueconsumers/shop/orders", "/none"]


@pytest.fixture
async def http(served: Served) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(served.url) as session:
        yield session


async def answer(http: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    async with http.get(path) as response:
        return {"status": response.status, **await response.json()}


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
    """Id, kind and data of each event."""
    event: dict[str, str] = {}
    async for line in response.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            event[name] = value
        elif "data" in event:
            yield event["id"], event["event"], json.loads(event["data"])
            event = {}


async def test_every_answer_says_what_a_browser_may_do_with_it(http: aiohttp.ClientSession) -> None:
    for path in PATHS:
        async with http.get(path) as response:
            headers = response.headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
        assert "default-src 'none'" in headers["Content-Security-Policy"], path
        assert ("nosniff", "no-referrer", "queueconsumer") == (
            headers["X-Content-Type-Options"],
            headers["Referrer-Policy"],
            headers["Server"],
        ), path
        assert [] == [name for name in headers if name.lower().startswith("access-control-") or name == "Set-Cookie"]


async def test_scripts_run_by_a_number_that_is_used_once(http: aiohttp.ClientSession) -> None:
    numbers = set()
    for _ in range(2):
        async with http.get("/") as response:
            text, policy = await response.text(), response.headers["Content-Security-Policy"]
        used = set(re.findall(r'nonce="([^"]+)"', text))
        assert len(used) == 1
        assert "unsafe" not in policy
        assert used == set(re.findall(r"'nonce-([^']+)'", policy))
        numbers |= used

    assert 2 == len(numbers)


async def test_nothing_can_be_changed(http: aiohttp.ClientSession) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in (*PATHS[:-1], "/api/v1/stream"):
            async with http.request(method, path) as response:
                assert 405 == response.status, (method, path)


@pytest.mark.parametrize(
    "host",
    ["evil.example.com:8081", "queues.example.com.evil.com", "localhost.evil.com", "127.0.0.1.evil.com", "[::1", ""],
)
async def test_a_site_whose_name_leads_here_reads_nothing(http: aiohttp.ClientSession, host: str) -> None:
    """DNS rebinding: its name resolves to 127.0.0.1, where `kubectl port-forward` has the page."""
    for path in (*PATHS, "/api/v1/stream"):
        async with http.get(path, headers={"Host": host}) as response:
            told = await response.json()
        assert (421, ["error"]) == (response.status, list(told)), path
        assert "QC_PAGE_HOSTS (page.hosts of the chart)" in told["error"]
        assert "nosniff" == response.headers["X-Content-Type-Options"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:9000", "10.4.0.7", "[::1]:8081", "localhost:8081", "LOCALHOST", "page.localhost:1", "localhost.",
        "queueconsumer-operator:8081", "queues.example.com",
    ],
)  # fmt: skip
async def test_who_asks_this_machine_or_a_name_of_ours_is_answered(http: aiohttp.ClientSession, host: str) -> None:
    async with http.get("/api/v1/queueconsumers", headers={"Host": host}) as response:
        assert 200 == response.status


async def test_nothing_else_is_served(served: Served) -> None:
    async with aiohttp.ClientSession() as http:
        for path in ("/uPlot.json", "/%2e%2e/server.py", "/..%2fserver.py", "/static/page.js", "/none"):
            async with http.get(URL(f"{served.url}{path}", encoded=True)) as response:
                assert 404 == response.status, path


async def test_a_file_is_sent_compressed_and_once(http: aiohttp.ClientSession) -> None:
    async with http.get("/uPlot.iife.min.js") as response:
        assert ("gzip", "text/javascript") == (response.headers["Content-Encoding"], response.content_type)
        tag = response.headers["ETag"]
    async with http.get("/uPlot.iife.min.js", headers={"If-None-Match": tag}) as response:
        assert (304, b"") == (response.status, await response.read())
    async with http.get("/uPlot.iife.min.js", headers={"Accept-Encoding": "identity"}) as response:
        assert None is response.headers.get("Content-Encoding")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, deflate, br", "gzip"), ("gzip;q=0", None), ("deflate;q=0, identity", None), ("deflate", None)],
)
@pytest.mark.parametrize("path", ["/", "/page.js", "/api/v1/queueconsumers", "/none"])
async def test_who_refuses_a_coding_is_not_sent_it(
    served: Served, path: str, accepted: str, coding: str | None
) -> None:
    async with (
        aiohttp.ClientSession(served.url, auto_decompress=False) as http,
        http.get(path, headers={"Accept-Encoding": accepted}) as response,
    ):
        assert coding == response.headers.get("Content-Encoding")


async def test_all_rows_the_worst_first(http: aiohttp.ClientSession) -> None:
    told = await answer(http, "/api/v1/queueconsumers")

    assert ["shop/orders late", "mail/mails notReady", "shop/thumbnails limited"] == [
        f"{row['namespace']}/{row['name']} {row['state']}" for row in told["items"][:3]
    ]
    assert (200, True, "pod-a", 9) == (
        told["status"],
        told["operator"]["leading"],
        told["operator"]["leader"],
        sum(told["operator"]["counts"].values()),
    )


async def test_one_of_them_with_all_that_is_known(http: aiohttp.ClientSession) -> None:
    told = await answer(http, "/api/v1/queueconsumers/shop/orders")

    assert ["wait", "bounds"] == [step["step"] for step in told["decision"]["steps"]]
    assert (8, "max") == (told["decision"]["to"], told["decision"]["limitedBy"])
    assert {"at", "ready", "unacked", "wait", "arrivals", "capacity", "current", "desired"} == set(told["series"])
    assert 1 == len({len(column) for column in told["series"].values()})
    assert told["series"]["at"] == sorted(told["series"]["at"])
    assert told["series"]["at"][-1] - told["series"]["at"][0] > 7000
    assert told["history"][0]["to"] == 8


async def test_all_who_look_at_one_at_the_same_moment_are_shown_the_same_view(
    served: Served, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes 1.5 ms to make. What is told makes it another one."""
    made: list[str] = []
    real = page_view.view

    def counted(told: Told, *, row: Row, now: int) -> page_view.View:
        made.append(row.name)
        return real(told, row=row, now=now)

    monkeypatch.setattr(page_view, "view", counted)
    moment = utcnow()
    served.page._utcnow = lambda: moment
    first, second = [await answer(http, "/api/v1/queueconsumers/bank/statements") for _ in range(2)]
    assert (["statements"], first) == (made, second)
    served.scale("statements", to=4)
    third = await answer(http, "/api/v1/queueconsumers/bank/statements")
    assert (0, 4) == (third["history"][0]["from"], third["history"][0]["to"])
    moment += timedelta(seconds=1)
    await answer(http, "/api/v1/queueconsumers/bank/statements")

    assert ["statements"] * 3 == made


async def test_its_yaml_is_the_object_and_one_that_would_be_enough(http: aiohttp.ClientSession) -> None:
    told = await answer(http, "/api/v1/queueconsumers/shop/orders")
    written, enough = yaml.safe_load(told["yaml"]), yaml.safe_load(told["raised"]["yaml"])

    assert ("QueueConsumer", "orders", 8) == (
        written["kind"],
        written["metadata"]["name"],
        resource.parse(written["spec"]).max_replicas,
    )
    assert told["raised"]["maxReplicas"] == told["decision"]["steps"][0]["replicas"] == enough["spec"]["maxReplicas"]
    enough["spec"]["maxReplicas"] = 8
    assert written == enough


async def test_what_is_not_there_is_said_not_to_be(http: aiohttp.ClientSession) -> None:
    told = await answer(http, "/api/v1/queueconsumers/shop/none")

    assert (404, "this operator serves no such QueueConsumer") == (told["status"], told["error"])


async def test_a_scaling_is_seen_at_once(served: Served, http: aiohttp.ClientSession) -> None:
    """How soon in figures, bench/page.py measures."""
    served.only_at_once()
    async with http.get("/api/v1/stream") as response:
        stream = events(response)
        _, kind, begun = await anext(stream)
        served.scale("statements", to=4)
        _, _, data = await anext(stream)

    assert ("all", 9, "text/event-stream") == (kind, len(begun["rows"]), response.content_type)
    assert [("statements", 0, 4)] == [(each["name"], each["from"], each["to"]) for each in data["scalings"]]


@pytest.mark.parametrize("how", ["header", "query"])
async def test_a_lost_connection_goes_on_where_it_ended(served: Served, http: aiohttp.ClientSession, how: str) -> None:
    async with http.get("/api/v1/stream") as response:
        last, _, _ = await anext(events(response))
    served.scale("statements", to=4)
    headers = {"Last-Event-ID": last} if how == "header" else {}
    query = {"after": last} if how == "query" else {}
    async with http.get("/api/v1/stream", headers=headers, params=query) as response:
        _, kind, data = await anext(events(response))

    assert ("update", ["statements"]) == (kind, [each["name"] for each in data["scalings"]])


@pytest.mark.parametrize(("leader", "words"), [("pod-b", "pod-b leads"), ("", "nobody is known to lead")])
async def test_who_stands_by_says_who_leads_and_shows_nothing(
    served: Served, http: aiohttp.ClientSession, leader: str, words: str
) -> None:
    served.leads, served.leader = False, leader
    for path in ("/api/v1/queueconsumers", "/api/v1/queueconsumers/shop/orders"):
        told = await answer(http, path)
        assert (503, f"this pod stands by: {words}", leader) == (told["status"], told["error"], told["leader"])
    about = await answer(http, "/api/v1/operator")

    assert (200, False, leader, "pod-a") == (about["status"], about["leading"], about["leader"], about["pod"])
    assert VERSION == about["version"]


async def test_who_reads_nothing_and_breaks_off_is_let_go_without_a_word(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """As a telephone does that leaves the network: it happens all the time."""
    address = URL(served.url)
    with socket.create_connection((address.host, address.port)) as connection:
        connection.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(30):
            while not served.page._stream.viewers:  # noqa: ASYNC110 - it comes by the network
                await asyncio.sleep(0.01)
            (viewer,) = served.page._stream._viewers
            # More than the kernel takes for somebody who does not read.
            viewer.put(b"x" * 20_000_000)
            await asyncio.sleep(0.2)
            # Close it with a reset (socket(7), SO_LINGER).
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            while served.page._stream.viewers:  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.01)
    await served.page.close()

    assert [] == caplog.records


async def test_the_end_of_a_process_waits_for_no_viewer(served: Served, http: aiohttp.ClientSession) -> None:
    async with http.get("/api/v1/stream") as response:
        stream = events(response)
        await anext(stream)
        began = asyncio.get_running_loop().time()
        await served.page.close()
        assert [] == [kind async for _, kind, _ in stream]

    assert asyncio.get_running_loop().time() - began < 10.0
