"""A reverse proxy before the API server that answers some requests itself, with errors.

In a thread of its own, so that tests may wait.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp import web
from yarl import URL

from tests.chaos.plane import Plane
from tests.e2e.hpa.control_plane import HOST

PASSED: Final = ("Authorization", "Accept", "Accept-Encoding", "Content-Type")
RETURNED: Final = ("Content-Type", "Content-Encoding", "Date")
REASONS: Final = {403: "Forbidden", 404: "NotFound", 410: "Expired", 429: "TooManyRequests", 500: "InternalError"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request."""

    method: str
    path: str
    watch: bool

    @property
    def collection(self) -> str:
        """What it is about: `deployments`, `deployments/scale`, `queueconsumers/status`."""
        parts = self.path.strip("/").split("/")
        parts = parts[2:] if parts[0] == "api" else parts[3:]
        if parts[:1] == ["namespaces"] and len(parts) > 2:
            parts = parts[2:]
        return "/".join(parts[::2])


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What becomes of the requests that it is `about`."""

    about: Callable[[Asked], bool]
    status: int
    """0: there is no answer at all."""
    in_stream: bool = False
    """The error comes as an event of a watch that was begun well."""


@dataclass(kw_only=True, eq=False)
class _Open:
    asked: Asked
    transport: asyncio.Transport


@dataclass(kw_only=True)
class FaultyProxy:
    """Enter it to have it; `port` is its own."""

    plane: Plane
    port: int = 0
    faults: tuple[Fault, ...] = ()
    answered: list[tuple[float, Asked, int]] = field(default_factory=list)
    """Time, request and status, 0 where there was no answer."""
    _open: set[_Open] = field(default_factory=set)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut(lambda _: True)
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @contextmanager
    def injecting(self, *faults: Fault) -> Iterator[None]:
        """Have these faults for the block, also in watches that are under way: they are cut."""
        self.faults = faults
        for fault in faults:
            self.cut(_watches(fault))
        try:
            yield
        finally:
            self.faults = ()

    def cut(self, which: Callable[[Asked], bool]) -> None:
        """Cut the connections of requests that are under way."""

        def cut() -> None:
            for open_ in tuple(self._open):
                if which(open_.asked):
                    open_.transport.abort()

        self._loop.call_soon_threadsafe(cut)

    async def _start(self) -> None:
        files = Path(self.plane.folder)
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(files / "server.crt", files / "server.key")
        client = ssl.create_default_context(cadata=self.plane.authority.certificate)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=client, limit=0), auto_decompress=False
        )
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0, ssl_context=server)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        await self._runner.cleanup()
        await self._session.close()
        await asyncio.sleep(0.1)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = Asked(method=request.method, path=request.path, watch="watch" in request.query)
        content = await request.read()
        transport = request.transport
        if transport is None:
            return web.Response()
        open_ = _Open(asked=asked, transport=transport)
        self._open.add(open_)
        status = 0
        try:
            for fault in self.faults:
                if fault.about(asked):
                    status = fault.status
                    while fault in self.faults and not status:  # noqa: ASYNC110 - set in another thread
                        await asyncio.sleep(0.05)
                    if status:
                        return _failure(fault)
            return await self._pass_on(request, content)
        except (aiohttp.ClientError, OSError, asyncio.CancelledError):
            transport.abort()
            return web.Response()
        finally:
            self._open.discard(open_)
            self.answered.append((time.monotonic(), asked, status))

    async def _pass_on(self, request: web.BaseRequest, content: bytes) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name in PASSED}
        url = URL(self.plane.url + request.raw_path, encoded=True)
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._session.request(
            request.method, url, data=content or None, headers=headers, timeout=timeout
        ) as answer:
            kept = {name: answer.headers[name] for name in RETURNED if name in answer.headers}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response


def _failure(fault: Fault) -> web.Response:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "made by a test",
        "reason": REASONS[fault.status],
        "code": fault.status,
    }
    if fault.in_stream:
        return web.json_response({"type": "ERROR", "object": status}, dumps=lambda body: json.dumps(body) + "\n")
    headers = {"Retry-After": "1"} if fault.status == HTTPStatus.TOO_MANY_REQUESTS else {}
    return web.json_response(status, status=fault.status, headers=headers)


def _watches(fault: Fault) -> Callable[[Asked], bool]:
    return lambda asked: asked.watch and fault.about(asked)


def everything(_: Asked) -> bool:
    """Any request."""
    return True


def of(collection: str) -> Callable[[Asked], bool]:
    """Requests about a collection: `leases`, `deployments/scale`."""
    return lambda asked: asked.collection == collection


def watches_of(collection: str) -> Callable[[Asked], bool]:
    """Watches of a collection, and not the lists."""
    return lambda asked: asked.watch and asked.collection == collection
