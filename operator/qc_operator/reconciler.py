"""All QueueConsumers: which of them are ours to serve, and one autoscaler for each of those.

Every operator process knows all objects, at all times. It serves those of its shard and of its namespaces, while it
holds the shard's Lease.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from qc_operator import unserved
from qc_operator.autoscaler import Autoscaler
from qc_operator.contest import Contest
from qc_operator.departures import Departures
from qc_operator.heap import Heap
from qc_operator.ownership import TargetId
from qc_operator.registry import Key, Known, Registry
from qc_operator.scaling.rounding import number_of
from qc_operator.stalling import stalled
from qc_operator.surroundings import Surroundings

AT_ONCE: Final = 250
"""Autoscalers that are started before others get a turn on the loop, the renewal of the Lease among them: 40 ms."""

log = logging.getLogger(__name__)


class Reconciler:
    """Keeps an autoscaler for each QueueConsumer that is ours to serve."""

    def __init__(
        self,
        *,
        surroundings: Surroundings,
        serves: Callable[[Key], bool] = lambda _: True,
        finishes: Callable[[Key], bool] = lambda _: True,
    ) -> None:
        self._surroundings = surroundings
        self._serves = serves
        self._finishes = finishes
        self._registry = Registry()
        self._contest = Contest(rivals=surroundings.rivals)
        self._autoscalers: dict[Key, Autoscaler] = {}
        self._departures = Departures(around=surroundings)
        self._leading = False
        self._heap = Heap()
        self._aligning: asyncio.Task[None] | None = None
        self._align_again = False

    @property
    def known(self) -> dict[Key, str]:
        """The uid of every object that the watch has shown and not taken back."""
        return {known.key: known.uid for known in self._registry}

    def generation(self, key: Key) -> int:
        """The generation of one of these, which counts the changes of its spec, as the watch has shown it last."""
        known = self._registry.get(key)
        return 0 if known is None else known.generation

    def stalled(self) -> str | None:
        """Which decision does not come to an end, as a sentence; else None."""
        turns = ((key, autoscaler.turns) for key, autoscaler in self._autoscalers.items())
        return stalled(turns, now=self._surroundings.clock.monotonic())

    def lead(self) -> None:
        """Serve from now on."""
        self._leading = True
        self._surroundings.metrics.last_turn.at = self._surroundings.clock.utcnow().timestamp()
        self.align()

    def follow(self) -> None:
        """Serve none from now on: turns and writes under way are given up at once. The watch goes on."""
        self._leading = False
        if self._aligning is not None:
            self._aligning.cancel()
            self._aligning = None
        ended = len(self._autoscalers)
        for autoscaler in self._autoscalers.values():
            autoscaler.close()
        self._autoscalers.clear()
        self._heap.ended(ended, left=0)
        self._departures.end_all()
        self._surroundings.metrics.last_turn.at = None

    def align(self) -> None:
        """Start and end autoscalers by what is ours to serve now."""
        self._align_again = True
        if self._leading and self._aligning is None and len(self._registry):
            self._aligning = asyncio.create_task(self._align_all())

    def seen(self, body: Mapping[str, Any]) -> None:
        """Take in an object as the watch shows it: new, changed, or the echo of our own status."""
        metadata = body["metadata"]
        key = Key(metadata["namespace"], metadata["name"])
        before = self._registry.get(key)
        if before is not None and before.uid != metadata["uid"]:
            # Deleted and created again between two sightings: the new object inherits nothing.
            self.gone(key, uid=before.uid)
        if (known := self._registry.see(body)) is not None:
            self._wake(self._contest.put(known))
            self._align(known)
        else:
            self._look_at_echo(key)

    def _look_at_echo(self, key: Key) -> None:
        """Who served the namespace before us may have had the last word when we had begun already."""
        known, autoscaler = self._registry.get(key), self._autoscalers.get(key)
        if known is not None and autoscaler is not None and unserved.said_in(known):
            autoscaler.tell_again()

    def gone(self, key: Key, *, uid: str) -> None:
        """Forget an object that is no more.

        The uid tells a late word of the old object's end from one of the new object under its name.
        """
        known = self._registry.get(key)
        if known is None or known.uid != uid:
            return
        self._registry.drop(key)
        self._end(key, why="deleted; its target keeps its replicas")
        self._wake(self._contest.drop(key))
        self._departures.end(key)

    def contested(self, target: TargetId) -> None:
        """Look again at who scales a target: another autoscaler has come, changed or gone."""
        self._wake(self._contest.naming(target))

    def _wake(self, keys: Iterable[Key]) -> None:
        for key in keys:
            if (autoscaler := self._autoscalers.get(key)) is not None:
                autoscaler.wake()

    async def _align_all(self) -> None:
        while self._align_again:
            # What is ours may become another while this goes on: then all are gone through once more.
            self._align_again, before = False, len(self._autoscalers)
            for number, known in enumerate(self._registry, start=1):
                if (latest := self._registry.get(known.key)) is not None:
                    try:
                        self._align(latest, level=logging.DEBUG)
                    except Exception:
                        log.exception("%s: is not served", known.key)
                if number % AT_ONCE == 0:
                    self._heap.grew()
                    await asyncio.sleep(0)
            if (after := len(self._autoscalers)) > before:
                log.info("serving %s, %d before", number_of(after, "QueueConsumer"), before)
        self._aligning = None

    def _align(self, known: Known, *, level: int = logging.INFO) -> None:
        if not self._leading:
            return
        serves = self._serves(known.key)
        if known.deleting or not serves:
            self._leave(known, serves=serves)
        elif (autoscaler := self._autoscalers.get(known.key)) is None:
            log.log(level, "%s: serving", known.key)
            self._departures.end(known.key)
            self._autoscalers[known.key] = Autoscaler(
                known=known,
                surroundings=self._surroundings,
                conflict=self._contest.conflict,
                on_gone=lambda: self.gone(known.key, uid=known.uid),
            )
        elif autoscaler.known.identity != known.identity:
            log.info("%s: changed (generation %d)", known.key, known.generation)
            autoscaler.update(known)

    def _leave(self, known: Known, *, serves: bool) -> None:
        """End what serves an object, and begin what is to be done for one that leaves."""
        if known.deleting:
            self._end(known.key, why="is being deleted")
            if known.held and self._finishes(known.key):
                self._departures.deleted(known, owned=self._contest.alone(known), served=serves)
        elif not serves and (autoscaler := self._autoscalers.get(known.key)) is not None:
            status = autoscaler.last_status()
            self._end(known.key, why="its namespace is served no longer; its target keeps its replicas")
            self._departures.unserved(known, status=status)

    def _end(self, key: Key, *, why: str) -> None:
        if (autoscaler := self._autoscalers.pop(key, None)) is not None:
            log.info("%s: %s", key, why)
            autoscaler.close()
            self._heap.ended(1, left=len(self._autoscalers))
