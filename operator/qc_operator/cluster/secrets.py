"""Reading one Secret by name. The operator may get Secrets, never list them."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import quote

from qc_operator.cluster.client import KubernetesApi

READS: Final = 16
"""Under way at a time. All Secrets are read when an operator takes over, and a key server that hangs holds each read
for 10 s: other reads are to have room beside them."""


class Secrets:
    """Gets Secrets' data."""

    def __init__(self, *, api: KubernetesApi) -> None:
        self._api = api
        self._reads = asyncio.Semaphore(READS)

    async def data(self, *, namespace: str, name: str) -> dict[str, str]:
        """The `data` of a Secret, values in base64 as the API gives them. Raises `ApiError`."""
        async with self._reads:
            answer = await self._api.get(f"/api/v1/namespaces/{namespace}/secrets/{quote(name, safe='')}")
        return dict(answer.get("data") or {})
