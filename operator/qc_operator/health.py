"""/metrics, /healthz and /readyz over HTTP."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


async def serve(
    *, port: int, registry: CollectorRegistry, alive: Callable[[], str | None], ready: Callable[[], str | None]
) -> web.AppRunner:
    """Listen on all addresses. `alive` and `ready` say what is wrong, or None.

    Raises `OSError` when the port is taken.
    """

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def probe(check: Callable[[], str | None]) -> Callable[[web.Request], object]:
        async def answer(_: web.Request) -> web.Response:
            wrong = check()
            return web.Response(text=(wrong or "ok") + "\n", status=503 if wrong else 200)

        return answer

    application = web.Application()
    application.add_routes(
        [web.get("/metrics", metrics), web.get("/healthz", probe(alive)), web.get("/readyz", probe(ready))]  # type: ignore[arg-type]
    )
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
