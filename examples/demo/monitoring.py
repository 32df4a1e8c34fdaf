"""A Prometheus on this machine that scrapes pods of the cluster, with the alerts that the chart ships."""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kubernetes import client

from . import prometheus_server
from .failure import DemoError
from .loopback import free_port
from .metrics_relay import Job, MetricsRelay
from .operator_metrics import PORT
from .prometheus_server import Prometheus
from .release import CHART, NAME

RULES = CHART / "files" / "alerts.yaml"
PROMETHEUS_PORT = 9090
"""That people know it by, if it is free."""
OPERATOR_JOB = "queueconsumer-operator"
FOUND_SECONDS = 30.0


def operator(namespace: str) -> Job:
    """Both pods of the operator: the one that leads has the figures, and that the other one is there counts as well."""
    return Job(name=OPERATOR_JOB, namespace=namespace, selector=f"app.kubernetes.io/name={NAME}", port=PORT)


@contextlib.contextmanager
def scraping(api: client.ApiClient, *, jobs: Sequence[Job], every_seconds: int) -> Iterator[Prometheus]:
    """Run it for the block, from when all pods of the operator are scraped.

    Raises:
        DemoError: it does not start, or does not reach the operator.

    """
    with (
        tempfile.TemporaryDirectory(prefix="queueconsumer-prometheus-") as folder,
        MetricsRelay(api, jobs=jobs).serving() as targets,
        prometheus_server.running(
            Path(folder),
            configuration=configuration(targets=targets, every_seconds=every_seconds),
            port=free_port(PROMETHEUS_PORT),
        ) as prometheus,
    ):
        _await_operator(prometheus)
        yield prometheus


def configuration(*, targets: str, every_seconds: int) -> dict[str, Any]:
    """What a Prometheus without prometheus-operator is told; see docs/monitoring.md."""
    every = f"{every_seconds}s"
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {
                "job_name": "pods",
                # The label `namespace` is the QueueConsumer's, and not that of the pod that tells of it.
                "honor_labels": True,
                # Consumers live for less than a minute.
                "http_sd_configs": [{"url": targets, "refresh_interval": "2s"}],
            }
        ],
    }


def _await_operator(prometheus: Prometheus) -> None:
    deadline = time.monotonic() + FOUND_SECONDS
    found: list[str] = []
    while time.monotonic() < deadline:
        series = prometheus.instant(f'up{{job="{OPERATOR_JOB}"}}', at=int(time.time()) + 1)
        found = [each["value"][1] for each in series]
        if found and set(found) == {"1"}:
            return
        time.sleep(0.5)
    what = "finds no pod of the operator" if not found else "cannot scrape every pod of the operator"
    raise DemoError(f"Prometheus {what}; {prometheus.address}/targets says why")
