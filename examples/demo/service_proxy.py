"""HTTP to the shop's Services and the operator's pods through the API server, so that it works on any cluster."""

import json
from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

TIMEOUT_SECONDS = 10


class UnreachableError(Exception):
    """The Service did not answer, or not as it should."""


class Proxy:
    """Requests to what the API server has behind one path; `what` is what people call it."""

    def __init__(self, api: client.ApiClient, *, root: str, what: str) -> None:
        self._api = api
        self._root = root
        self._what = what

    def text(self, path: str) -> str:
        """GET as text; raises UnreachableError."""
        return self._request("GET", path, None).decode()

    def get(self, path: str) -> Any:
        """GET as JSON; raises UnreachableError."""
        return json.loads(self._request("GET", path, None))

    def put(self, path: str, document: dict[str, Any]) -> Any:
        """PUT JSON, answered with JSON; raises UnreachableError."""
        return json.loads(self._request("PUT", path, document))

    def _request(self, method: str, path: str, body: dict[str, Any] | None) -> bytes:
        serialized = self._api.param_serialize(
            method,
            self._root + path,
            header_params={"Content-Type": "application/json"} if body else {},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = self._api.call_api(*serialized, _request_timeout=TIMEOUT_SECONDS)
            data: bytes = answer.read()
        except (client.ApiException, HTTPError) as error:
            raise UnreachableError(f"{self._what}: {error}") from error
        if answer.status >= 400:  # noqa: PLR2004 - HTTP's errors begin here
            raise UnreachableError(f"{self._what} answered {answer.status} to {method} {path}: {data[:200]!r}")
        return data


class ServiceProxy(Proxy):
    """Requests to one Service's port."""

    def __init__(self, api: client.ApiClient, *, namespace: str, service: str) -> None:
        root = f"/api/v1/namespaces/{namespace}/services/{service}:http/proxy"
        super().__init__(api, root=root, what=f"service {namespace}/{service}")


class PodProxy(Proxy):
    """Requests to one pod's port."""

    def __init__(self, api: client.ApiClient, *, namespace: str, pod: str, port: int) -> None:
        root = f"/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy"
        super().__init__(api, root=root, what=f"pod {namespace}/{pod}")
