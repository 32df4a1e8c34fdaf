"""What a person may open in the browser while the demo runs: the live page, and Prometheus if it was asked for."""

import contextlib
from dataclasses import dataclass

from kubernetes import client

from . import live_page, monitoring, release, shop
from .cluster import Cluster
from .leader import Leader
from .metrics_relay import Job
from .observation import CONSUMERS
from .prometheus_server import Prometheus
from .settings import Settings

SCRAPE_SECONDS = 5
CONSUMERS_JOB = Job(
    name="consumers",
    namespace=shop.NAMESPACE,
    selector=f"app.kubernetes.io/name in ({', '.join(CONSUMERS)})",
    port=9090,
)


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Where to look."""

    page: str | None
    """Address of the live page; None where it could not be reached."""
    prometheus: Prometheus | None

    def addresses(self) -> list[str]:
        """A line for each."""
        found = [] if self.page is None else [f"live page   {self.page}"]
        return found if self.prometheus is None else [*found, f"Prometheus  {self.prometheus.alerts_page()}"]


def opened(cluster: Cluster, api: client.ApiClient, settings: Settings, cleanup: contextlib.ExitStack) -> Windows:
    """Open them until the clean-up, and say where. Raises DemoError where there is to be a Prometheus and is none."""
    leader = Leader(api, namespace=release.NAMESPACE, lease=release.NAME)
    page = cleanup.enter_context(live_page.opened(cluster, leader))
    prometheus = None
    if settings.prometheus:
        jobs = (monitoring.operator(release.NAMESPACE), CONSUMERS_JOB)
        prometheus = cleanup.enter_context(monitoring.scraping(api, jobs=jobs, every_seconds=SCRAPE_SECONDS))
    windows = Windows(page=page, prometheus=prometheus)
    for line in windows.addresses():
        cluster.progress.highlight(line)
    if windows.addresses() and not settings.keep:
        cluster.progress.detail("until the demo ends; DEMO_KEEP=1 make demo leaves everything running to look at")
    return windows
