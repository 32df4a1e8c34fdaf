"""Holding patterns against a vhost's queues, a slice at a time.

5,000 names take 7 to 14 ms per pattern, so a thousand patterns in one go would stop everything else for ten seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

Match = Callable[[frozenset[str]], None]

log = logging.getLogger(__name__)


class Matcher:
    """Calls each follower with the names of all queues: when it is new, when they have changed, after a failure."""

    def __init__(self) -> None:
        self.names: frozenset[str] = frozenset()
        """The names that were taken last."""
        self._followers: dict[Match, frozenset[str] | None] = {}
        """What each was called with last."""
        self._failing: set[Match] = set()
        """Those that failed the last time."""
        self._task: asyncio.Task[None] | None = None

    def add(self, match: Match) -> None:
        """Have a follower called, soon if there are names."""
        self._followers[match] = None
        self._go_on()

    def drop(self, match: Match) -> None:
        """Call it no more."""
        self._followers.pop(match, None)
        self._failing.discard(match)

    def take(self, names: frozenset[str]) -> None:
        """Have those followers called that do not know these names yet, and those that have failed."""
        if names != self.names:
            self.names = names
        self._followers.update(dict.fromkeys(self._failing))
        self._go_on()

    def close(self) -> None:
        """Call nobody any more."""
        if self._task is not None:
            self._task.cancel()

    def _go_on(self) -> None:
        if self.names and self._task is None:
            self._task = asyncio.create_task(self._call_all())

    async def _call_all(self) -> None:
        try:
            while pending := [match for match, seen in self._followers.items() if seen is not self.names]:
                for match in pending:
                    if match in self._followers:
                        self._followers[match] = self.names
                        self._call(match)
                        await asyncio.sleep(0)
        finally:
            self._task = None

    def _call(self, match: Match) -> None:
        try:
            match(self.names)
        except Exception:
            # A mistake with one pattern must not keep the others from their queues.
            if match in self._failing:
                return  # The log has it already.
            log.exception("a pattern was not matched; it is tried again with each list of queues")
            if match in self._followers:
                self._failing.add(match)
        else:
            self._failing.discard(match)
