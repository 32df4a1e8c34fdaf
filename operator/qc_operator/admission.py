"""Admission of turns: a few in each pass of the event loop, so that what has a deadline is never behind all of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

IN_ONE_PASS: Final = 25
"""Turns that begin in one pass of the loop.

A turn in which nothing is written does not wait for anything, and takes 0.2 to 0.4 ms: these hold the loop for 10 ms.
10,000 that begin together, as after a start or when a broker is back, would hold it for 3 s, on a busy node for more,
and the renewal of the Lease, which needs several passes, has 5.
"""


class Admission:
    """Lets turns begin, in the order in which they came."""

    def __init__(self) -> None:
        self._line: deque[Callable[[], None]] = deque()
        self._left = IN_ONE_PASS
        self._counting = False

    def admit(self, begin: Callable[[], None]) -> None:
        """Call `begin` now, or in one of the next passes if enough have begun in this one."""
        if self._left and not self._line:
            self._left -= 1
            begin()
        else:
            self._line.append(begin)
        self._count()

    def _count(self) -> None:
        if not self._counting:
            self._counting = True
            asyncio.get_running_loop().call_soon(self._next_pass)

    def _next_pass(self) -> None:
        self._counting = False
        self._left = IN_ONE_PASS
        while self._line and self._left:
            self._left -= 1
            self._line.popleft()()
        if self._left < IN_ONE_PASS:
            self._count()
