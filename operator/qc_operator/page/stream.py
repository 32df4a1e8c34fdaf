"""What changes on the page, as server-sent events: put into words once, and sent to all who look on.

The form is that of the HTML standard, section 9.2: an event has an id, and a browser whose connection was lost asks for
what came after it (`Last-Event-ID`). The last two minutes are kept for that; who asks for older ones, or those of
another process, is sent all rows anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from qc_operator.page.board import Board
from qc_operator.page.row import Row
from qc_operator.page.viewer import Viewer
from qc_operator.registry import Key

EVERY: Final = 2.0
"""Seconds between two events. A change of replicas makes one of its own."""
TOGETHER: Final = 0.1
"""Seconds in which changes of replicas are gathered into one event: in a fleet they come by the hundred."""
KEPT: Final = 60
"""Events for those who come back: two minutes."""
KEPT_BYTES: Final = 4_000_000
AT_ONCE: Final = 100
"""Rows that are made before others get a turn on the loop. One takes some 20 us."""
VIEWERS: Final = 50
"""At once. Each may have a megabyte or so under way in buffers."""

log = logging.getLogger(__name__)


class CrowdedError(Exception):
    """As many look on already as may."""


class Stream:
    """`board` is what is shown, and `operator` what is to be said of the process with each event.

    Without viewers it does nothing, and keeps nothing.
    """

    def __init__(self, *, board: Board, operator: Callable[[], Mapping[str, Any]], every: float = EVERY) -> None:
        self._board = board
        self._operator = operator
        self._every = every
        self._viewers: set[Viewer] = set()
        self._task: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        self._updating = asyncio.Lock()
        self._forget()
        board.moved = self._moved.set

    def _forget(self) -> None:
        self._run, self._number = secrets.token_hex(4), 0
        self._shown: dict[Key, bytes] = {}
        """The rows as those who look on have them."""
        self._states: dict[Key, Row] = {}
        self._kept: deque[tuple[int, bytes]] = deque()
        self._told_last = 0

    @property
    def viewers(self) -> int:
        """How many look on."""
        return len(self._viewers)

    async def rows(self) -> list[Row]:
        """All rows as they are now, in no order."""
        await self._refresh()
        return list(self._states.values())

    async def attach(self, *, after: str = "", abort: Callable[[], None]) -> Viewer:
        """Send events to one more, beginning with those after the id `after`, or with all rows.

        Raises `CrowdedError`.
        """
        if len(self._viewers) >= VIEWERS:
            raise CrowdedError
        await self._refresh()
        viewer = Viewer(abort=abort)
        missed = self._after(after)
        for event in [self._all()] if missed is None else missed:
            viewer.put(event)
        self._viewers.add(viewer)
        return viewer

    def detach(self, viewer: Viewer) -> None:
        """Send no more to this one."""
        viewer.close()
        self._viewers.discard(viewer)

    async def close(self) -> None:
        """Let all go."""
        for viewer in tuple(self._viewers):
            self.detach(viewer)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def counts(self) -> dict[str, int]:
        """How many rows there are of each state."""
        return dict(Counter(row.state for row in self._states.values()))

    async def _refresh(self) -> None:
        """Have what is shown be what is so, from now on."""
        if self._task is None:
            self._begin()
        await self._update(self._board.touched(), always=False)

    def _begin(self) -> None:
        self._forget()
        self._told_last = self._board.tally.added
        self._board.touch_all()
        self._task = asyncio.create_task(self._send())

    async def _send(self) -> None:
        try:
            # Some seconds longer than the last one looks on: a browser that reloads finds what it asks for.
            alone = 0
            while alone < KEPT:
                await self._wait()
                await self._update(self._board.touched(), always=True)
                alone = 0 if self._viewers else alone + 1
        except Exception:
            log.exception("the page's stream has failed")
            for viewer in tuple(self._viewers):
                self.detach(viewer)
        finally:
            self._task = None
            self._forget()

    async def _wait(self) -> None:
        """Wait for the next update; meanwhile, send changes of replicas."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._every
        while loop.time() < until:
            # An update that is under way must not be cut short: what it has taken from the board is nowhere else.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._moved.wait()
                    await asyncio.sleep(TOGETHER)
            if self._moved.is_set():
                self._moved.clear()
                await self._update(self._board.scaled(), always=False)

    async def _update(self, touched: Iterable[tuple[Key, Row | None]], *, always: bool) -> None:
        """Send what differs from what is shown. Without `always`, only if something does."""
        async with self._updating:
            rows, gone = [], []
            for number, (key, row) in enumerate(touched, start=1):
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)
                if row is None:
                    if self._shown.pop(key, None) is not None:
                        del self._states[key]
                        gone.append(key)
                    continue
                encoded = msgspec.json.encode(row)
                if self._shown.get(key) != encoded:
                    self._shown[key], self._states[key] = encoded, row
                    rows.append(encoded)
            if rows or gone or always or self._new():
                self._number += 1
                event = self._event("update", rows=rows, gone=gone)
                self._keep(event)
                for viewer in tuple(self._viewers):
                    viewer.put(event)

    def _all(self) -> bytes:
        return self._event("all", rows=tuple(self._shown.values()), gone=())

    def _event(self, kind: str, *, rows: Sequence[bytes], gone: Sequence[Key]) -> bytes:
        operator = {**self._operator(), "counts": self.counts()}
        scalings = list(self._board.tally.latest)
        if kind == "update":
            scalings, self._told_last = scalings[len(scalings) - self._new() :], self._board.tally.added
        return b"".join(
            (
                f"id: {self._run}-{self._number}\nevent: {kind}\n".encode(),
                b'data: {"operator":',
                msgspec.json.encode(operator),
                b',"gone":',
                msgspec.json.encode(gone),
                b',"scalings":',
                msgspec.json.encode(scalings),
                b',"rows":[',
                b",".join(rows),
                b"]}\n\n",
            )
        )

    def _new(self) -> int:
        """Changes of replicas that no event has told of yet, as far as they are kept."""
        return min(self._board.tally.added - self._told_last, len(self._board.tally.latest))

    def _keep(self, event: bytes) -> None:
        self._kept.append((self._number, event))
        while len(self._kept) > KEPT or sum(len(kept) for _, kept in self._kept) > KEPT_BYTES:
            self._kept.popleft()

    def _after(self, event_id: str) -> list[bytes] | None:
        """The events after this one, or None where they are not all there."""
        run, _, number = event_id.partition("-")
        if run != self._run or not number.isdigit():
            return None
        missing = self._number - int(number)
        if not 0 <= missing <= len(self._kept):
            return None
        return [event for _, event in list(self._kept)[len(self._kept) - missing :]]
