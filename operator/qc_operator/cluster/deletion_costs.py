"""The deletion costs of pods: reading them with the pods, and writing those that should be others.

An annotation of ours beside the cost says which cost we have written. Where the two differ, or ours is not there, the
cost is somebody else's, and is left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

import msgspec

from qc_operator.cluster.client import ApiError
from qc_operator.scaling.deletion_costs import READY, Candidate, Changes

COST: Final = "controller.kubernetes.io/pod-deletion-cost"
"""Kubernetes documentation, "Well-Known Labels, Annotations and Taints": an int32 as text."""
OURS: Final = "queueconsumer.dev/deletion-cost"
"""The cost that we have written."""
AT_ONCE: Final = 10
"""Pods that are patched at a time."""
PHASES: Final = {"Pending": 1, "Unknown": 2}

log = logging.getLogger(__name__)


class Api(Protocol):
    """What is needed of the Kubernetes API. Both raise `ApiError`."""

    async def get_bytes(self, path: str) -> tuple[bytes, str]:
        """The body of an answer as it came, and its Date header or ""."""

    async def merge_patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Patch an object (RFC 7386)."""


class _Owner(msgspec.Struct, rename="camel"):
    api_version: str = ""
    kind: str = ""
    uid: str = ""
    controller: bool = False


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    resource_version: str = ""
    annotations: dict[str, str] | None = None
    owner_references: list[_Owner] | None = None
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None


class _Spec(msgspec.Struct, rename="camel"):
    node_name: str = ""


class _Condition(msgspec.Struct, rename="camel"):
    type: str
    status: str
    last_transition_time: str | None = None


class _Container(msgspec.Struct, rename="camel"):
    restart_count: int = 0


class _Address(msgspec.Struct):
    ip: str = ""


class _Status(msgspec.Struct, rename="camel"):
    phase: str = ""
    conditions: list[_Condition] | None = None
    container_statuses: list[_Container] | None = None
    addresses: list[_Address] | None = msgspec.field(name="podIPs", default=None)


class _Pod(msgspec.Struct):
    metadata: _Metadata
    spec: _Spec
    status: _Status


class _ListMetadata(msgspec.Struct):
    more: str | None = msgspec.field(name="continue", default=None)


class _PodList(msgspec.Struct):
    metadata: _ListMetadata
    items: list[_Pod] | None = None


class DeletionCosts:
    """Reads and writes the deletion costs of pods."""

    def __init__(self, *, api: Api) -> None:
        self._api = api
        self._decoder = msgspec.json.Decoder(_PodList)

    async def read(self, *, namespace: str, selector: str) -> tuple[Candidate, ...]:
        """List the pods of ReplicaSets that a selector, which must not be empty, selects.

        Only those for which deletion costs have a meaning. Raises `ApiError`.
        """
        if not selector:
            raise ValueError("no selector")
        path, query = f"/api/v1/namespaces/{namespace}/pods?", {"labelSelector": selector}
        # From the API server's watch cache, which gives the whole list at once.
        page = await self._page(path + urlencode(query | {"resourceVersion": "0"}))
        items = list(page.items or [])
        while page.metadata.more:
            page = await self._page(path + urlencode(query | {"continue": page.metadata.more}))
            items += page.items or []
        return tuple(candidate for pod in items if (candidate := _candidate(pod)) is not None)

    async def write(self, *, namespace: str, pods: Sequence[Candidate], changes: Changes) -> None:
        """Give pods the costs that they should have, a few at a time, the first of `changes` first.

        A pod that is gone, or that somebody has written to since it was listed, is passed over. Raises `ApiError` for
        all else, once what is under way has ended.
        """
        versions = {pod.name: pod.version for pod in pods}
        waiting = iter(changes.items())

        async def write_in_turn() -> None:
            for name, cost in waiting:
                await self._patch(namespace=namespace, name=name, cost=cost, version=versions[name])

        writers = (write_in_turn() for _ in range(min(AT_ONCE, len(changes))))
        for ended in await asyncio.gather(*writers, return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended

    async def _patch(self, *, namespace: str, name: str, cost: int | None, version: str) -> None:
        text = None if cost is None else str(cost)
        body = {"metadata": {"resourceVersion": version, "annotations": {COST: text, OURS: text}}}
        try:
            await self._api.merge_patch(f"/api/v1/namespaces/{namespace}/pods/{quote(name, safe='')}", body)
        except ApiError as error:
            if not (error.conflict or error.not_found):
                raise

    async def _page(self, path: str) -> _PodList:
        body, _ = await self._api.get_bytes(path)
        try:
            return self._decoder.decode(body)
        except msgspec.DecodeError as error:
            message = f"the API server's list of pods cannot be read: {error}"
            raise ApiError(status=0, reason="Unreadable", message=message) from None


def _candidate(pod: _Pod) -> Candidate | None:
    """What a choice needs of a pod; None for one that is going or has ended, and for one of no ReplicaSet."""
    metadata, status = pod.metadata, pod.status
    owner = next((owner for owner in metadata.owner_references or () if owner.controller), None)
    if owner is None or owner.kind != "ReplicaSet" or not owner.api_version.startswith("apps/"):
        return None
    if metadata.deletion_timestamp is not None or status.phase in {"Succeeded", "Failed"}:
        return None
    ready = next((c for c in status.conditions or () if c.type == "Ready" and c.status == "True"), None)
    annotations = metadata.annotations or {}
    stage = READY if ready is not None else READY - 1
    return Candidate(
        name=metadata.name,
        stage=PHASES.get(status.phase, stage) if pod.spec.node_name else 0,
        owner=owner.uid,
        node=pod.spec.node_name,
        cost=_cost(annotations.get(COST)),
        ours=annotations.get(COST) == annotations.get(OURS),
        addresses=tuple(address.ip for address in status.addresses or ()),
        ready_since=(ready.last_transition_time or "") if ready is not None else "",
        created=metadata.creation_timestamp,
        restarts=max((container.restart_count for container in status.container_statuses or ()), default=0),
        version=metadata.resource_version,
    )


def _cost(text: str | None) -> int:
    with contextlib.suppress(ValueError):
        return int(text or 0)
    return 0  # As the ReplicaSet takes it. The API server has refused such a text since 1.22.
