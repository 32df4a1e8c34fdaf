"""The namespaces that a label selector selects, as they are now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from qc_operator.cluster.list_watch import Api
from qc_operator.cluster.reflector import Bare, Reflector, Resource
from qc_operator.registry import Key

NAMESPACES: Final = Resource(base="/api/v1", plural="namespaces")


class Namespaces:
    """Watches the names. One whose labels cease to match leaves as one that is deleted does.

    `changed` is called when all are known for the first time and whenever `names`, `synced` or `problem` may be others.
    """

    def __init__(self, *, api: Api, selector: str, changed: Callable[[], None]) -> None:
        self._names: set[str] = set()
        self._told_changed = changed
        self._reflector = Reflector(
            api=api,
            resource=NAMESPACES,
            type=Bare,
            changed=self._joined,
            deleted=self._left,
            told=changed,
            label_selector=selector,
            metadata_only=True,
        )

    def __contains__(self, name: str) -> bool:
        return name in self._names

    @property
    def names(self) -> frozenset[str]:
        """All of them, as far as they are known: see `synced`."""
        return frozenset(self._names)

    @property
    def synced(self) -> bool:
        """Whether those are all. See `Reflector`."""
        return self._reflector.synced

    @property
    def problem(self) -> str | None:
        """What keeps them from being known until a person mends it, as a sentence; else None."""
        return self._reflector.problem

    async def run(self) -> None:
        """Watch until cancelled. Never raises."""
        await self._reflector.run()

    def _joined(self, namespace: Bare) -> None:
        if namespace.metadata.name not in self._names:
            self._names.add(namespace.metadata.name)
            self._tell()

    def _left(self, key: Key) -> None:
        self._names.discard(key.name)
        self._tell()

    def _tell(self) -> None:
        if self._reflector.synced:  # Before, and while listing, all are told in one go at its end.
            self._told_changed()
