"""All targets of one kind as one watch shows them, and those who follow some of them.

Of every object of the kind the scale is kept, about 1 kB, whether anybody follows it or not: so a target that is
named later is known at once, with who wrote it last, and an operator that takes over from another asks for nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from qc_operator.cluster import Scale
from qc_operator.cluster.back_off import BackOff
from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.cluster.kinds import APPS, BUILT_IN, Kinds
from qc_operator.cluster.reflector import Reflector, Resource
from qc_operator.cluster.watch_settling import Settling
from qc_operator.cluster.workload import ManagedObject, Workload
from qc_operator.registry import Key
from qc_operator.resource import ScaleTargetRef

SETTLING: Final = 15.0
"""Seconds that followers wait for the first list, before they read for themselves. 10,000 Deployments take about 3."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One object as last shown. Its scale only where the kind is known."""

    version: str
    uid: str
    writer: str
    scale: Scale | None


class KindWatch:
    """Begins with its creation, in a running event loop; ends with `close`."""

    def __init__(self, *, api: KubernetesApi, kinds: Kinds, target: ScaleTargetRef, namespaces: Sequence[str]) -> None:
        self._api = api
        self._kinds = kinds
        self._target = target
        self._namespaces = frozenset(namespaces)
        self._seen: dict[Key, Sighting] = {}
        self._followers: dict[Key, list[Callable[[], None]]] = {}
        self._reflector: Reflector[Workload] | Reflector[ManagedObject] | None = None
        self._unfound: ApiError | None = None
        self._settling = Settling(most=SETTLING)
        self._task = asyncio.create_task(self._run())

    @property
    def followed(self) -> bool:
        """Whether anybody follows anything."""
        return bool(self._followers)

    def problem_in(self, namespace: str) -> str | None:
        """Why nothing can be told there, as a sentence that says what to do; None while it can, or may any moment."""
        if self._reflector is not None and (problem := self._reflector.problem_in(namespace)):
            return f"{problem}; until then each target of this kind is read every few seconds"
        return str(self._unfound) if self._unfound is not None and not self._unfound.passing else None

    def tells(self, key: Key) -> bool:
        """Whether what is known of a target is what the API server shows."""
        return self._reflector is not None and self._reflector.synced_in(key.namespace)

    @property
    def current(self) -> bool:
        """Whether what is told is how it is now: not while the API server is away."""
        return self._reflector is not None and self._reflector.current

    def sighting(self, key: Key) -> Sighting | None:
        """What is known of a target, if there is such an object."""
        return self._seen.get(key)

    async def settled(self) -> None:
        """Wait until it can be told, it is clear that it cannot, or that takes too long."""
        await self._settling.over()

    def follow(self, key: Key, notify: Callable[[], None]) -> None:
        """Call `notify` when the target appears, goes, is another, or other replicas are asked for."""
        self._followers.setdefault(key, []).append(notify)

    def unfollow(self, key: Key, notify: Callable[[], None]) -> None:
        """Do so no longer."""
        followers = self._followers[key]
        followers.remove(notify)
        if not followers:
            del self._followers[key]

    async def close(self) -> None:
        """End the watch."""
        self._settling.end()
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        back_off = BackOff()
        while self._reflector is None:
            try:
                resource = await self._kinds.resource(self._target)
            except ApiError as error:
                self._unfound = error
                self._told()
                await asyncio.sleep(back_off.pause(asked_for=error.retry_after))
                continue
            except Exception:
                log.exception(
                    "the resource of kind %s in %s was not found", self._target.kind, self._target.api_version
                )
                await asyncio.sleep(back_off.pause())
                continue
            self._unfound = None
            self._reflector = self._reflect(resource)
        await self._reflector.run()

    def _reflect(self, resource: Resource) -> Reflector[Workload] | Reflector[ManagedObject]:
        named = sorted(self._namespaces)
        api, told, gone = self._api, self._told, self._deleted
        if self._target.api_version == APPS and self._target.kind in BUILT_IN:
            return Reflector(
                api=api, resource=resource, type=Workload, namespaces=named,
                changed=self._changed, deleted=gone, told=told,
            )  # fmt: skip
        # Where a kind keeps its replicas only its `/scale` tells. That it has changed, its metadata do.
        return Reflector(
            api=api, resource=resource, type=ManagedObject, namespaces=named, metadata_only=True,
            changed=self._moved, deleted=gone, told=told,
        )  # fmt: skip

    def _told(self) -> None:
        if self._reflector is not None:
            if self._reflector.synced or self._reflector.problem is not None:
                self._settling.end()
        elif self._unfound is not None and not self._unfound.passing:
            self._settling.end()

    def _changed(self, shown: Workload) -> None:
        scale = shown.scale()
        self._see(
            Key(shown.metadata.namespace, shown.metadata.name),
            Sighting(version=scale.resource_version, uid=scale.uid, writer=scale.writer, scale=scale),
        )

    def _moved(self, shown: ManagedObject) -> None:
        metadata = shown.metadata
        self._see(
            Key(metadata.namespace, metadata.name),
            Sighting(version=metadata.resource_version, uid=metadata.uid, writer=metadata.writer, scale=None),
        )

    def _see(self, key: Key, now: Sighting) -> None:
        before = self._seen.get(key)
        self._seen[key] = now
        if before is None or _differ(before, now):
            self._notify(key)

    def _deleted(self, key: Key) -> None:
        if self._seen.pop(key, None) is not None:
            self._notify(key)

    def _notify(self, key: Key) -> None:
        if self._settling.ended:  # Before, whoever follows is waiting.
            for notify in tuple(self._followers.get(key, ())):
                notify()


def _differ(before: Sighting, now: Sighting) -> bool:
    """Whether a follower has to hear of it at once. Pods that come and go can wait for its next turn."""
    if before.uid != now.uid:
        return True
    if before.scale is None or now.scale is None:
        return before.version != now.version
    return before.scale.replicas != now.scale.replicas
