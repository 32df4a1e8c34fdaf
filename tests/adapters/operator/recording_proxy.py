"""A reverse proxy that writes down what is asked, before it passes it on to a real broker."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from yarl import URL

PASSED = ("Authorization", "Accept-Encoding")
"""Headers that matter to the server; the others are for the proxy."""


class RecordingProxy:
    """The requests so far, each as path and query; `intercept` answers in the server's place while it is set."""

    def __init__(self, *, upstream: str) -> None:
        self.uri = ""
        self.asked: list[str] = []
        self.hosts: set[str] = set()
        self.intercept: web.Response | None = None
        self.add_to_query = ""
        self._upstream = upstream

    def paths(self) -> list[str]:
        """What was asked for, without the queries."""
        return [urlsplit(asked).path for asked in self.asked]

    async def _pass_on(self, request: web.BaseRequest) -> web.Response:
        self.asked.append(request.raw_path)
        self.hosts.add(request.host)
        if self.intercept is not None:
            # A response can be sent once only.
            return web.Response(status=self.intercept.status, headers=self.intercept.headers, body=self.intercept.body)
        headers = {name: value for name, value in request.headers.items() if name in PASSED}
        added = "" if "page=" in request.raw_path or "queues" not in request.raw_path else self.add_to_query
        url = URL(self._upstream + request.raw_path + added, encoded=True)
        async with aiohttp.request("GET", url, headers=headers) as answer:
            body = await answer.read()
            return web.Response(status=answer.status, body=body, content_type=answer.content_type)

    @contextlib.asynccontextmanager
    async def serve(self, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[RecordingProxy]:
        """Serve for the block; `uri` says where."""
        server = web.Server(self._pass_on)
        runner = web.ServerRunner(server)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        await site.start()
        self.uri = f"http://{host}:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()
