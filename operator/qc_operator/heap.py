"""The garbage collector's view of thousands of objects that stay: they are not to be looked at again and again.

A full collection walks everything that lives, which takes 1.3 s among 10,000 QueueConsumers, with the loop standing
still: no message is seen, and the Lease is not renewed. What is frozen is left out (`gc.freeze` in Python's
documentation). It is freed as ever when the last reference goes; only what is left in cycles has to be thawed.
"""

from __future__ import annotations

import asyncio
import gc
from typing import Final

THAW_SHARE: Final = 0.2
"""Part of the objects that have to go before all is thawed and collected once."""
THAW_LEAST: Final = 500
"""Objects whose cycles are not worth a collection: about 10 MB."""
SETTLED_AFTER: Final = 30.0
"""Seconds after which what a new object needs has been made: its readings, its status, its target's pods."""
ENDED_AFTER: Final = 5.0
"""Seconds after which the tasks of an object that has gone have ended, too, and hold it no longer."""


class Heap:
    """Freezes what has come to stay, and thaws it when enough of it has gone."""

    def __init__(self) -> None:
        self._gone = 0
        self._settling: asyncio.TimerHandle | None = None
        self._thawing: asyncio.TimerHandle | None = None

    def grew(self) -> None:
        """Many objects were added: they stay, and so does what will be made for them in the next seconds."""
        gc.freeze()
        if self._settling is not None:
            self._settling.cancel()
        self._settling = asyncio.get_running_loop().call_later(SETTLED_AFTER, gc.freeze)

    def ended(self, number: int, *, left: int) -> None:
        """So many objects have gone, and so many are left."""
        self._gone += number
        if self._gone >= max(THAW_LEAST, THAW_SHARE * left) and self._thawing is None:
            self._thawing = asyncio.get_running_loop().call_later(ENDED_AFTER, self._thaw)

    def _thaw(self) -> None:
        self._gone, self._thawing = 0, None
        gc.unfreeze()
        gc.collect()
        gc.freeze()
