"""One user of the API server: our own client in its name, a record of its requests, and objects made with few words."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from qc_operator.cluster.client import ApiError, KubernetesApi
from tests.e2e.hpa.control_plane import ControlPlane

PATIENCE = 15.0
"""Seconds to wait for what the API server should tell in milliseconds."""


class Access:
    """`api` is the client; `requests` what it has asked for, as `METHOD path`, without the query."""

    def __init__(self, *, plane: ControlPlane, user: str) -> None:
        self._plane = plane
        self._user = user
        self.api = KubernetesApi()
        self.requests: list[str] = []
        self.queries: list[str] = []

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context(cadata=self._plane.authority.certificate)
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._asked)
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context),
            headers={"Authorization": f"Bearer {self._plane.tokens[self._user]}"},
            trace_configs=[trace],
        )
        self.api.bind(session=self.session, server=self._plane.url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()
        # TLS says good-bye after that, and the loop may be closed next.
        await asyncio.sleep(0.1)

    def go_through(self, port: int) -> None:
        """Reach the API server at another port."""
        self.api.bind(session=self.session, server=f"https://127.0.0.1:{port}")

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self.api.post(path, body)

    async def delete(self, path: str) -> None:
        async with self.session.delete(self._plane.url + path) as answer:
            assert answer.status in {200, 202}, await answer.text()

    async def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self.api.merge_patch(path, body)

    async def apply(self, path: str, body: dict[str, Any], *, manager: str) -> None:
        """As `kubectl apply --server-side` does."""
        query = f"{path}?fieldManager={manager}&force=true"
        headers = {"Content-Type": "application/apply-patch+yaml"}
        async with self.session.patch(self._plane.url + query, json=body, headers=headers) as answer:
            assert answer.status in {200, 201}, await answer.text()

    async def namespace(self, name: str, **labels: str) -> str:
        """Make a namespace, which the API server may not be ready to take in the first second."""
        for _ in range(50):
            try:
                await self.api.post("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
            except ApiError as error:
                if error.reason == "AlreadyExists":
                    break
                await asyncio.sleep(0.2)
            else:
                break
        return name

    async def deployment(self, namespace: str, name: str, *, replicas: int = 0, **spec: Any) -> dict[str, Any]:
        return await self.create(deployments(namespace), deployment(name, replicas=replicas, **spec))

    async def grant(self, user: str, name: str, *rules: tuple[str, str, str], namespace: str = "") -> None:
        """Grant rules (API group, resources, verbs; each with commas) everywhere, or in a namespace."""
        base = "/apis/rbac.authorization.k8s.io/v1/" + (f"namespaces/{namespace}/" if namespace else "cluster")
        kind = "Role" if namespace else "ClusterRole"
        made = [
            {"apiGroups": group.split(","), "resources": resources.split(","), "verbs": verbs.split(",")}
            for group, resources, verbs in rules
        ]
        metadata = {"name": name}
        await self.create(base + "roles", {"metadata": metadata, "rules": made})
        subject = {"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}
        role = {"kind": kind, "name": name, "apiGroup": "rbac.authorization.k8s.io"}
        await self.create(base + "rolebindings", {"metadata": metadata, "subjects": [subject], "roleRef": role})

    async def revoke(self, name: str) -> None:
        """Take back what was granted everywhere."""
        await self.delete(f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{name}")
        await self.delete(f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}")

    async def _asked(self, _: object, __: object, asked: aiohttp.TraceRequestStartParams) -> None:
        self.requests.append(f"{asked.method} {urlsplit(str(asked.url)).path}")
        self.queries.append(urlsplit(str(asked.url)).query)


def deployments(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


def deployment(name: str, *, replicas: int = 0, **spec: Any) -> dict[str, Any]:
    """One whose pods nobody starts: there is no controller."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "consumer", "image": "queueconsumer/consumer:dev"}]},
            },
        }
        | spec,
    }


async def until(condition: Callable[[], object], *, what: str = "") -> None:
    """Wait until it holds."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not within {PATIENCE:.0f} s: {what or condition}"
        await asyncio.sleep(0.01)


def scale_path(namespace: str, name: str, *, plural: str = "deployments") -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/{plural}/{name}/scale"


def paths(requests: Sequence[str], method: str = "GET") -> list[str]:
    return [request.removeprefix(f"{method} ") for request in requests if request.startswith(method)]
