"""The machine's clocks."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """What windows and ages are measured by, and what people go by."""

    def monotonic(self) -> float:
        """Seconds of the event loop's clock."""
        return time.monotonic()

    def utcnow(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)
