"""Reading one Secret by name. The operator may get Secrets, never list them."""

from __future__ import annotations

from urllib.parse import quote

from qc_operator.cluster.client import KubernetesApi


class Secrets:
    """Gets Secrets' data."""

    def __init__(self, *, api: KubernetesApi) -> None:
        self._api = api

    async def data(self, *, namespace: str, name: str) -> dict[str, str]:
        """The `data` of a Secret, values in base64 as the API gives them. Raises `ApiError`."""
        answer = await self._api.get(f"/api/v1/namespaces/{namespace}/secrets/{quote(name, safe='')}")
        return dict(answer.get("data") or {})
