"""All QueueConsumers: which of them are ours to serve, and one autoscaler for each of those.

Every operator process knows all objects, at all times. It serves those of its shard and of its namespaces, while it
holds the shard's Lease.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from qc_operator import conflict, restoration
from qc_operator.autoscaler import Autoscaler
from qc_operator.conflict import Conflict
from qc_operator.heap import Heap
from qc_operator.ownership import Ownership, TargetId, claimed, target_id
from qc_operator.registry import Key, Known, Registry
from qc_operator.surroundings import Surroundings

AT_ONCE: Final = 100
"""Autoscalers that are started before others get a turn on the loop, the renewal of the Lease among them."""

STALLED: Final = 180.0
"""Seconds. A turn that meets a conflict five times and times out at each request takes 100 s."""
HUNG: Final = 900.0
"""Seconds after which one that has not ended never will, whatever the others do: all requests have time limits."""

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
        self._ownership = Ownership()
        self._autoscalers: dict[Key, Autoscaler] = {}
        self._restoring: dict[Key, asyncio.Task[None]] = {}
        self._leading = False
        self._heap = Heap()
        self._aligning: asyncio.Task[None] | None = None
        self._align_again = False

    @property
    def known(self) -> dict[Key, str]:
        """The uid of every object that the watch has shown and not taken back."""
        return {known.key: known.uid for known in self._registry}

    def stalled(self) -> str | None:
        """Which decision does not come to an end, as a sentence; else None."""
        now, waiting, moving = self._surroundings.clock.monotonic(), None, False
        for key, autoscaler in self._autoscalers.items():
            # While others end, they wait in line for a slow API server, and the line moves: but not for ever.
            moving = moving or now - autoscaler.turn_ended < STALLED
            under_way = 0.0 if autoscaler.turn_since is None else now - autoscaler.turn_since
            if under_way > HUNG:
                return f"{key}: a decision has been under way for {HUNG:.0f} s or longer"
            if under_way > STALLED:
                waiting = f"{key}: a decision has been under way for {STALLED:.0f} s or longer, and no other has ended"
        return None if moving else waiting

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
        for task in self._restoring.values():
            task.cancel()
        self._restoring.clear()
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
            self._wake(self._ownership.put(known))
            self._align(known)

    def gone(self, key: Key, *, uid: str) -> None:
        """Forget an object that is no more.

        The uid tells a late word of the old object's end from one of the new object under its name.
        """
        known = self._registry.get(key)
        if known is None or known.uid != uid:
            return
        self._registry.drop(key)
        self._end(key)
        self._wake(self._ownership.drop(key))
        if (task := self._restoring.pop(key, None)) is not None:
            task.cancel()

    def contested(self, target: TargetId) -> None:
        """Look again at who scales a target: another autoscaler has come, changed or gone."""
        self._wake(claim.key for claim in self._ownership.claims(target))

    def _wake(self, keys: Iterable[Key]) -> None:
        for key in keys:
            if (autoscaler := self._autoscalers.get(key)) is not None:
                autoscaler.wake()

    def _conflict(self, known: Known) -> Conflict | None:
        """Why an object must not write, as far as other objects go; else None."""
        target = claimed(known)
        if target is None:
            return None
        return conflict.standing(
            known=known, owner=self._ownership.owner(known.key), rival=self._surroundings.rivals.on(target)
        )

    async def _align_all(self) -> None:
        while self._align_again:
            # What is ours may become another while this goes on: then all are gone through once more.
            self._align_again = False
            for number, known in enumerate(self._registry, start=1):
                if (latest := self._registry.get(known.key)) is not None:
                    try:
                        self._align(latest)
                    except Exception:
                        log.exception("%s: is not served", known.key)
                if number % AT_ONCE == 0:
                    self._heap.grew()
                    await asyncio.sleep(0)
        self._aligning = None

    def _align(self, known: Known) -> None:
        if not self._leading or known.deleting or not self._serves(known.key):
            self._end(known.key)
            if self._leading and known.deleting and known.held and self._finishes(known.key):
                self._give_back(known)
        elif (autoscaler := self._autoscalers.get(known.key)) is None:
            log.info("%s: serving", known.key)
            self._autoscalers[known.key] = Autoscaler(
                known=known,
                surroundings=self._surroundings,
                conflict=self._conflict,
                on_gone=lambda: self.gone(known.key, uid=known.uid),
            )
        elif autoscaler.known.identity != known.identity:
            log.info("%s: changed (generation %d)", known.key, known.generation)
            autoscaler.update(known)

    def _end(self, key: Key) -> None:
        if (autoscaler := self._autoscalers.pop(key, None)) is not None:
            log.info("%s: no longer served; its target keeps its replicas", key)
            autoscaler.close()
            self._heap.ended(1, left=len(self._autoscalers))

    def _give_back(self, known: Known) -> None:
        """Let a deleted object go, once its target has its replicas back; also in a namespace served no longer."""
        if known.key in self._restoring:
            return

        def done(_: asyncio.Task[None]) -> None:
            if self._restoring.get(known.key) is task:
                del self._restoring[known.key]

        task = asyncio.create_task(
            restoration.restore(known=known, around=self._surroundings, owned=self._alone(known))
        )
        self._restoring[known.key] = task
        task.add_done_callback(done)

    def _alone(self, known: Known) -> bool:
        """Whether nobody else scales the target of an object that is being deleted."""
        if known.spec is None:
            return False
        target = target_id(namespace=known.key.namespace, ref=known.spec.scale_target_ref)
        return not self._ownership.claims(target) and self._surroundings.rivals.on(target) is None
