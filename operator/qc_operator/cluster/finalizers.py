"""Finalizers of QueueConsumers: what must be done before one is gone.

Kubernetes documentation, "Finalizers": an object that is deleted stays, with a `deletionTimestamp`, until its list of
finalizers is empty; whoever put one in takes it out when its work is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from qc_operator.cluster.client import KubernetesApi
from qc_operator.registry import FINALIZER, Key
from qc_operator.resource import GROUP, PLURAL, VERSION


class Finalizers:
    """Reads QueueConsumers and writes their finalizers. All methods raise `ApiError`."""

    def __init__(self, *, api: KubernetesApi) -> None:
        self._api = api

    async def read(self, *, key: Key) -> Mapping[str, Any]:
        """Read the object as it is now."""
        return await self._api.get(_path(key))

    async def add(self, *, body: Mapping[str, Any]) -> None:
        """Put ours in, unless somebody wrote since the object was read."""
        await self._write(body, [*(body["metadata"].get("finalizers") or ()), FINALIZER])

    async def remove(self, *, body: Mapping[str, Any]) -> None:
        """Take ours out, unless somebody wrote since the object was read."""
        others = [name for name in body["metadata"].get("finalizers") or () if name != FINALIZER]
        await self._write(body, others)

    async def _write(self, body: Mapping[str, Any], finalizers: list[str]) -> None:
        metadata = body["metadata"]
        await self._api.merge_patch(
            _path(Key(metadata["namespace"], metadata["name"])),
            {"metadata": {"resourceVersion": metadata["resourceVersion"], "finalizers": finalizers}},
        )


def _path(key: Key) -> str:
    return f"/apis/{GROUP}/{VERSION}/namespaces/{key.namespace}/{PLURAL}/{quote(key.name, safe='')}"
