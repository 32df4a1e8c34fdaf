"""Which resource serves a kind: the plural in its path, discovered once per kind.

The API tells it at `/apis/<group>/<version>` (Kubernetes API concepts, "Discovery API"). The kinds of apps/v1 are
known: their names are part of a stable API.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

from qc_operator.cluster.client import ApiError
from qc_operator.cluster.reflector import Resource
from qc_operator.resource import ScaleTargetRef

BUILT_IN: Final = {"Deployment": "deployments", "StatefulSet": "statefulsets", "ReplicaSet": "replicasets"}
APPS: Final = "apps/v1"
UNKNOWN_SECONDS: Final = 5.0
"""For which a kind that is not there is not asked for again, however many objects name it."""


class Api(Protocol):
    """What is needed of the Kubernetes API."""

    async def get(self, path: str) -> dict[str, Any]:
        """Read an object. Raises `ApiError`."""


class Kinds:
    """Finds resources that have the scale subresource."""

    def __init__(self, *, api: Api) -> None:
        self._api = api
        self._known = {(APPS, kind): Resource(base="/apis/apps/v1", plural=name) for kind, name in BUILT_IN.items()}
        self._searches: dict[tuple[str, str], asyncio.Task[Resource]] = {}

    async def resource(self, target: ScaleTargetRef) -> Resource:
        """The resource of a target's kind.

        Raises `ApiError`; `not_found` when there is no such kind, or it has no scale.
        """
        kind = target.api_version, target.kind
        known = self._known.get(kind)
        if known is not None:
            return known
        search = self._searches.get(kind)
        if search is None:
            search = self._searches[kind] = asyncio.create_task(self._search(*kind))
            search.add_done_callback(lambda done: self._found(kind, done))
        # One who is cancelled must not take the answer away from the others.
        return await asyncio.shield(search)

    def _found(self, kind: tuple[str, str], search: asyncio.Task[Resource]) -> None:
        if not search.cancelled() and search.exception() is None:
            self._known[kind] = search.result()
            del self._searches[kind]
        else:
            asyncio.get_running_loop().call_later(UNKNOWN_SECONDS, self._searches.pop, kind, None)

    async def _search(self, api_version: str, kind: str) -> Resource:
        base = "/api/v1" if api_version == "v1" else f"/apis/{api_version}"
        try:
            resources = (await self._api.get(base)).get("resources") or ()
        except ApiError as error:
            if not error.not_found:
                raise
            message = f"the API server has no such kind, as it serves nothing in {api_version}"
            raise ApiError(status=404, reason="NotFound", message=message) from None
        scalable = {item["name"].removesuffix("/scale") for item in resources if item["name"].endswith("/scale")}
        for item in resources:
            if item["kind"] == kind and item["name"] in scalable:
                return Resource(base=base, plural=str(item["name"]))
        raise ApiError(
            status=404,
            reason="NotScalable",
            message=f"the API server knows no {kind} in {api_version} with a scale subresource",
        )
