"""Which QueueConsumers exist: lists of metadata, in pages, without their specs and statuses."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.cluster.list_pages import pages
from qc_operator.cluster.reflector import METADATA_ONLY
from qc_operator.cluster.watch_event import Bare, Metadata
from qc_operator.cluster.watch_trouble import UnreadableError
from qc_operator.registry import Key
from qc_operator.resource import GROUP, PLURAL, VERSION

REMEDY: Final = (
    "create the namespace if it is not there, and grant the operator's ServiceAccount in it what the chart's Role does"
)

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
        self.generations: Mapping[Key, int] = {}
        """The `metadata.generation` of each, as of the last list."""

    async def uids(self) -> Mapping[Key, str]:
        """The uid of each.

        No resourceVersion is named, so the answer is at least as new as anything a watch has shown before (Kubernetes
        API concepts, "Resource versions"). A namespace that may not be listed keeps no other from being known. Raises
        `ApiError`; a page that has expired meanwhile is one, too.
        """
        found: dict[Key, Metadata] = {}
        unlisted = set()
        for namespace, path in self._paths.items():
            try:
                await self._list(path, into=found)
            except ApiError as error:
                if not (namespace and error.forbidden):
                    raise
                unlisted.add(namespace)
                if namespace not in self.unlisted:
                    log.warning("namespace %s is not served: %s; %s", namespace, error, REMEDY)
        for namespace in sorted(self.unlisted - unlisted):
            log.info("namespace %s is served from now on", namespace)
        self.unlisted = frozenset(unlisted)
        self.generations = {key: metadata.generation for key, metadata in found.items()}
        return {key: metadata.uid for key, metadata in found.items()}

    @property
    def remark(self) -> str | None:
        """Which namespaces are not served, and what to do about it, as a sentence; else None."""
        if not self.unlisted:
            return None
        names = ", ".join(sorted(self.unlisted))
        return f"not served, because the operator may not list QueueConsumers there: {names} (QC_NAMESPACES); {REMEDY}"

    async def _list(self, path: str, *, into: dict[Key, Metadata]) -> None:
        try:
            async for page in pages(api=self._api, path=path, selection={}, accept=METADATA_ONLY[0]):
                for item in page.items or ():
                    metadata = self._decoder.decode(item).metadata
                    into[Key(metadata.namespace, metadata.name)] = metadata
        except (UnreadableError, msgspec.DecodeError) as error:
            raise ApiError(status=0, reason="Unreadable", message=f"GET {path}: {error}") from None
