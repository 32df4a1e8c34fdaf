"""The way from a Prometheus on this machine to the pods' metrics: through the API server, so it works on any cluster.

Prometheus asks for its targets (prometheus.io, "HTTP service discovery") and scrapes them here. Nothing but `/metrics`
of the chosen pods can be reached, and nothing can be changed.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from kubernetes import client
from urllib3.exceptions import HTTPError

from examples.shop.services.json_http import Answer, JsonServer, Request, Route, as_json

from .service_proxy import PodProxy, UnreachableError

TARGETS = "/targets"
METRICS = "/metrics/"


@dataclass(frozen=True, kw_only=True)
class Job:
    """Pods of one kind."""

    name: str
    """Label `job` of their series."""
    namespace: str
    selector: str
    """By the pods' labels."""
    port: int
    """Where `/metrics` is."""


class MetricsRelay:
    """What Prometheus asks, answered by the API server."""

    def __init__(self, api: client.ApiClient, *, jobs: Sequence[Job]) -> None:
        self._api = api
        self._pods = client.CoreV1Api(api)
        self._jobs = {job.name: job for job in jobs}

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve on loopback for the block; the address of the targets."""
        server = JsonServer(
            port=0,
            host="127.0.0.1",
            routes=[
                Route(method="GET", path=TARGETS, call=lambda _: self._targets(server.server_port)),
                Route(method="GET", path=METRICS, call=self._metrics),
            ],
        )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="relay", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{TARGETS}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _targets(self, port: int) -> Answer:
        try:
            return as_json([target for job in self._jobs.values() for target in self._of(job, port)])
        except (client.ApiException, HTTPError) as error:
            # Prometheus keeps those that it has.
            return as_json({"error": str(error)}, status=502)

    def _of(self, job: Job, port: int) -> Iterator[dict[str, object]]:
        running = self._pods.list_namespaced_pod(
            job.namespace, label_selector=job.selector, field_selector="status.phase=Running"
        )
        for pod in running.items:
            if pod.metadata is not None:
                name = pod.metadata.name
                labels = {
                    "__metrics_path__": f"{METRICS}{job.name}/{name}",
                    # As a PodMonitor would have them.
                    "job": job.name,
                    "namespace": job.namespace,
                    "pod": name,
                    "instance": f"{name}:{job.port}",
                }
                yield {"targets": [f"127.0.0.1:{port}"], "labels": labels}

    def _metrics(self, request: Request) -> Answer:
        name, _, pod = request.tail.partition("/")
        job = self._jobs.get(name)
        if job is None or not pod or "/" in pod:
            raise ValueError(f"there is no pod {request.tail}")
        try:
            text = PodProxy(self._api, namespace=job.namespace, pod=pod, port=job.port).text("/metrics")
        except UnreachableError as error:
            return as_json({"error": str(error)}, status=502)
        return Answer(body=text.encode(), content_type="text/plain; version=0.0.4; charset=utf-8")
