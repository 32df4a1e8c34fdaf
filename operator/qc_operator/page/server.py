"""The page over HTTP, on a port of its own: GET only, nothing is changed by any request.

/                                           the page
/api/v1/operator                            the process, and how many QueueConsumers are in which state
/api/v1/queueconsumers                      all rows, worst first
/api/v1/queueconsumers/<namespace>/<name>   one QueueConsumer with its course, its last decision and its YAML
/api/v1/stream                              server-sent events: `all` first, then `update` every 3 s and after a scaling
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from aiohttp import ClientConnectionError, hdrs, web

from qc_operator import VERSION
from qc_operator.exposition import wants_gzip
from qc_operator.page import files
from qc_operator.page.answers import POLICY, compress, guard, json, refusal
from qc_operator.page.board import Board
from qc_operator.page.hosts import only_for
from qc_operator.page.row import worst_first
from qc_operator.page.stream import CrowdedError, Stream
from qc_operator.page.view import Views
from qc_operator.registry import Key

GOODBYE: Final = 1.0
"""Seconds for requests under way when the process ends. Streams are ended before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """What the page says of the process that serves it."""

    name: str
    pod: str
    namespace: str
    port: int
    """Of the page, on each pod."""
    shard: str
    """Such as `2/3`; empty where there is but one."""
    leading: Callable[[], bool]
    leader: Callable[[], str]
    """The pod that serves, as far as it is known."""
    lease: str = ""
    """The Lease that has it, by which it is found when this process is gone; empty where there is none."""


class Page:
    """The page of one process, while it leads; while it stands by it says who leads, and nothing else.

    `hosts` are the names by which it may be asked for, besides this machine's own and addresses: see `hosts.py`.
    """

    def __init__(self, *, operator: Operator, utcnow: Callable[[], datetime], hosts: Iterable[str] = ()) -> None:
        self.board = Board(utcnow=utcnow)
        self._operator = operator
        self._utcnow = utcnow
        self._stream = Stream(board=self.board, operator=self._facts)
        self._views = Views(self.board)
        self._hosts = tuple(hosts)
        self._files = files.load()
        self._runner: web.AppRunner | None = None

    async def listen(self, port: int, *, host: str | None = None) -> int:
        """Listen on all addresses, or on one; returns the port. Raises `OSError` when it is taken."""
        application = web.Application(middlewares=[only_for(self._hosts)])
        application.on_response_prepare.append(guard)
        application.add_routes(
            [
                web.get("/", self._index),
                web.get("/api/v1/operator", self._about),
                web.get("/api/v1/queueconsumers", self._list),
                web.get("/api/v1/queueconsumers/{namespace}/{name}", self._one),
                # Without HEAD, which would wait for ever.
                web.get("/api/v1/stream", self._events, allow_head=False),
                web.get("/{file}", self._file),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=GOODBYE)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound: int = self._runner.addresses[0][1]
        return bound

    async def close(self) -> None:
        """End all streams and stop listening."""
        await self._stream.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _facts(self) -> dict[str, Any]:
        now = self._utcnow()
        added, removed = self.board.tally.hour(now=int(now.timestamp()))
        leading = self._operator.leading()
        return {
            # A page whose scripts are of another version loads itself anew.
            "version": VERSION,
            "name": self._operator.name,
            "pod": self._operator.pod,
            "namespace": self._operator.namespace,
            "port": self._operator.port,
            "shard": self._operator.shard,
            "leading": leading,
            "leader": self._operator.pod if leading else self._operator.leader(),
            "lease": self._operator.lease,
            "now": now.timestamp(),
            "pods": self.board.pods(),
            "added": added,
            "removed": removed,
        }

    def _standing_by(self, request: web.Request) -> web.Response | None:
        """The refusal of a process that does not lead: what it knows is what it was told when it did."""
        if self._operator.leading():
            return None
        leader = self._operator.leader()
        words = f"{leader} leads" if leader else "nobody is known to lead"
        return refusal(request, f"this pod stands by: {words}", status=503, leader=leader)

    async def _index(self, request: web.Request) -> web.Response:
        nonce = secrets.token_urlsafe(16)
        text = self._files[files.INDEX].body.decode().replace("{nonce}", nonce)
        response = web.Response(text=text, content_type="text/html")
        response.headers[hdrs.CONTENT_SECURITY_POLICY] = POLICY.replace("{nonce}", nonce)
        compress(request, response)
        return response

    async def _file(self, request: web.Request) -> web.Response:
        file = self._files.get(request.match_info["file"])
        if file is None:
            return refusal(request, "there is no such page", status=404)
        headers = {hdrs.ETAG: file.tag, hdrs.CACHE_CONTROL: "no-cache", hdrs.VARY: hdrs.ACCEPT_ENCODING}
        if request.headers.get(hdrs.IF_NONE_MATCH) == file.tag:
            return web.Response(status=304, headers=headers)
        body = file.body
        if wants_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")):
            headers[hdrs.CONTENT_ENCODING] = "gzip"
            body = file.packed
        return web.Response(body=body, content_type=file.type, charset="utf-8", headers=headers)

    async def _about(self, request: web.Request) -> web.Response:
        await self._stream.rows()
        return json(request, {**self._facts(), "counts": self._stream.counts()})

    async def _list(self, request: web.Request) -> web.Response:
        if (refused := self._standing_by(request)) is not None:
            return refused
        rows = await self._stream.rows()
        # Of ten thousand it takes 20 ms, in which decisions go on.
        await asyncio.to_thread(rows.sort, key=lambda each: worst_first(each[0]))
        items = [msgspec.Raw(encoded) for _, encoded in rows]
        return json(request, {"operator": {**self._facts(), "counts": self._stream.counts()}, "items": items})

    async def _one(self, request: web.Request) -> web.Response:
        if (refused := self._standing_by(request)) is not None:
            return refused
        key = Key(request.match_info["namespace"], request.match_info["name"])
        shown = self._views.of(key, now=int(self._utcnow().timestamp()))
        if shown is None:
            return refusal(request, "this operator serves no such QueueConsumer", status=404)
        return json(request, msgspec.Raw(shown))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        if transport is None:
            raise ConnectionResetError
        try:
            viewer = await self._stream.attach(
                after=request.headers.get("Last-Event-ID", "") or request.query.get("after", ""),
                abort=transport.abort,
            )
        except CrowdedError:
            return refusal(request, "too many look on already: try again later", status=503)
        try:
            response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8"})
            await response.prepare(request)
            # How long a browser waits before it comes back, in milliseconds.
            await response.write(b"retry: 1000\n\n")
            async for event in viewer.events():
                await response.write(event)
        except (ClientConnectionError, ConnectionError):
            pass  # Who looked on is gone, or was too slow.
        finally:
            self._stream.detach(viewer)
        return response
