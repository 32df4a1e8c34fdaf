"""/metrics, /healthz and /readyz over HTTP."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web

from qc_operator.exposition import OPENMETRICS, TEXT, packed, scraped, wants_gzip, wants_openmetrics
from qc_operator.metrics import ERROR, HEALTHY, WARNING, Metrics

VARY: Final = "Accept, Accept-Encoding"

log = logging.getLogger(__name__)


async def serve(
    *,
    port: int,
    metrics: Metrics,
    ready: Callable[[], str | None],
    alive: Callable[[], str | None],
    remarks: Callable[[], Sequence[str | None]],
) -> web.AppRunner:
    """Listen on all addresses. `ready` and `alive` say what is wrong, or None; `remarks` what else is to be known.

    A loop that is stuck does not answer at all, and no answer in time is a failed probe, too.

    Raises `OSError` when the port is taken.
    """

    async def scrape(request: web.Request) -> web.StreamResponse:
        openmetrics = wants_openmetrics(request.headers.get("Accept", ""))
        gzip = wants_gzip(request.headers.get("Accept-Encoding", ""))
        response = web.StreamResponse(headers={"Content-Type": OPENMETRICS if openmetrics else TEXT, "Vary": VARY})
        if gzip:
            response.headers["Content-Encoding"] = "gzip"
        await response.prepare(request)
        # As Prometheus asks for some of them: ?name[]=...
        names = request.query.getall("name[]", ())
        text = scraped(objects=metrics.objects, process=metrics.process, openmetrics=openmetrics, names=names)
        with contextlib.suppress(ConnectionResetError):  # Who asked has gone away, as Prometheus does when it is late.
            async for piece in packed(text, gzip=gzip):
                await response.write(piece)
            await response.write_eof()
        return response

    async def healthz(_: web.Request) -> web.Response:
        wrong = alive()
        if wrong is not None:
            log.error("not well, and to be restarted: %s", wrong)
        return _verdict(wrong)

    async def readyz(_: web.Request) -> web.Response:
        return _verdict(ready(), remarks=remarks())

    def status() -> int:
        if alive() is not None:
            return ERROR
        return WARNING if ready() is not None or any(remarks()) else HEALTHY

    metrics.watch_health(status)
    application = web.Application()
    application.add_routes([web.get("/metrics", scrape), web.get("/healthz", healthz), web.get("/readyz", readyz)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner


def _verdict(wrong: str | None, *, remarks: Sequence[str | None] = ()) -> web.Response:
    lines = (wrong or "ok", *filter(None, remarks))
    return web.Response(text="".join(f"{line}\n" for line in lines), status=503 if wrong else 200)
