"""The metrics of the operator's pod that leads: the one that stands by knows of no queues."""

from kubernetes import client

from .leader import Leader
from .service_proxy import PodProxy

PORT = 8080


class OperatorMetrics:
    """Finds the leader by its Lease, and again when it no longer answers."""

    def __init__(self, api: client.ApiClient, *, namespace: str, lease: str) -> None:
        self._api = api
        self._leader = Leader(api, namespace=namespace, lease=lease)

    def text(self) -> str:
        """All of them as text. Raises UnreachableError."""
        proxy = PodProxy(self._api, namespace=self._leader.namespace, pod=self._leader.pod(), port=PORT)
        return proxy.text("/metrics")
