"""The targets of all QueueConsumers as watches show them, so that at rest no `/scale` is read.

A kind is watched from the first target that names it until some time after the last one is let go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from qc_operator.cluster import Scale
from qc_operator.cluster.client import KubernetesApi
from qc_operator.cluster.kind_watch import KindWatch
from qc_operator.cluster.kinds import Kinds
from qc_operator.registry import Key
from qc_operator.resource import ScaleTargetRef

LINGER: Final = 60.0
"""Seconds for which a kind is watched that nobody names any more: a change of a spec lets go and follows anew."""


class FollowedTarget:
    """One target that somebody follows. Implements `Followed`."""

    def __init__(self, *, watch: KindWatch, key: Key, notify: Callable[[], None], on_close: Callable[[], None]) -> None:
        self._watch = watch
        self._key = key
        self._notify = notify
        self._on_close = on_close
        self._closed = False
        watch.follow(key, notify)

    @property
    def version(self) -> str | None:
        """See `Followed`."""
        sighting = self._watch.sighting(self._key)
        return sighting.version if sighting is not None and self._watch.tells(self._key) else None

    @property
    def scale(self) -> Scale | None:
        """See `Followed`."""
        sighting = self._watch.sighting(self._key)
        return sighting.scale if sighting is not None and self._watch.tells(self._key) else None

    @property
    def writer(self) -> str:
        """See `Followed`."""
        sighting = self._watch.sighting(self._key)
        return sighting.writer if sighting is not None else ""

    @property
    def current(self) -> bool:
        """See `Followed`."""
        return self._watch.current and self._watch.tells(self._key)

    @property
    def missing(self) -> bool:
        """See `Followed`."""
        return self._watch.sighting(self._key) is None and self._watch.tells(self._key)

    @property
    def problem(self) -> str | None:
        """See `Followed`."""
        return self._watch.problem_in(self._key.namespace)

    async def settled(self) -> None:
        """See `Followed`."""
        await self._watch.settled()

    def close(self) -> None:
        """See `Followed`."""
        if not self._closed:
            self._closed = True
            self._watch.unfollow(self._key, self._notify)
            self._on_close()


class TargetWatch:
    """Follows targets. Implements `TargetWatcher`."""

    def __init__(self, *, api: KubernetesApi, kinds: Kinds, namespaces: Sequence[str] = ()) -> None:
        self._api = api
        self._kinds = kinds
        self._namespaces = tuple(namespaces)
        """Those in which the operator has rights; none for all."""
        self._watches: dict[tuple[str, str], KindWatch] = {}
        self._lingering: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def follow(self, *, namespace: str, target: ScaleTargetRef, notify: Callable[[], None]) -> FollowedTarget:
        """Follow a target: see `TargetWatcher`."""
        kind = target.api_version, target.kind
        if timer := self._lingering.pop(kind, None):
            timer.cancel()
        watch = self._watches.get(kind)
        if watch is None:
            watch = self._watches[kind] = KindWatch(
                api=self._api, kinds=self._kinds, target=target, namespaces=self._namespaces
            )
        key = Key(namespace, target.name)
        return FollowedTarget(watch=watch, key=key, notify=notify, on_close=lambda: self._let_go(kind))

    async def close(self) -> None:
        """End all watches."""
        for timer in self._lingering.values():
            timer.cancel()
        self._lingering.clear()
        for kind in tuple(self._watches):
            self._end(kind)
        if self._ending:
            await asyncio.wait(self._ending)

    def _let_go(self, kind: tuple[str, str]) -> None:
        watch = self._watches.get(kind)
        if watch is not None and not watch.followed and kind not in self._lingering:
            self._lingering[kind] = asyncio.get_running_loop().call_later(LINGER, self._end, kind)

    def _end(self, kind: tuple[str, str]) -> None:
        self._lingering.pop(kind, None)
        ending = asyncio.create_task(self._watches.pop(kind).close())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
