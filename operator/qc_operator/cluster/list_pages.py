"""A list of the Kubernetes API, page by page: Kubernetes API concepts, "Retrieving large results sets in chunks".

It names no resourceVersion, so it is at least as new as all that was seen before, and all pages are of one moment. With
"0" it would be answered from a cache that may lag behind, and in one piece whatever `limit` says
(kubernetes/kubernetes#118394).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final, Protocol
from urllib.parse import urlencode

import msgspec

from qc_operator.cluster.watch_event import Page
from qc_operator.cluster.watch_trouble import UnreadableError

PAGE: Final = 500
"""Objects in a page, as client-go asks for: some 2 MB of Deployments."""


class Api(Protocol):
    """What is needed of the Kubernetes API."""

    async def get_bytes(self, path: str, *, accept: str = "") -> tuple[bytes, str]:
        """The body of an answer as it came, and its Date header or "". Raises `ApiError`."""


async def pages(*, api: Api, path: str, selection: Mapping[str, str], accept: str) -> AsyncIterator[Page]:
    """The pages. Raises `ApiError`, with status 410 when those that are left have expired, and `UnreadableError`."""
    more = ""
    while True:
        query = {**selection, "limit": str(PAGE)} | ({"continue": more} if more else {})
        body, _ = await api.get_bytes(f"{path}?{urlencode(query)}", accept=accept)
        try:
            page = msgspec.json.decode(body, type=Page)
        except msgspec.DecodeError as error:
            raise UnreadableError(f"the list {path} cannot be read: {error}") from None
        yield page
        more = page.metadata.more
        if not more:
            return
