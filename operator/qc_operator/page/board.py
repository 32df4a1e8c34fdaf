"""All QueueConsumers that this process serves, as they were told last.

It is told at every decision, so it does next to nothing there: it keeps what was made anyway, and a point of the course
every 15 s. Rows are put into words when somebody looks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from zlib import crc32

from qc_operator.page.curve import NO_CURVE, Curve
from qc_operator.page.figures import figures
from qc_operator.page.history import History
from qc_operator.page.row import Row, row
from qc_operator.page.tally import MINUTES, Left, Tally, scaling
from qc_operator.page.urgency import SILENT
from qc_operator.registry import Key, Known
from qc_operator.reporting import Change

CURVE_SPAN: Final = 1800
CURVE_PARTS: Final = 30
CURVE_EVERY: Final = CURVE_SPAN // CURVE_PARTS
"""Seconds."""

log = logging.getLogger(__name__)


class Told:
    """What was told of one object, and what it was before."""

    __slots__ = ("_curve", "_curve_at", "_phase", "at", "counted", "history", "known", "silent", "status")

    def __init__(self, known: Known, *, counted: str = "") -> None:
        self.known = known
        self.status: Mapping[str, Any] = {}
        self.history = History()
        self.at = 0.0
        """When it was told, in seconds since the epoch."""
        self.silent = False
        self.counted = counted
        """The time of its last change that was counted."""
        self._curve, self._curve_at = NO_CURVE, -1
        # Each has its own second of the minute, so that a fleet's curves are never all drawn in one update.
        self._phase = crc32(f"{known.key}".encode()) % CURVE_EVERY

    def curve(self, *, now: int) -> Curve:
        """The lag of the last half hour, drawn anew once a minute: it takes ten times as long as the rest of a row."""
        minute = (now + self._phase) // CURVE_EVERY
        if minute != self._curve_at:
            self._curve_at = minute
            self._curve = self.history.curve(now=now, span=CURVE_SPAN, parts=CURVE_PARTS)
        return self._curve


class Board:
    """Knows what each object was told last; `utcnow` is the wall's time."""

    def __init__(self, *, utcnow: Callable[[], datetime]) -> None:
        self._utcnow = utcnow
        self._told: dict[Key, Told] = {}
        self._touched: dict[Key, None] = {}
        self._scaled: dict[Key, None] = {}
        self._followed = False
        self._left = Left()
        self.tally = Tally()
        self.moved: Callable[[], None] = lambda: None
        """Called after a change of replicas, which people are to see at once: see `scaled`."""

    def told(self, about: Known, *, status: Mapping[str, Any], change: Change | None, now: datetime) -> None:
        """Take in what was told of an object. Never raises: nothing is decided otherwise because somebody looks."""
        try:
            self._take(about, status=status, change=change, at=now.timestamp())
        except Exception:
            log.exception("%s: not shown on the page", about.key)

    def _take(self, about: Known, *, status: Mapping[str, Any], change: Change | None, at: float) -> None:
        key = about.key
        told = self._told.get(key)
        if told is None:
            told = self._told[key] = Told(about, counted=self._left.take(key))
            self._recall(told, status, now=int(at), without_latest=change is not None)
        told.known, told.status, told.at = about, status, at
        self._touch(key)
        if told.history.due(int(at)) or change is not None:
            told.history.take(int(at), figures(about.spec, status))
        if change is not None:
            self.tally.count(at=int(at), before=change.before, after=change.after)
            latest = status["history"][0]
            told.counted = latest["time"]
            self.tally.add(scaling(namespace=key.namespace, name=key.name, entry=latest))
            if self._followed:
                self._scaled[key] = None
            self.moved()

    def _recall(self, told: Told, status: Mapping[str, Any], *, now: int, without_latest: bool) -> None:
        """Take in the changes that were made before this process served the object; count those of the last hour."""
        key, history = told.known.key, status.get("history", ())[int(without_latest) :]
        for entry in history:
            self.tally.recall(scaling(namespace=key.namespace, name=key.name, entry=entry))
            at = int(datetime.fromisoformat(entry["time"]).timestamp())
            if at > now - 60 * MINUTES and entry["time"] > told.counted:
                # The clock of the pod that wrote it may be ahead of ours.
                self.tally.count(at=min(at, now), before=entry["from"], after=entry["to"])
        told.counted = max([told.counted, *(entry["time"] for entry in history)])

    def gone(self, key: Key) -> None:
        """Forget an object that is not served any more."""
        told = self._told.pop(key, None)
        if told is not None:
            self._touch(key)
            if told.counted:
                self._left.put(key, now=int(self._utcnow().timestamp()), counted=told.counted)
        if not self._told:
            self.tally.clear()
            self._left.clear()

    def follow(self) -> None:
        """Have `touched` go through all of them, and then through what is touched."""
        self._followed = True
        self._touched = dict.fromkeys(self._told)

    def unfollow(self) -> None:
        """Nobody asks any more. What is touched is not kept: objects come and go, and their names would never end."""
        self._followed = False
        self._touched, self._scaled = {}, {}

    def _touch(self, key: Key) -> None:
        if self._followed:
            self._touched[key] = None

    def touched(self) -> Iterator[tuple[Key, Row | None]]:
        """What was told or is gone since this was last asked, and what has become silent; None for what is gone."""
        now = self._utcnow().timestamp()
        for key, told in self._told.items():
            if (now - told.at > SILENT) != told.silent:
                told.silent = not told.silent
                self._touch(key)
        touched, self._touched = self._touched, {}
        self._scaled.clear()
        for key in touched:
            yield key, self.row(key)

    def scaled(self) -> Iterator[tuple[Key, Row | None]]:
        """The same of those alone whose replicas were changed: a row takes 20 us, and in a fleet one always is."""
        scaled, self._scaled = self._scaled, {}
        for key in scaled:
            self._touched.pop(key, None)
            yield key, self.row(key)

    def row(self, key: Key) -> Row | None:
        """An object's row, or None where it is not served."""
        told = self._told.get(key)
        if told is None:
            return None
        now = self._utcnow().timestamp()
        try:
            return row(told.known, status=told.status, curve=told.curve(now=int(now)), silent_for=now - told.at)
        except Exception:
            # A status may have been written by somebody else, and one odd object must not hide all others.
            log.exception("%s: its status makes no sense", key)
            return Row(namespace=key.namespace, name=key.name, state="notReady", words="its status makes no sense")

    def pods(self) -> int:
        """Pods of all targets together."""
        return sum(told.status.get("currentReplicas", 0) for told in self._told.values())

    def find(self, key: Key) -> Told | None:
        """All that is known of one object, or None where it is not served."""
        return self._told.get(key)

    def __len__(self) -> int:
        return len(self._told)
