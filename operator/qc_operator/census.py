"""Counting the QueueConsumers that exist, to know when all are known and which are gone without a word.

kopf does not compare what it knows with a list that it takes after a gap in its watch: an object that was deleted in
the gap, and that no finalizer holds, is never told of. It does not say either when its first list has been handed on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Final, Protocol

from qc_operator.cluster.client import ApiError
from qc_operator.registry import Key

FIRST_INTERVAL: Final = 0.5
"""Seconds between two counts until all objects are known."""
FAILED_INTERVAL: Final = 2.0
"""The same while none comes about."""
INTERVAL: Final = 300.0
"""Seconds between two counts from then on: one list of metadata, 1 kB for each object."""
DOUBT_INTERVAL: Final = 20.0
"""Seconds after which a count that found an object unknown to the watch is repeated."""
STALE_COUNTS: Final = 3
"""Counts in a row that found the same object unknown: the watch is dead."""

log = logging.getLogger(__name__)


class Lister(Protocol):
    """Lists the QueueConsumers that exist."""

    @property
    def unlisted(self) -> frozenset[str]:
        """Namespaces of which the last list tells nothing."""

    async def uids(self) -> Mapping[Key, str]:
        """The uid of each, by a consistent read: never older than what any watch has shown. Raises `ApiError`."""


class Known(Protocol):
    """Who knows QueueConsumers by the watch."""

    @property
    def known(self) -> Mapping[Key, str]:
        """The uid of each that the watch has shown and not taken back."""

    def gone(self, key: Key, *, uid: str) -> None:
        """Forget an object that is no more."""


class Census:
    """Compares, again and again, what the watch has told with what exists."""

    def __init__(self, *, lister: Lister, known: Known) -> None:
        self._lister = lister
        self._known = known
        self._unknown: dict[tuple[Key, str], int] = {}
        self._first: set[tuple[Key, str]] | None = None
        """What there was at the first count, and was not known yet."""
        self._soon = asyncio.Event()
        self._failing = False
        self.complete = asyncio.Event()
        """Set once all objects were known."""

    @property
    def problem(self) -> str | None:
        """What the watch has not told for too long, as a sentence, or None."""
        for (key, _), counts in self._unknown.items():
            if self.complete.is_set() and counts >= STALE_COUNTS:
                return f"{key} exists, and the watch has not shown it"
        return None

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            try:
                await self.count()
            except ApiError as error:
                level = logging.WARNING if not self._failing else logging.DEBUG
                log.log(level, "QueueConsumers were not counted: %s", error)
                self._failing = True
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
        known = self._known.known
        self._unknown = {
            (key, uid): self._unknown.get((key, uid), 0) + 1 for key, uid in existing.items() if known.get(key) != uid
        }
        # Those that are created all the while come by the watch.
        self._first = set(self._unknown) if self._first is None else self._first & self._unknown.keys()
        if not self._first:
            self.complete.set()

    @property
    def pause(self) -> float:
        """Seconds until the next count."""
        if self._failing and not self.complete.is_set():
            return FAILED_INTERVAL
        if not self.complete.is_set():
            return FIRST_INTERVAL
        return DOUBT_INTERVAL if self._unknown else INTERVAL
