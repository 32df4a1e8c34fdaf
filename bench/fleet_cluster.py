"""The API server that a fleet lives on, and a watch of all its targets that notes when replicas were asked for.

etcd and the API server only: without a node and without the controllers nothing but the operator and the bench writes.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Self

import aiohttp
import yaml

from bench.failure import BenchError
from bench.machine import PROJECT
from tests.e2e.hpa.control_plane import ControlPlane

GROUP: Final = "/apis/queueconsumer.dev/v1alpha1"
CONCURRENT: Final = 32
"""Requests under way while the fleet is made."""
REQUESTS: Final = re.compile(
    r'^apiserver_request_total\{[^}]*?[{,]resource="(\w*)"[^}]*?,verb="(\w+)"[^}]*\} (\S+)$', re.MULTILINE
)


class FleetCluster:
    """Enter it to have it; the plane is ended by whoever started it."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self.asked_at: dict[tuple[str, str], float] = {}
        """When the watch showed a target above zero for the first time since `forget`, by namespace and name."""

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context(cadata=self._plane.authority.certificate)
        self._session = aiohttp.ClientSession(
            base_url=self._plane.url,
            headers={"Authorization": f"Bearer {self._plane.tokens['admin']}"},
            connector=aiohttp.TCPConnector(ssl=context, limit=0),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def install(self) -> None:
        """Apply the CRD, and wait until it is served."""
        crd = yaml.safe_load((PROJECT / "crds" / "queueconsumers.queueconsumer.dev.yaml").read_text())
        await self.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        for _ in range(100):
            async with self._session.get(f"{GROUP}/queueconsumers") as answer:
                if answer.status == 200:  # noqa: PLR2004 - HTTP's OK
                    return
            await asyncio.sleep(0.1)
        raise BenchError("the API server does not serve QueueConsumers 10 s after the CRD was applied")

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Send one request. Raises BenchError when it is refused."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        data = None if body is None else json.dumps(body)
        async with self._session.request(method, path, data=data, headers={"Content-Type": kind}) as answer:
            told = await answer.text()
            if answer.status >= 400:  # noqa: PLR2004 - HTTP's errors begin here
                raise BenchError(f"{method} {path}: {told[:500]}")
            return json.loads(told) if told.startswith("{") else told

    async def all(self, calls: Iterable[Callable[[], Awaitable[Any]]]) -> None:
        """Make all of these calls, some at a time."""
        waiting = iter(calls)

        async def work() -> None:
            for call in waiting:
                await call()

        await asyncio.gather(*(work() for _ in range(CONCURRENT)))

    async def requests(self) -> Mapping[tuple[str, str], float]:
        """How many requests the API server has answered so far, by resource and verb."""
        told = await self.call("GET", "/metrics")
        found: dict[tuple[str, str], float] = {}
        for resource, verb, number in REQUESTS.findall(told):
            found[resource, verb] = found.get((resource, verb), 0.0) + float(number)
        if not found:
            raise BenchError("the API server's metrics have no apiserver_request_total as this bench knows it")
        return found

    def forget(self) -> None:
        """Note times from here on."""
        self.asked_at.clear()

    async def watch_targets(self, *, watching: asyncio.Event) -> None:
        """Note when replicas are asked for, until cancelled."""
        while True:
            version = (await self.call("GET", "/apis/apps/v1/deployments?limit=1"))["metadata"]["resourceVersion"]
            path = f"/apis/apps/v1/deployments?watch=true&resourceVersion={version}&timeoutSeconds=3600"
            async with self._session.get(path, timeout=aiohttp.ClientTimeout(total=None)) as answer:
                watching.set()
                rest = b""
                async for chunk in answer.content.iter_any():
                    at = time.monotonic()
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        self._note(json.loads(line)["object"], at=at)

    def _note(self, deployment: Mapping[str, Any], *, at: float) -> None:
        metadata = deployment["metadata"]
        if deployment.get("spec", {}).get("replicas"):
            self.asked_at.setdefault((metadata["namespace"], metadata["name"]), at)
