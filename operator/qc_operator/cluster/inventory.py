"""Which QueueConsumers exist: lists of metadata, in pages, without their specs and statuses."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.registry import Key
from qc_operator.resource import GROUP, PLURAL, VERSION

PAGE: Final = 500
ONLY_METADATA: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

log = logging.getLogger(__name__)


class _Metadata(msgspec.Struct):
    name: str
    namespace: str
    uid: str


class _Item(msgspec.Struct):
    metadata: _Metadata


class _ListMetadata(msgspec.Struct):
    more: str = msgspec.field(name="continue", default="")


class _Page(msgspec.Struct):
    metadata: _ListMetadata
    items: list[_Item] | None = None
    """null where there are none."""


class Inventory:
    """Lists the QueueConsumers of all namespaces, or of some."""

    def __init__(self, *, api: KubernetesApi, namespaces: Sequence[str] = ()) -> None:
        self._api = api
        base = f"/apis/{GROUP}/{VERSION}"
        self._paths = {namespace: f"{base}/namespaces/{namespace}/{PLURAL}" for namespace in namespaces}
        self._paths = self._paths or {"": f"{base}/{PLURAL}"}
        self._decoder = msgspec.json.Decoder(_Page)
        self.unlisted: frozenset[str] = frozenset()
        """Namespaces that the last list leaves out, because the operator may not list there."""

    async def uids(self) -> Mapping[Key, str]:
        """The uid of each.

        No resourceVersion is named, so the answer is at least as new as anything a watch has shown before (Kubernetes
        API concepts, "Resource versions"). A namespace that may not be listed keeps no other from being known. Raises
        `ApiError`; a page that has expired meanwhile is one, too.
        """
        found: dict[Key, str] = {}
        unlisted = set()
        for namespace, path in self._paths.items():
            try:
                await self._list(path, into=found)
            except ApiError as error:
                if not (namespace and error.forbidden):
                    raise
                unlisted.add(namespace)
                if namespace not in self.unlisted:
                    log.warning("the operator may not list QueueConsumers in namespace %s: %s", namespace, error)
        self.unlisted = frozenset(unlisted)
        return found

    async def _list(self, path: str, *, into: dict[Key, str]) -> None:
        more = ""
        while True:
            page = await self._page(f"{path}?limit={PAGE}" + (f"&continue={quote(more)}" if more else ""))
            for item in page.items or ():
                into[Key(item.metadata.namespace, item.metadata.name)] = item.metadata.uid
            more = page.metadata.more
            if not more:
                return

    async def _page(self, path: str) -> _Page:
        body, _ = await self._api.get_bytes(path, accept=ONLY_METADATA)
        try:
            return self._decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise ApiError(status=0, reason="Unreadable", message=f"GET {path}: {error}") from None
