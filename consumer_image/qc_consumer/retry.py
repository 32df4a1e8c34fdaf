"""When a failed message is tried again: a few fixed delays, each a queue of its own ("rung") beside the main queue.

A message waits in `<queue>.retry.<delay>` until the queue's time-to-live ends and then goes back to the main queue.
One delay per queue, because RabbitMQ looks only at the head of a queue for what has expired: in a queue of mixed
delays a long one would hold up the short ones behind it.

The rungs are quorum queues that dead-letter at-least-once: the usual at-most-once loses the message if the main
queue is missing at that moment.
"""

import re
from dataclasses import dataclass

from qc_consumer.errors import ConfigurationError

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

STANDARD_RUNGS = (1000, 5000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000, 86_400_000)
"""Milliseconds: 1 s, 5 s, 30 s, 2 min, 10 min, 1 h, 6 h, 1 d."""


def milliseconds(duration: str | float) -> int:
    """Read "200ms", "5s", "2m", "1h", "1d" or a number of seconds; raise ConfigurationError for anything else."""
    if isinstance(duration, str):
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?", duration.strip())
        if not found:
            raise ConfigurationError(f"{duration!r} is not a duration like 200ms, 5s, 2m, 1h or 1d")
        value = float(found[1]) * UNITS[found[2] or "s"]
    else:
        value = duration * 1000
    if not 1 <= value < 2**32:  # RabbitMQ's timers end at 2**32 ms, 49 days
        raise ConfigurationError(f"a duration must be from 1ms to 49d, not {duration!r}")
    return round(value)


def in_words(duration: int) -> str:
    """Write milliseconds in the largest unit that divides them: 120000 is "2m"."""
    for unit in ("d", "h", "m", "s"):
        if duration % UNITS[unit] == 0:
            return f"{duration // UNITS[unit]}{unit}"
    return f"{duration}ms"


@dataclass(frozen=True)
class Backoff:
    """How often a message is tried, and the shortest and longest time between two attempts."""

    max_attempts: int = 8
    shortest: str | float = "5s"
    longest: str | float = "1h"

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ConfigurationError(f"the number of attempts must be at least 1, not {self.max_attempts}")
        if milliseconds(self.shortest) > milliseconds(self.longest):
            raise ConfigurationError(f"the shortest delay {self.shortest} is above the longest {self.longest}")

    @property
    def rungs(self) -> tuple[int, ...]:
        """Give the delays in use, in milliseconds, ascending: the bounds and the standard ones between them."""
        low, high = milliseconds(self.shortest), milliseconds(self.longest)
        return tuple(sorted({low, high, *(rung for rung in STANDARD_RUNGS if low < rung < high)}))

    def delay(self, attempt: int, after: float | None = None) -> int | None:
        """Give the milliseconds to wait after this failed attempt; None if it was the last one.

        `after` (seconds) overrides the back-off, rounded up to a rung; beyond the last rung, a day, it is a day.
        """
        if attempt >= self.max_attempts:
            return None
        if after is None:
            return self.rungs[min(attempt, len(self.rungs)) - 1]
        ladder = sorted({*self.rungs, *STANDARD_RUNGS})
        return next((rung for rung in ladder if rung >= after * 1000), ladder[-1])


def rung_queue(queue: str, delay: int) -> str:
    """Name the retry queue for a delay in milliseconds."""
    return f"{queue}.retry.{in_words(delay)}"


def rung_arguments(queue: str, delay: int) -> dict[str, object]:
    """Give the arguments of the retry queue; at-least-once needs a quorum queue and `reject-publish`."""
    return {
        "x-queue-type": "quorum",
        "x-message-ttl": delay,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
