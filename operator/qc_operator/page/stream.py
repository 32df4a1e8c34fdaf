"""What changes on the page, as server-sent events: put into words once, and sent to all who look on.

The form is that of the HTML standard, section 9.2: an event has an id, and a browser whose connection was lost asks for
what came after it (`Last-Event-ID`). The last two minutes are kept for that (`replay.py`); who asks for older ones, or
those of another process, is sent all rows anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from qc_operator.page.board import Board
from qc_operator.page.replay import KEPT, Replay, event
from qc_operator.page.row import Row
from qc_operator.page.shown import Shown
from qc_operator.page.viewer import Viewer
from qc_operator.registry import Key

EVERY: Final = 3.0
"""Seconds between two events. A change of replicas makes one of its own."""
TOGETHER: Final = 0.1
"""Seconds in which changes of replicas are gathered into one event: in a fleet they come by the hundred."""
AT_ONCE: Final = 0.002
"""Seconds in which rows are made before others get a turn on the loop. One takes some 20 us, and with its curve 180."""
VIEWERS: Final = 50
"""At once. With 10,000 rows one who does not read holds half a MiB, and rows that changed since: see `viewer.py`."""

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
        self._replay = Replay()
        self._shown = Shown()
        self._told_last = 0

    @property
    def viewers(self) -> int:
        """How many look on."""
        return len(self._viewers)

    async def rows(self) -> list[tuple[Row, bytes]]:
        """All rows as they are now, in no order, each with its JSON."""
        await self._refresh()
        return self._shown.rows()

    async def attach(self, *, after: str = "", abort: Callable[[], None]) -> Viewer:
        """Send events to one more, beginning with those after the id `after`, or with all rows.

        Raises `CrowdedError`.
        """
        self._need_room()
        await self._refresh()
        self._need_room()  # Others may have come meanwhile.
        viewer = Viewer(abort=abort)
        missed = self._replay.after(after)
        if missed is None:
            viewer.put(*self._all())
        for each in missed or ():
            viewer.put(each)
        self._viewers.add(viewer)
        return viewer

    def _need_room(self) -> None:
        if len(self._viewers) >= VIEWERS:
            raise CrowdedError

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
        return self._shown.counts()

    async def _refresh(self) -> None:
        """Have what is shown be what is so, from now on."""
        while True:
            if self._task is None:
                self._begin()
            run = self._replay
            await self._update(self._board.touched(), always=False)
            if self._replay is run:
                return
            # Meanwhile the task has made its last update, has ended, and has forgotten all.

    def _begin(self) -> None:
        self._forget()
        self._told_last = self._board.tally.added
        self._board.follow()
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
            self._board.unfollow()
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
            rows, gone, loop = [], [], asyncio.get_running_loop()
            began = loop.time()
            for key, row in touched:
                if row is None:
                    if self._shown.drop(key):
                        gone.append(key)
                elif (encoded := self._shown.put(key, row)) is not None:
                    rows.append(encoded)
                if loop.time() - began > AT_ONCE:
                    await asyncio.sleep(0)
                    began = loop.time()
            if rows or gone or always or self._board.tally.added > self._told_last:
                update = self._update_of(rows, gone=gone)
                self._replay.keep(update)
                for viewer in tuple(self._viewers):
                    viewer.put(update)

    def _all(self) -> list[bytes]:
        told = {"operator": self._about(), "gone": (), "scalings": list(self._board.tally.latest)}
        return event("all", event_id=self._replay.last, rows=self._shown.pieces(), **told)

    def _update_of(self, rows: list[bytes], *, gone: Sequence[Key]) -> bytes:
        scalings, self._told_last = self._board.tally.since(self._told_last), self._board.tally.added
        told = {"operator": self._about(), "gone": gone, "scalings": scalings}
        return b"".join(event("update", event_id=self._replay.next, rows=[b",".join(rows)], **told))

    def _about(self) -> dict[str, Any]:
        return {**self._operator(), "counts": self.counts()}
