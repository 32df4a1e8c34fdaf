"""What the HPA's controller asks for at each sync, served by the test: the scale of a target, then a metric's value.

It is an extension of the API server for two groups: `external.metrics.k8s.io`, as a metrics adapter serves it, and
`hpa.test` with the kind Target, which has nothing but a scale. A Deployment would do as well for the controller, but
the replicas of its status, by which the controller multiplies what is wanted per replica, follow only after pods are
made.

The answer to a GET of the scale is held until the target's next tick. So all times that the controller sees are
multiples of one step apart, whatever the machine is busy with, and none of them lies near the end of a window.
"""

import asyncio
import math
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from tests.certificates import Certificate
from tests.e2e.hpa.cases import Case
from tests.e2e.hpa.control_plane import HOST
from tests.e2e.hpa.recording import STEP, Sync

METRICS: Final = ("external.metrics.k8s.io", "v1beta1")
TARGETS: Final = ("hpa.test", "v1")


@dataclass(kw_only=True)
class Target:
    """One target: how many replicas it has, its series, and what the controller did with it."""

    case: Case
    phase: float
    """Seconds by which its ticks come after those of the first target, so that not all come at once."""
    replicas: int = field(init=False)
    syncs: list[Sync] = field(default_factory=list)
    slowest: float = 0.0
    """Seconds from a tick to the next question at most: before that the controller has decided, and noted the time."""
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    _began: float | None = None
    _version: int = 1

    def __post_init__(self) -> None:
        self.replicas = self.case.replicas

    async def tick(self) -> None:
        """Wait for the next tick; what was decided since the last one is then complete."""
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = STEP * (math.floor(now / STEP) + 2) + self.phase
        number = len(self.syncs)
        due = self._began + number * STEP
        if self.syncs:
            self.slowest = max(self.slowest, now - (due - STEP))
        if number == len(self.case.series):
            self.finished.set()
            # Nobody is interested in what it does from here on.
            await asyncio.Event().wait()
        await asyncio.sleep(due - now)
        at = asyncio.get_running_loop().time() - self._began
        self.replicas = self.case.by_hand.get(number, self.replicas)
        self.syncs.append(Sync(at=at, value=self.case.series[number], replicas=self.replicas))

    def scale_to(self, replicas: int) -> None:
        """Do what the controller has decided."""
        self.replicas = replicas
        self._version += 1
        self.syncs[-1] = self.syncs[-1].decided(replicas)

    def scale(self, name: str) -> dict[str, Any]:
        """The object of the scale subresource."""
        return {
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": {"name": name, "namespace": "default", "resourceVersion": str(self._version)},
            "spec": {"replicas": self.replicas},
            "status": {"replicas": self.replicas, "selector": f"target={name}"},
        }


class Adapter:
    """The server. `serve()` it, add targets, `close()`."""

    def __init__(self) -> None:
        self.targets: dict[str, Target] = {}
        self._runner: web.AppRunner | None = None

    async def serve(self, *, port: int, certificate: Certificate, folder: Path) -> None:
        """Listen on loopback."""
        (folder / "adapter.crt").write_text(certificate.certificate)
        (folder / "adapter.key").write_text(certificate.key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "adapter.crt", folder / "adapter.key")
        app = web.Application()
        metrics, targets = ("/apis/" + "/".join(group) for group in (METRICS, TARGETS))
        app.router.add_get(metrics, _nothing)
        app.router.add_get(targets, _targets)
        app.router.add_get(f"{metrics}/namespaces/default/{{name}}", self._value)
        app.router.add_get(f"{targets}/namespaces/default/targets/{{name}}/scale", self._get_scale)
        app.router.add_put(f"{targets}/namespaces/default/targets/{{name}}/scale", self._put_scale)
        # Those who wait are not waited for.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port, ssl_context=context).start()

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _target(self, request: web.Request) -> tuple[str, Target]:
        name = request.match_info["name"]
        if name not in self.targets:
            raise web.HTTPNotFound
        return name, self.targets[name]

    async def _get_scale(self, request: web.Request) -> web.Response:
        name, target = self._target(request)
        await target.tick()
        return web.json_response(target.scale(name))

    async def _put_scale(self, request: web.Request) -> web.Response:
        name, target = self._target(request)
        target.scale_to((await request.json())["spec"].get("replicas", 0))
        return web.json_response(target.scale(name))

    async def _value(self, request: web.Request) -> web.Response:
        name, target = self._target(request)
        value = target.syncs[-1].value
        if value is None:
            raise web.HTTPServiceUnavailable
        item = {"metricName": name, "metricLabels": {}, "timestamp": "2026-11-27T00:00:00Z", "value": str(value)}
        return web.json_response(
            {"apiVersion": "/".join(METRICS), "kind": "ExternalMetricValueList", "metadata": {}, "items": [item]}
        )


def _resources(group: tuple[str, str], *resources: dict[str, Any]) -> web.Response:
    group_version = "/".join(group)
    return web.json_response(
        {"apiVersion": "v1", "kind": "APIResourceList", "groupVersion": group_version, "resources": list(resources)}
    )


async def _nothing(_: web.Request) -> web.Response:
    return _resources(METRICS)


async def _targets(_: web.Request) -> web.Response:
    target = {"name": "targets", "singularName": "target", "namespaced": True, "kind": "Target", "verbs": ["get"]}
    scale = {
        "name": "targets/scale",
        "singularName": "",
        "namespaced": True,
        "group": "autoscaling",
        "version": "v1",
        "kind": "Scale",
        "verbs": ["get", "update"],
    }
    return _resources(TARGETS, target, scale)
