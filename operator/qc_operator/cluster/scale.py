"""The scale subresource: how many replicas there are, and writing how many there should be.

Kubernetes API conventions: any kind may serve `/scale`, an `autoscaling/v1 Scale` whose `spec.replicas` can be written
without knowing the kind. The plural name that its path needs is discovered once per kind.
"""

from __future__ import annotations

from urllib.parse import quote

from qc_operator.cluster import Scale
from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.resource import ScaleTargetRef


class Scales:
    """Reads and writes the scale of targets."""

    def __init__(self, *, api: KubernetesApi) -> None:
        self._api = api
        self._plurals: dict[tuple[str, str], str] = {}

    async def read(self, *, namespace: str, target: ScaleTargetRef) -> Scale:
        """Read a target's scale. Raises `ApiError`; `not_found` also for a kind that has no scale."""
        answer = await self._api.get(await self._path(namespace=namespace, target=target))
        return _scale(answer)

    async def write(self, *, namespace: str, target: ScaleTargetRef, replicas: int, resource_version: str) -> Scale:
        """Ask for a number of replicas, if nobody wrote since `resource_version`.

        Raises `ApiError`; `conflict` when somebody did.
        """
        answer = await self._api.merge_patch(
            await self._path(namespace=namespace, target=target),
            {"metadata": {"resourceVersion": resource_version}, "spec": {"replicas": replicas}},
        )
        return _scale(answer)

    async def _path(self, *, namespace: str, target: ScaleTargetRef) -> str:
        base = "/api/v1" if target.api_version == "v1" else f"/apis/{target.api_version}"
        plural = self._plurals.get((target.api_version, target.kind))
        if plural is None:
            plural = await self._discover(base=base, target=target)
            self._plurals[target.api_version, target.kind] = plural
        return f"{base}/namespaces/{namespace}/{plural}/{quote(target.name, safe='')}/scale"

    async def _discover(self, *, base: str, target: ScaleTargetRef) -> str:
        resources = (await self._api.get(base))["resources"]
        scalable = {item["name"].removesuffix("/scale") for item in resources if item["name"].endswith("/scale")}
        for item in resources:
            if item["kind"] == target.kind and item["name"] in scalable:
                return str(item["name"])
        raise ApiError(
            status=404,
            reason="NotScalable",
            message=f"the API server knows no {target.kind} in {target.api_version} with a scale subresource",
        )


def _scale(answer: dict[str, dict[str, int | str]]) -> Scale:
    status = answer.get("status", {})
    return Scale(
        replicas=int(answer["spec"].get("replicas", 0)),
        running=int(status.get("replicas", 0)),
        resource_version=str(answer["metadata"]["resourceVersion"]),
        # A custom resource without labelSelectorPath has none.
        selector=str(status.get("selector") or ""),
    )
