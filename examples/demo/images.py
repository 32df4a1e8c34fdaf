"""The images that the demo's pods run: built here and loaded, or pulled by the cluster."""

import sys

from .cluster import Cluster
from .commands import run
from .settings import Settings

NEEDED = ("operator", "rabbitmq", "shop")
"""The consumer's image is the base of the shop's; no pod runs it as it is."""
BUILD_SECONDS = 20 * 60


def provide(cluster: Cluster, settings: Settings) -> None:
    """Build what has changed and load it, unless the cluster pulls its images. Raises DemoError."""
    if not settings.build_images:
        cluster.progress.detail(f"the cluster pulls them from {settings.image_prefix}/; IMAGE_LOAD is not set")
        return
    run(
        [sys.executable, "-m", "devcluster", "load", *NEEDED],
        purpose="building and loading the images",
        environment=cluster.environment,
        progress=cluster.progress,
        timeout_seconds=BUILD_SECONDS,
    )
