"""What is still to be done for objects that are served no longer, after their autoscalers have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Final

from qc_operator import restoration, unserved
from qc_operator.registry import Key, Known
from qc_operator.surroundings import Surroundings

ANOTHERS: Final = 15.0
"""Seconds that are left to another release to let an object go that we do not serve. Who serves it takes one or two."""


class Departures:
    """At most one task for each object."""

    def __init__(self, *, around: Surroundings) -> None:
        self._around = around
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._restoring: set[Key] = set()

    def deleted(self, known: Known, *, owned: bool, served: bool) -> None:
        """Let a deleted object that our finalizer holds go, once its target has its replicas back.

        `owned` says whether the target is this object's to write, `served` whether its namespace is ours. If not, it
        may be another release's, which gives back by what it has written; if it is nobody's, nobody else lets it go.
        """
        if known.key not in self._restoring:
            self.end(known.key)
            self._restoring.add(known.key)
            after = 0.0 if served else ANOTHERS
            self._begin(known.key, restoration.restore(known=known, around=self._around, owned=owned, after=after))

    def unserved(self, known: Known, *, status: Mapping[str, Any]) -> None:
        """Have the object say that it is served no longer, by its last status."""
        self.end(known.key)
        self._begin(known.key, unserved.tell(known=known, status=status, around=self._around))

    def end(self, key: Key) -> None:
        """Leave it at what was done: the object is gone, or is served again."""
        self._restoring.discard(key)
        if (task := self._tasks.pop(key, None)) is not None:
            task.cancel()

    def end_all(self) -> None:
        """The same for all of them: somebody else leads."""
        for key in tuple(self._tasks):
            self.end(key)

    def _begin(self, key: Key, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks[key] = asyncio.create_task(work)

        def done(_: asyncio.Task[None]) -> None:
            if self._tasks.get(key) is task:
                del self._tasks[key]
                self._restoring.discard(key)

        task.add_done_callback(done)
