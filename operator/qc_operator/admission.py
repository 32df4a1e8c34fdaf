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


URGENT_IN_ONE_PASS: Final = 20
"""How many of them are urgent as long as others wait, too: work that never ends must not keep replicas from going down.
"""


class Admission:
    """Lets turns begin in the order in which they came, those that are urgent before the others."""

    def __init__(self) -> None:
        self._line: deque[Callable[[], None]] = deque()
        self._urgent: deque[Callable[[], None]] = deque()
        self._left = IN_ONE_PASS
        self._counting = False

    def admit(self, begin: Callable[[], None], *, urgent: Callable[[], bool]) -> None:
        """Call `begin` now, or in one of the next passes if enough have begun in this one.

        Whether it is `urgent` is asked only if it has to wait.
        """
        if self._left and not self._line and not self._urgent:
            self._left -= 1
            begin()
        elif urgent():
            self._urgent.append(begin)
        else:
            self._line.append(begin)
        self._count()

    def hurry(self, begin: Callable[[], None]) -> None:
        """Call `begin`, which waits, before those that are not urgent; it is called once more in its old place."""
        self._urgent.append(begin)

    def _count(self) -> None:
        if not self._counting:
            self._counting = True
            asyncio.get_running_loop().call_soon(self._next_pass)

    def _next_pass(self) -> None:
        self._counting = False
        self._left = IN_ONE_PASS
        self._begin(self._urgent, most=URGENT_IN_ONE_PASS)
        self._begin(self._line, most=IN_ONE_PASS)
        self._begin(self._urgent, most=IN_ONE_PASS)
        if self._left < IN_ONE_PASS:
            self._count()

    def _begin(self, line: deque[Callable[[], None]], *, most: int) -> None:
        for _ in range(min(most, self._left, len(line))):
            self._left -= 1
            line.popleft()()
