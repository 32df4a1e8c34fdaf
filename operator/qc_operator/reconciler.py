"""All QueueConsumers: one autoscaler each, started, updated and ended as the watch tells."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from qc_operator.autoscaler import Autoscaler
from qc_operator.registry import Key, Registry, read
from qc_operator.surroundings import Surroundings

log = logging.getLogger(__name__)


class Reconciler:
    """Keeps an autoscaler for each QueueConsumer that exists."""

    def __init__(self, *, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._registry = Registry()
        self._autoscalers: dict[Key, Autoscaler] = {}
        self._closed = False

    def seen(self, body: Mapping[str, Any]) -> None:
        """Take in an object as the watch shows it: new, changed, or the echo of our own status."""
        if self._closed:
            return
        known = read(body)
        if body["metadata"].get("deletionTimestamp"):
            self.gone(known.key, uid=known.uid)
            return
        before = self._autoscalers.get(known.key)
        if before is not None and before.known.uid != known.uid:
            # Deleted and created again between two sightings: the new object inherits nothing.
            self.gone(known.key, uid=before.known.uid)
            before = None
        if not self._registry.put(known):
            return
        if before is None:
            log.info("%s: watching", known.key)
            self._autoscalers[known.key] = Autoscaler(
                known=known, surroundings=self._surroundings, on_gone=lambda: self.gone(known.key, uid=known.uid)
            )
        else:
            log.info("%s: spec or annotations changed (generation %d)", known.key, known.generation)
            before.update(known)
        self._surroundings.metrics.resources.set(len(self._registry))

    def gone(self, key: Key, *, uid: str) -> None:
        """Forget an object that was deleted. Its target keeps its replicas.

        The uid tells a late word of the old object's end from one of the new object under its name.
        """
        known = self._registry.get(key)
        if known is None or known.uid != uid:
            return
        self._registry.drop(key)
        log.info("%s: deleted; its target keeps its replicas", key)
        self._autoscalers.pop(key).close()
        self._surroundings.metrics.resources.set(len(self._registry))

    def close(self) -> None:
        """End all autoscalers, and take nothing in any more."""
        self._closed = True
        for autoscaler in self._autoscalers.values():
            autoscaler.close()
            self._registry.drop(autoscaler.known.key)
        self._autoscalers.clear()
