"""Which QueueConsumers this process serves: those of its shard, in its namespaces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from qc_operator.cluster.client import KubernetesApi
from qc_operator.cluster.namespaces import Namespaces
from qc_operator.registry import Key
from qc_operator.settings import ServingSettings

LOOK: Final = 0.2
"""Seconds between two looks whether the namespaces are known."""


class Serving:
    """Answers for one object at a time. `changed` is called when the answer may be another for any of them."""

    def __init__(self, settings: ServingSettings, *, api: KubernetesApi) -> None:
        self._shard = settings.shard
        self._selector = settings.namespace_selector
        self._namespaces: Namespaces | None = None
        self.changed: Callable[[], None] = lambda: None
        if settings.namespace_selector:
            self._namespaces = Namespaces(api=api, selector=settings.namespace_selector, changed=self._changed)

    def _changed(self) -> None:
        self.changed()

    def serves(self, key: Key) -> bool:
        """Whether an object is ours. A list of namespaces needs no look: no others are watched."""
        if self._namespaces is not None and key.namespace not in self._namespaces.names:
            return False
        return self._shard.owns(key.namespace, key.name)

    def finishes(self, key: Key) -> bool:
        """Whether an object that is being deleted is ours to let go, whatever has become of its namespace's labels."""
        return self._shard.owns(key.namespace, key.name)

    @property
    def problem(self) -> str | None:
        """Why it is not known which namespaces are served, as a sentence; else None."""
        if self._namespaces is None or self._namespaces.synced:
            return None
        why = self._namespaces.problem or "the namespaces are not known yet"
        return f"QC_NAMESPACE_SELECTOR {self._selector!r}: {why}"

    async def settled(self) -> None:
        """Wait until it is known which namespaces are served."""
        while self.problem is not None:  # noqa: ASYNC110 - it comes and goes with a watch, and nobody is in a hurry
            await asyncio.sleep(LOOK)

    async def run(self) -> None:
        """Follow the namespaces, as far as they are chosen by their labels."""
        if self._namespaces is None:
            await asyncio.Event().wait()
        else:
            await self._namespaces.run()
