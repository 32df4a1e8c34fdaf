"""How long to wait before what the API server refused is tried again."""

from __future__ import annotations

import random
from typing import Final

FIRST: Final = 1.0
MOST: Final = 30.0
"""Seconds; the pause doubles from the one to the other."""
MOST_ASKED_FOR: Final = 120.0
"""Seconds that a server may ask for by Retry-After: a mistake of its must not silence us for a day."""


class BackOff:
    """The pauses between tries that fail in a row."""

    def __init__(self) -> None:
        self._failures = 0

    def pause(self, *, asked_for: float = 0.0, most: float = MOST) -> float:
        """Seconds to wait after one more failure, about `most` at most, and no less than the server has asked for."""
        usual = min(FIRST * 2.0 ** min(self._failures, 10), most)
        self._failures += 1
        # Clients that lost the same server must not come back at the same moment.
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 - not a secret
        return max(usual * jitter, min(asked_for, MOST_ASKED_FOR))

    def reset(self) -> None:
        """Note that it works again."""
        self._failures = 0
