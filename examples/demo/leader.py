"""Which of the operator's pods leads: only that one knows of queues and has figures to show."""

from kubernetes import client
from urllib3.exceptions import HTTPError

from .service_proxy import UnreachableError


class Leader:
    """Read from the Lease whenever it is asked, for it may change."""

    def __init__(self, api: client.ApiClient, *, namespace: str, lease: str) -> None:
        self._leases = client.CoordinationV1Api(api)
        self.namespace = namespace
        self._lease = lease

    def pod(self) -> str:
        """Name of the pod. Raises UnreachableError, also between two leaders."""
        what = f"Lease {self.namespace}/{self._lease}"
        try:
            spec = self._leases.read_namespaced_lease(self._lease, self.namespace).spec
        except (client.ApiException, HTTPError) as error:
            raise UnreachableError(f"{what}: {error}") from error
        # POD_a1b2c3d4: a process that was started again in the same pod is another holder.
        pod, _, _ = ((spec and spec.holder_identity) or "").rpartition("_")
        if not pod:
            raise UnreachableError(f"{what}: nobody holds it at the moment")
        return str(pod)
