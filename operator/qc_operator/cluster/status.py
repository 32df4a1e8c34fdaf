"""Writing the status subresource of a QueueConsumer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qc_operator.cluster.client import KubernetesApi
from qc_operator.registry import Key
from qc_operator.resource import GROUP, PLURAL, VERSION


class Statuses:
    """Writes statuses."""

    def __init__(self, *, api: KubernetesApi) -> None:
        self._api = api

    async def write(self, *, key: Key, status: Mapping[str, Any]) -> None:
        """Replace the given fields of an object's status. Raises `ApiError`; `not_found` when it is gone."""
        await self._api.merge_patch(
            f"/apis/{GROUP}/{VERSION}/namespaces/{key.namespace}/{PLURAL}/{key.name}/status", {"status": dict(status)}
        )
