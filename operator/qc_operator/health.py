"""/metrics, /healthz and /readyz over HTTP."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


async def serve(*, port: int, registry: CollectorRegistry, ready: Callable[[], str | None]) -> web.AppRunner:
    """Listen on all addresses. `ready` says what is wrong, or None.

    The process is alive as long as its event loop answers: it ends by itself when the watch does.

    Raises `OSError` when the port is taken.
    """

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        wrong = ready()
        return web.Response(text=(wrong or "ok") + "\n", status=503 if wrong else 200)

    application = web.Application()
    application.add_routes([web.get("/metrics", metrics), web.get("/healthz", healthz), web.get("/readyz", readyz)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
