"""The scale subresource: how many replicas there are, and writing how many there should be.

Kubernetes API conventions: any kind may serve `/scale`, an `autoscaling/v1 Scale` whose `spec.replicas` can be written
without knowing the kind.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from qc_operator.cluster import OUR_WRITER, Scale
from qc_operator.cluster.client import KubernetesApi
from qc_operator.cluster.kinds import Kinds
from qc_operator.resource import ScaleTargetRef

READS: Final = 16
"""Under way at a time. Scales are read only where no watch shows them, and then of thousands of targets at once: the
API server is to have room for others. Writes do not wait for reads."""


class Scales:
    """Reads and writes the scale of targets."""

    def __init__(self, *, api: KubernetesApi, kinds: Kinds | None = None) -> None:
        self._api = api
        self._kinds = kinds or Kinds(api=api)
        self._reads = asyncio.Semaphore(READS)

    async def read(self, *, namespace: str, target: ScaleTargetRef) -> Scale:
        """Read a target's scale. Raises `ApiError`; `not_found` also for a kind that has no scale."""
        path = await self._path(namespace=namespace, target=target)
        async with self._reads:
            return _scale(await self._api.get(path))

    async def write(self, *, namespace: str, target: ScaleTargetRef, replicas: int, resource_version: str) -> Scale:
        """Ask for a number of replicas, if nobody wrote since `resource_version`.

        Raises `ApiError`; `conflict` when somebody did.
        """
        path = await self._path(namespace=namespace, target=target)
        answer = await self._api.merge_patch(
            # Without a name the API server would take the beginning of our User-Agent: "Python".
            f"{path}?fieldManager={OUR_WRITER}",
            {"metadata": {"resourceVersion": resource_version}, "spec": {"replicas": replicas}},
        )
        return replace(_scale(answer), writer=OUR_WRITER)

    async def _path(self, *, namespace: str, target: ScaleTargetRef) -> str:
        resource = await self._kinds.resource(target)
        return f"{resource.path(namespace)}/{quote(target.name, safe='')}/scale"


def _scale(answer: dict[str, Any]) -> Scale:
    status = answer.get("status", {})
    return Scale(
        replicas=int(answer["spec"].get("replicas", 0)),
        running=int(status.get("replicas", 0)),
        resource_version=str(answer["metadata"]["resourceVersion"]),
        # A custom resource without labelSelectorPath has none.
        selector=str(status.get("selector") or ""),
        uid=str(answer["metadata"].get("uid") or ""),
    )
