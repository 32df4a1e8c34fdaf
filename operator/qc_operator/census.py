"""Counting the QueueConsumers that exist, to know when all are known and which are gone without a word.

kopf does not compare what it knows with a list that it takes after a gap in its watch: an object that was deleted in
the gap, and that no finalizer holds, is never told of. It does not say either when its first list has been handed on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from qc_operator.cluster.back_off import MOST_ASKED_FOR
from qc_operator.cluster.client import ApiError
from qc_operator.registry import Key

FIRST_INTERVAL: Final = 0.5
"""Seconds between two counts until all objects are known."""
FAILED_INTERVAL: Final = 2.0
"""The same while none comes about."""
INTERVAL: Final = 300.0
"""Seconds between two counts from then on: one list of metadata, 1 kB for each object."""
DOUBT_INTERVAL: Final = 20.0
"""Seconds after which a count that found an object, or a change of one, unknown to the watch is repeated."""
STALE_COUNTS: Final = 3
"""Counts in a row that found the same unknown: the watch is dead."""

UNSHOWN: Final = -1
"""In place of the generation of an object that the watch has not shown."""

log = logging.getLogger(__name__)


class Lister(Protocol):
    """Lists the QueueConsumers that exist."""

    @property
    def unlisted(self) -> frozenset[str]:
        """Namespaces of which the last list tells nothing."""

    @property
    def generations(self) -> Mapping[Key, int]:
        """The `metadata.generation` of each in the last list, which counts the changes of its spec."""

    async def uids(self) -> Mapping[Key, str]:
        """The uid of each, by a consistent read: never older than what any watch has shown. Raises `ApiError`."""


class Roster(Protocol):
    """Who knows QueueConsumers by the watch."""

    @property
    def known(self) -> Mapping[Key, str]:
        """The uid of each that the watch has shown and not taken back."""

    def generation(self, key: Key) -> int:
        """The generation of one of these, as the watch has shown it last."""

    def gone(self, key: Key, *, uid: str) -> None:
        """Forget an object that is no more."""


class Census:
    """Compares, again and again, what the watch has told with what exists."""

    def __init__(self, *, lister: Lister, known: Roster) -> None:
        self._lister = lister
        self._known = known
        self._unknown: dict[tuple[Key, str, int], int] = {}
        """In how many counts in a row the watch had not shown what exists: by object, its uid, and the generation that
        it has shown, -1 for none. Another generation proves that it lives."""
        self._first: set[tuple[Key, str]] | None = None
        """What there was at the first count, and was not known yet."""
        self._soon = asyncio.Event()
        self._failing = False
        self._asked_for = 0.0
        """Seconds that the API server asks to be left alone for."""
        self.complete = asyncio.Event()
        """Set once all objects were known."""

    @property
    def problem(self) -> str | None:
        """What the watch has not told for too long, as a sentence, or None."""
        for (key, _, shown), counts in self._unknown.items():
            if self.complete.is_set() and counts >= STALE_COUNTS:
                what = "exists" if shown == UNSHOWN else "has been changed"
                return f"{key} {what}, and the watch has not shown it"
        return None

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            try:
                await self.count()
            except ApiError as error:
                # That the CustomResourceDefinition is gone, or not there yet, the watch tells.
                level = logging.DEBUG if self._failing or error.not_found else logging.WARNING
                log.log(level, "QueueConsumers were not counted: %s", error)
                self._failing = True
                self._asked_for = error.retry_after
                # While the API server is away, the watch is, too, and that is no reason to begin anew.
                self._unknown.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.pause):
                    await self._soon.wait()
                await asyncio.sleep(FIRST_INTERVAL)
            self._soon.clear()

    def soon(self) -> None:
        """Count again in a moment: the watch begins anew, and tells of nothing that has gone meanwhile."""
        self._soon.set()

    async def count(self) -> None:
        """Count once: what is gone is taken back, and what is not known yet is remembered. Raises `ApiError`."""
        # Only what was known before the list was asked for can be missing from it.
        before = dict(self._known.known)
        existing = await self._lister.uids()
        self._failing = False
        for key, uid in before.items():
            if existing.get(key) != uid and key.namespace not in self._lister.unlisted:
                log.info("%s: deleted while the watch was away", key)
                self._known.gone(key, uid=uid)
        behind = set(self._behind(existing))
        self._unknown = {what: self._unknown.get(what, 0) + 1 for what in behind}
        # Those that are created all the while come by the watch.
        unknown = {(key, uid) for key, uid, shown in behind if shown == UNSHOWN}
        self._first = unknown if self._first is None else self._first & unknown
        if not self._first:
            self.complete.set()

    def _behind(self, existing: Mapping[Key, str]) -> Iterator[tuple[Key, str, int]]:
        """Where the watch is behind the list, and the generation that it has shown."""
        known = self._known.known
        for key, uid in existing.items():
            if known.get(key) != uid:
                yield key, uid, UNSHOWN
            elif (shown := self._known.generation(key)) < self._lister.generations.get(key, 0):
                yield key, uid, shown

    @property
    def pause(self) -> float:
        """Seconds until the next count."""
        if self._failing and not self.complete.is_set():
            return max(FAILED_INTERVAL, min(self._asked_for, MOST_ASKED_FOR))
        if not self.complete.is_set():
            return FIRST_INTERVAL
        return DOUBT_INTERVAL if self._unknown else INTERVAL
