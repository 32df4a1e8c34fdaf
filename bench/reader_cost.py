"""What reading costs while it goes on: windows of some seconds, of which the median counts.

Broker and reader each have their own processor time; a neighbour on the machine only stretches the clock.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.failure import BenchError
from bench.reader_broker import Broker
from bench.reader_child import Child

LEAD_SECONDS = 2.0
"""Before the first window: what was changed has taken effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What went by in one window."""

    seconds: float
    broker: float
    """Seconds of the broker's processor time."""
    reader: float
    """The same of the process that reads."""
    reads: float
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """All windows in one state."""

    windows: Sequence[Window]
    idle: float
    """Percent of a core that the broker takes with the same queues while nobody reads them."""

    @property
    def broker(self) -> float:
        """Percent of a core, that of the idle broker included."""
        return median(100 * window.broker / window.seconds for window in self.windows)

    @property
    def reader(self) -> float:
        """Percent of a core."""
        return median(100 * window.reader / window.seconds for window in self.windows)

    @property
    def reads_per_second(self) -> float:
        """Queues read, over all windows."""
        return sum(window.reads for window in self.windows) / self._seconds

    @property
    def requests_per_minute(self) -> float:
        """HTTP requests, over all windows."""
        return 60 * sum(window.requests for window in self.windows) / self._seconds

    @property
    def broker_per_read(self) -> float:
        """Microseconds of the broker, what it takes when idle left out."""
        return 1e6 * max(0.0, self.broker - self.idle) / 100 / self.reads_per_second

    @property
    def reader_per_read(self) -> float:
        """Microseconds of the process that reads."""
        return 1e6 * self.reader / 100 / self.reads_per_second

    @property
    def _seconds(self) -> float:
        return sum(window.seconds for window in self.windows)


def cost(broker: Broker, subject: Child, *, idle: float, count: int, seconds: float) -> Cost:
    """Watch the operator's reading, which goes on by itself. Raises BenchError when a queue cannot be read."""
    time.sleep(LEAD_SECONDS)
    windows = [_window(broker, subject, seconds=seconds) for _ in range(count)]
    if unread := subject.ask("unread"):
        raise BenchError(f"a queue could not be read, so the cost of reading is not known: {unread}")
    return Cost(windows=windows, idle=idle)


def _window(broker: Broker, subject: Child, *, seconds: float) -> Window:
    usage, processor = subject.ask("usage"), broker.processor_seconds()
    time.sleep(seconds)
    later, processor_later = subject.ask("usage"), broker.processor_seconds()
    return Window(
        seconds=later["at"] - usage["at"],
        broker=processor_later - processor,
        reader=later["processor_seconds"] - usage["processor_seconds"],
        reads=later["reads"] - usage["reads"],
        requests=later["requests"] - usage["requests"],
    )
