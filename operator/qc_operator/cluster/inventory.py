"""Which QueueConsumers exist: lists of metadata, in pages, without their specs and statuses."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import msgspec

from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.cluster.list_pages import pages
from qc_operator.cluster.reflector import METADATA_ONLY
from qc_operator.cluster.watch_event import Bare
from qc_operator.cluster.watch_trouble import UnreadableError
from qc_operator.registry import Key
from qc_operator.resource import GROUP, PLURAL, VERSION

log = logging.getLogger(__name__)


class Inventory:
    """Lists the QueueConsumers of all namespaces, or of some."""

    def __init__(self, *, api: KubernetesApi, namespaces: Sequence[str] = ()) -> None:
        self._api = api
        base = f"/apis/{GROUP}/{VERSION}"
        self._paths = {namespace: f"{base}/namespaces/{namespace}/{PLURAL}" for namespace in namespaces}
        self._paths = self._paths or {"": f"{base}/{PLURAL}"}
        self._decoder = msgspec.json.Decoder(Bare)
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
        try:
            async for page in pages(api=self._api, path=path, selection={}, accept=METADATA_ONLY[0]):
                for item in page.items or ():
                    metadata = self._decoder.decode(item).metadata
                    into[Key(metadata.namespace, metadata.name)] = metadata.uid
        except (UnreadableError, msgspec.DecodeError) as error:
            raise ApiError(status=0, reason="Unreadable", message=f"GET {path}: {error}") from None
