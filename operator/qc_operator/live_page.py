"""The live page of this process: what it says of the settings and of the election."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from qc_operator.elector import Elector
from qc_operator.page.hosts import service_names
from qc_operator.page.server import Operator, Page
from qc_operator.settings import Settings

log = logging.getLogger(__name__)


def live_page(settings: Settings, *, elector: Elector | None, utcnow: Callable[[], datetime]) -> Page | None:
    """The page, which does not listen yet; None where the settings give it no port."""
    if not settings.page_port:
        return None
    shard = settings.serving.shard
    operator = Operator(
        name=settings.name,
        pod=settings.pod or settings.name,
        namespace=settings.pod_namespace,
        port=settings.page_port,
        shard=str(shard) if shard.count > 1 else "",
        leading=lambda: elector is None or elector.leading,
        # The holder of a Lease is a pod and a random word: see `runtime.run`.
        leader=lambda: "" if elector is None else elector.holder.rpartition("_")[0],
        lease="" if elector is None else shard.lease(settings.name),
    )
    # The chart calls the Service as it calls the installation.
    hosts = (*service_names(settings.name, namespace=settings.pod_namespace), *settings.page_hosts)
    return Page(operator=operator, utcnow=utcnow, hosts=hosts)


async def show(page: Page, *, port: int, host: str | None = None) -> None:
    """Have it listen. Where it cannot, the log says so and all else goes on: nobody scales less for want of a page."""
    try:
        await page.listen(port, host=host)
    except OSError as error:
        log.error(  # noqa: TRY400 - the sentence has all that there is to know
            "the live page is not served, because port %d cannot be listened at: %s; name another one with "
            "QC_PAGE_PORT (page.port of the chart)",
            port,
            error.strerror or error,
        )
