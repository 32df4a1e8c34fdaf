"""The live page of this process: what it says of the settings and of the election."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from qc_operator.elector import Elector
from qc_operator.page.server import Operator, Page
from qc_operator.settings import Settings


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
    )
    return Page(operator=operator, utcnow=utcnow)
