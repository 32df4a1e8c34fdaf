"""/metrics, /healthz and /readyz as they are served: over HTTP, and scraped by a real Prometheus."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as plain

from bench.scrape_scene import HISTORY_TURNS, keys, served, turns
from qc_operator import health
from qc_operator.metrics import Metrics
from tests.openmetrics_text import openmetrics
from tests.ports import free_ports

QUEUE_CONSUMERS = 200


class Served:
    """What health.serve() serves, and what it is told."""

    def __init__(self, port: int, metrics: Metrics) -> None:
        self.port = port
        self.metrics = metrics
        self.wrong: str | None = None
        self.remark: str | None = None

    async def get(self, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, bytes]:
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.get(f"http://127.0.0.1:{self.port}{path}", headers=headers) as answer,
        ):
            return answer, await answer.read()


@asynccontextmanager
async def serving(metrics: Metrics) -> AsyncIterator[Served]:
    (port,) = free_ports(1)
    told = Served(port, metrics)
    runner = await health.serve(
        port=port, metrics=metrics, ready=lambda: told.wrong, alive=lambda: None, remarks=lambda: (told.remark,)
    )
    try:
        yield told
    finally:
        await runner.cleanup()


@pytest.fixture
async def served_metrics() -> AsyncIterator[Served]:
    async with serving(served(keys(QUEUE_CONSUMERS), last=turns(HISTORY_TURNS)[-1])) as told:
        yield told


async def test_each_asks_for_the_format_that_it_reads(served_metrics: Served) -> None:
    answer, body = await served_metrics.get("/metrics", **{"Accept-Encoding": "gzip;q=0"})
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    text = {family.name: family for family in plain(body.decode())}

    accept = {"Accept": "application/openmetrics-text;version=1.0.0", "Accept-Encoding": "gzip"}
    answer, body = await served_metrics.get("/metrics", **accept)
    assert answer.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == ("gzip", "Accept, Accept-Encoding")
    om = {family.name: family for family in openmetrics(gzip.decompress(body).decode())}

    assert text.keys() == om.keys()
    for name in ("queueconsumer_scale_events", "queueconsumer_status_desired_replicas"):
        assert [(each.labels, each.value) for each in text[name].samples] == [
            (each.labels, each.value) for each in om[name].samples
        ]
    assert len(text["queueconsumer_status_desired_replicas"].samples) == QUEUE_CONSUMERS
    (exemplar,) = {each.exemplar.labels["to"] for each in om["queueconsumer_scale_events"].samples if each.exemplar}
    assert exemplar == "9"


async def test_a_head_has_no_body(served_metrics: Served) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.head(f"http://127.0.0.1:{served_metrics.port}/metrics") as answer,
    ):
        assert (200, b"") == (answer.status, await answer.read())


async def test_health_is_a_metric_too(served_metrics: Served) -> None:
    async def status() -> str:
        _, body = await served_metrics.get(
            "/metrics?name[]=queueconsumer_operator_health_status", **{"Accept-Encoding": "identity"}
        )
        return body.decode().splitlines()[-1]

    assert await status() == "queueconsumer_operator_health_status 0.0"
    served_metrics.remark = "the Lease cannot be read"
    assert await status() == "queueconsumer_operator_health_status 1.0"
    served_metrics.remark, served_metrics.wrong = None, "stopping"
    assert await status() == "queueconsumer_operator_health_status 1.0"
    answer, body = await served_metrics.get("/readyz")
    assert (503, b"stopping\n") == (answer.status, body)


async def test_who_goes_in_the_middle_of_a_scrape_leaves_the_next_one_whole(served_metrics: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served_metrics.port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
    await reader.readexactly(1000)
    writer.transport.abort()

    _, body = await served_metrics.get("/metrics", **{"Accept-Encoding": "identity"})

    assert len({family.name for family in plain(body.decode())}) > 40


async def test_a_real_prometheus_has_every_series_and_each_is_gone_with_its_object(
    served_metrics: Served, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    config = tmp_path / "prometheus.yaml"
    target = {"targets": [f"127.0.0.1:{served_metrics.port}"]}
    job = {"job_name": "operator", "scrape_interval": "200ms", "scrape_timeout": "200ms", "honor_labels": True}
    config.write_text(yaml.safe_dump({"scrape_configs": [job | {"static_configs": [target]}]}))
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
            env={**os.environ, "GOMAXPROCS": "1"}, stderr=log,
        )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as session:

            async def count(query: str) -> int:
                try:
                    async with session.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": query}) as answer:
                        result = (await answer.json())["data"]["result"]
                except (aiohttp.ClientError, KeyError):
                    return -1
                return int(result[0]["value"][1]) if result else 0

            async def until(query: str, wanted: int) -> None:
                async with asyncio.timeout(30):
                    while await count(query) != wanted:  # noqa: ASYNC110 - another process
                        await asyncio.sleep(0.1)

            every = 'count({__name__=~"queueconsumer_.*", namespace!=""})'
            await until(every, 43 * QUEUE_CONSUMERS)
            await until('count(queueconsumer_info{queueconsumer="order-workers-00007", namespace="team-07"})', 1)
            for key in keys(QUEUE_CONSUMERS)[10:]:
                served_metrics.metrics.forget(key)
            await until(every, 43 * 10)
    finally:
        process.terminate()
        await process.wait()
    assert "err=" not in (tmp_path / "log").read_text()
