"""The course of one QueueConsumer's figures over the last hours, in little memory.

A point is kept only where something differs from the point before, so what is drawn between two points is a step. An
idle queue costs next to nothing; one that moves all the time costs at most `MOST_BYTES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan, nan
from struct import Struct
from typing import Final

from qc_operator.page.curve import Curve, digit, lag
from qc_operator.page.figures import UNKNOWN, Figures

FINE: Final = 15
"""Seconds between two points of the near past at least. A change of replicas has a point of its own."""
COARSE: Final = 60
"""The same for what lies further back."""
FINE_POINTS: Final = 120
"""Half an hour of a queue that moves all the time."""
COARSE_POINTS: Final = 360
"""Six hours."""
SILENT: Final = 60
"""Seconds without a figure after which those before do not stand any more: a gap is drawn."""

NEVER: Final = -(10**9)

_POINT: Final = Struct("<I7f")
MOST_BYTES: Final = _POINT.size * (FINE_POINTS + COARSE_POINTS)

Point = tuple[int, Figures]


class _Ring:
    """The last points of one resolution, packed; the oldest go."""

    __slots__ = ("_most", "_points", "at", "last")

    def __init__(self, most: int) -> None:
        self._points = bytearray()
        self._most = most * _POINT.size
        self.at = NEVER
        """When the last one was put."""
        self.last = b""

    def drop_after(self, at: int) -> None:
        """Forget what is later."""
        size, points = _POINT.size, self._points
        while points and _POINT.unpack_from(points, len(points) - size)[0] > at:
            del points[-size:]
        self.at = _POINT.unpack_from(points, len(points) - size)[0] if points else NEVER
        self.last = bytes(points[4 - size :])

    def put(self, at: int, packed: bytes) -> None:
        if packed == self.last:
            return
        self._points += _POINT.pack(at, 0, 0, 0, 0, 0, 0, 0)[:4] + packed
        if len(self._points) > self._most:
            del self._points[: _POINT.size]
        self.at, self.last = at, packed

    def __iter__(self) -> Iterator[Point]:
        for at, *values in _POINT.iter_unpack(bytes(self._points)):
            yield at, Figures._make(values)


class History:
    """Takes figures in as they come. Times are whole seconds since the epoch."""

    __slots__ = ("_coarse", "_fine", "_seen_at", "_taken_at")

    def __init__(self) -> None:
        self._fine = _Ring(FINE_POINTS)
        self._coarse = _Ring(COARSE_POINTS)
        self._seen_at = 0
        self._taken_at = 0

    def due(self, at: int) -> bool:
        """Whether figures of this moment would be kept; also notes that there are some."""
        if at < self._seen_at:
            # The clock was set back, so what it said before was wrong, and has yet to come.
            self._fine.drop_after(at)
            self._coarse.drop_after(at)
            self._taken_at = self._fine.at
        elif self._seen_at and at - self._seen_at > SILENT:
            self._take(self._seen_at, UNKNOWN)
        self._seen_at = at
        return at - self._taken_at >= FINE

    def take(self, at: int, figures: Figures) -> None:
        """Keep them, where they differ from those before."""
        self._seen_at = self._taken_at = at
        self._take(at, figures)

    def _take(self, at: int, figures: Figures) -> None:
        packed = _POINT.pack(0, *figures)[4:]
        self._fine.put(at, packed)
        # A gap that is not there would be hours in which the last figures stand.
        if figures is UNKNOWN or at - self._coarse.at >= COARSE:
            self._coarse.put(at, packed)

    def points(self, *, now: int, latest: Figures | None = None) -> list[Point]:
        """All of them, the oldest first, and one of now: `latest`, or the last one, which stands until then."""
        fine = list(self._fine)
        begin = fine[0][0] if fine else now
        points = [point for point in self._coarse if point[0] < begin] + fine
        if points and points[-1][0] <= now:
            standing = now - self._seen_at <= SILENT
            closing = now, (latest or points[-1][1]) if standing else UNKNOWN
            points[-1 if points[-1][0] == now else len(points) :] = [closing]
        return points

    def curve(self, *, now: int, span: int, parts: int) -> Curve:
        """The lag over the last `span` seconds, in so many parts. Each has the largest that stood in it."""
        begin, length = now - span, span / parts
        largest = [nan] * parts
        points = self.points(now=now)
        for index, (at, figures) in enumerate(points):
            end = points[index + 1][0] if index + 1 < len(points) else now
            messages = lag(figures)
            if end < begin or isnan(messages):
                continue
            first = max(int((at - begin) / length), 0)
            last = min(int((end - begin) / length), parts - 1)
            for part in range(first, last + 1):
                largest[part] = messages if isnan(largest[part]) else max(largest[part], messages)
        most = max((messages for messages in largest if not isnan(messages)), default=0.0)
        return Curve("".join(digit(messages, most) for messages in largest), most)
