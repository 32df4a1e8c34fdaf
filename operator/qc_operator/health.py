"""/metrics, /healthz and /readyz over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry

from qc_operator.metrics_page import metrics_page

log = logging.getLogger(__name__)


async def serve(
    *,
    port: int,
    registry: CollectorRegistry,
    ready: Callable[[], str | None],
    alive: Callable[[], str | None],
    remarks: Callable[[], Sequence[str | None]],
) -> web.AppRunner:
    """Listen on all addresses. `ready` and `alive` say what is wrong, or None; `remarks` what else is to be known.

    A loop that is stuck does not answer at all, and no answer in time is a failed probe, too.

    Raises `OSError` when the port is taken.
    """

    async def metrics(request: web.Request) -> web.Response:
        # As Prometheus asks for some of them: ?name[]=...
        names = request.query.getall("name[]", ())
        chosen = registry.restricted_registry(names) if names else registry
        return web.Response(body=await metrics_page(chosen), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(_: web.Request) -> web.Response:
        wrong = alive()
        if wrong is not None:
            log.error("not well, and to be restarted: %s", wrong)
        return _verdict(wrong)

    async def readyz(_: web.Request) -> web.Response:
        return _verdict(ready(), remarks=remarks())

    application = web.Application()
    application.add_routes([web.get("/metrics", metrics), web.get("/healthz", healthz), web.get("/readyz", readyz)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner


def _verdict(wrong: str | None, *, remarks: Sequence[str | None] = ()) -> web.Response:
    lines = (wrong or "ok", *filter(None, remarks))
    return web.Response(text="".join(f"{line}\n" for line in lines), status=503 if wrong else 200)
