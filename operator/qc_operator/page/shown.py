"""The rows as those who look on have them, each put into JSON once."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import msgspec

from qc_operator.page.row import Row
from qc_operator.registry import Key


class Shown:
    """Knows what was sent last of each object."""

    def __init__(self) -> None:
        self._rows: dict[Key, tuple[Row, bytes]] = {}

    def put(self, key: Key, row: Row) -> bytes | None:
        """Have it shown so; the row as JSON, or None where it is shown so already."""
        encoded = msgspec.json.encode(row)
        shown = self._rows.get(key)
        if shown is not None and shown[1] == encoded:
            return None
        self._rows[key] = row, encoded
        return encoded

    def drop(self, key: Key) -> bool:
        """Show it no more; whether it was."""
        return self._rows.pop(key, None) is not None

    def rows(self) -> list[tuple[Row, bytes]]:
        """All rows, in no order, each with its JSON."""
        return list(self._rows.values())

    def pieces(self) -> list[bytes]:
        """All of them as the inside of a JSON array. Nothing is copied: who is sent it holds what all others hold."""
        return list(chain.from_iterable((b",", encoded) for _, encoded in self._rows.values()))[1:]

    def counts(self) -> dict[str, int]:
        """How many rows there are of each state."""
        return dict(Counter(row.state for row, _ in self._rows.values()))

    def __len__(self) -> int:
        return len(self._rows)
