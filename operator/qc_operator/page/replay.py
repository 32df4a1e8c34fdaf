"""The events that were sent last, for people whose connection was lost."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

KEPT: Final = 40
"""Events: two minutes of them, at one every 3 s."""
KEPT_BYTES: Final = 4_000_000
_DIGITS: Final = 15
"""Of a number that can be one of ours. Python refuses to read one of thousands."""


class Replay:
    """The events of one run of a stream, in their order. An id is the run, a dash, and a number that grows by one."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(4)
        self._number = 0
        self._events: deque[bytes] = deque()
        self._size = 0

    @property
    def last(self) -> str:
        """The id of the last event."""
        return f"{self._run}-{self._number}"

    @property
    def next(self) -> str:
        """The id of the event that is to be kept next."""
        return f"{self._run}-{self._number + 1}"

    def keep(self, event: bytes) -> None:
        """Keep one more, and let the oldest go."""
        self._number += 1
        self._events.append(event)
        self._size += len(event)
        while len(self._events) > KEPT or self._size > KEPT_BYTES:
            self._size -= len(self._events.popleft())

    def after(self, event_id: str) -> list[bytes] | None:
        """The events after this one; None where they are not all there, or it is none of this run."""
        run, _, number = event_id.partition("-")
        if run != self._run or not (number.isdecimal() and len(number) <= _DIGITS):
            return None
        missing = self._number - int(number)
        if not 0 <= missing <= len(self._events):
            return None
        return list(self._events)[len(self._events) - missing :]

    def __len__(self) -> int:
        return len(self._events)


def event(
    kind: str, *, event_id: str, operator: object, gone: object, scalings: object, rows: Iterable[bytes]
) -> list[bytes]:
    """One event as it goes over the wire, in pieces: the HTML standard, section 9.2.6. `rows` have their commas."""
    return [
        f"id: {event_id}\nevent: {kind}\n".encode(),
        b'data: {"operator":',
        msgspec.json.encode(operator),
        b',"gone":',
        msgspec.json.encode(gone),
        b',"scalings":',
        msgspec.json.encode(scalings),
        b',"rows":[',
        *rows,
        b"]}\n\n",
    ]
