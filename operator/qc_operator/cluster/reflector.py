"""What exists of one resource, kept up to date by lists and watches and told by callbacks.

Over all namespaces with one watch, or over some with one each: a ServiceAccount with rights in some namespaces only may
not watch all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from urllib.parse import quote

from qc_operator.cluster.client import ApiError
from qc_operator.cluster.list_watch import Api, ListWatch
from qc_operator.cluster.watch_event import Bare, Metadata, Watched
from qc_operator.registry import Key

__all__ = ["Bare", "Metadata", "Reflector", "Resource"]

METADATA_ONLY: Final = (
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
)
"""Of a list and of a watch: the server leaves specs and statuses away. Kubernetes API concepts, "Metadata-only"."""

T = TypeVar("T", bound=Watched)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind of objects by its place in the API."""

    base: str
    """`/api/v1`, or `/apis/` with group and version."""
    plural: str

    def path(self, namespace: str = "") -> str:
        """Of all its objects, or of those in a namespace."""
        return f"{self.base}/namespaces/{quote(namespace)}/{self.plural}" if namespace else f"{self.base}/{self.plural}"

    @property
    def group(self) -> str:
        """Where the API server tells of its group, such as `/apis/apps`; empty for the core group, always there."""
        return "" if self.base == "/api/v1" else self.base.rpartition("/")[0]

    @property
    def rights_in(self) -> str:
        """Its name as rules of RBAC have it: `deployments (API group apps)`."""
        group = self.base.removeprefix("/apis/").partition("/")[0]
        return self.plural if self.base == "/api/v1" else f"{self.plural} (API group {group})"


class Reflector(Generic[T]):
    """Tells of each object when it is first seen, when it changes and when it is gone, also during a gap.

    `type` has what is wanted of an object; what it does not name is skipped. All its fields should have defaults: an
    object that cannot be decoded is passed over. `told` is called when `synced`, `absent` or `problem` may have
    changed. An object may be told again unchanged, and one created anew under its old name is told as deleted first.
    Callbacks must not block.
    """

    def __init__(
        self,
        *,
        api: Api,
        resource: Resource,
        type: type[T],  # noqa: A002 - what it is
        changed: Callable[[T], None],
        deleted: Callable[[Key], None],
        told: Callable[[], None] = lambda: None,
        namespaces: Sequence[str] = (),
        label_selector: str = "",
        metadata_only: bool = False,
    ) -> None:
        self._resource = resource
        self._parts = {
            namespace: ListWatch(
                api=api,
                path=resource.path(namespace),
                type=type,
                changed=changed,
                deleted=deleted,
                told=told,
                group=resource.group,
                label_selector=label_selector,
                accept=METADATA_ONLY if metadata_only else ("", ""),
            )
            for namespace in namespaces or ("",)
        }

    @property
    def synced(self) -> bool:
        """Whether all objects have been told, and are still watched.

        While the API server is away, or has other troubles that pass, what was told last still counts.
        """
        return all(part.synced for part in self._parts.values())

    def synced_in(self, namespace: str) -> bool:
        """The same for one namespace: where another may not be watched, this one may."""
        part = self._parts.get(namespace) or self._parts.get("")
        return part is not None and part.synced

    @property
    def current(self) -> bool:
        """Whether what was told is how it is now: not while the API server is away."""
        return all(part.current for part in self._parts.values())

    @property
    def absent(self) -> bool:
        """Whether the API server serves no such resource.

        It is looked for again every five seconds or so, and once a minute while nothing of its group is served either.
        """
        return any(part.refusal is not None and part.refusal.not_found for part in self._parts.values())

    @property
    def problem(self) -> str | None:
        """What keeps it from being watched until a person mends it, as a sentence; else None."""
        problems = (self._problem(namespace, part) for namespace, part in self._parts.items())
        return next((problem for problem in problems if problem is not None), None)

    def problem_in(self, namespace: str) -> str | None:
        """The same for one namespace."""
        watched = namespace if namespace in self._parts else ""
        part = self._parts.get(watched)
        return None if part is None else self._problem(watched, part)

    async def run(self) -> None:
        """Watch until cancelled. Never raises."""
        async with asyncio.TaskGroup() as group:
            for part in self._parts.values():
                group.create_task(part.run())

    def _problem(self, namespace: str, part: ListWatch[T]) -> str | None:
        if part.refusal is None:
            return None
        return self._sentence(part.refusal, where=f" in namespace {namespace}" if namespace else "")

    def _sentence(self, refusal: ApiError, *, where: str) -> str:
        what = self._resource.plural + where
        if refusal.forbidden:
            rights = f"list and watch on {self._resource.rights_in}{where}"
            return f"the operator may not watch {what}: {refusal}; grant its ServiceAccount {rights}"
        if refusal.not_found:
            return f"the API server serves no {what} at {self._resource.base}: {refusal}"
        return f"{what} cannot be watched: {refusal}"
