"""The metrics of the operator's pod that leads: the one that stands by knows of no queues."""

from kubernetes import client
from urllib3.exceptions import HTTPError

from .service_proxy import Proxy, UnreachableError

PORT = 8080


class OperatorMetrics:
    """Finds the leader by its Lease, and again when it no longer answers."""

    def __init__(self, api: client.ApiClient, *, namespace: str, lease: str) -> None:
        self._api = api
        self._leases = client.CoordinationV1Api(api)
        self._namespace = namespace
        self._lease = lease

    def text(self) -> str:
        """All of them as text. Raises UnreachableError."""
        what = f"Lease {self._namespace}/{self._lease}"
        try:
            spec = self._leases.read_namespaced_lease(self._lease, self._namespace).spec
        except (client.ApiException, HTTPError) as error:
            raise UnreachableError(f"{what}: {error}") from error
        # POD_a1b2c3d4: a process that was started again in the same pod is another holder.
        pod, _, _ = ((spec and spec.holder_identity) or "").rpartition("_")
        if not pod:
            raise UnreachableError(f"{what}: nobody holds it at the moment")
        root = f"/api/v1/namespaces/{self._namespace}/pods/{pod}:{PORT}/proxy"
        return Proxy(self._api, root=root, what=f"pod {self._namespace}/{pod}").text("/metrics")
