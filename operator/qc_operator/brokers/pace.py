"""How often a broker's queues are read: the interval of each by its state, and a cap for all of them together."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from qc_operator.settings import ReadingSettings

BURST = 2500
"""Queues that are asked about together. A thousand at zero cost RabbitMQ 4.3.6 a fifth less in one burst than in two;
five thousand cost it a seventh more in one than in two."""
LATE = 0.75
"""Of the time between two bursts: a queue that is answered later than that is not asked about in the next one."""
PHASES = 4
"""Connections ask in turns within the time between two bursts, so that not all answers come at once: with 10 vhosts of
100 queues a message's waits 5 ms among the others and not 22. That costs RabbitMQ 4.3.6 3 % more and the operator 13 %,
because they wake up more often; ten turns cost 12 and 21 %."""


@dataclass(slots=True)
class BrokerPace:
    """Counts the queues of one broker, over all its vhosts and logins, and stretches their intervals evenly.

    With the defaults 1,000 queues at zero ask for 5,000 declares a second, and the cap is met at 2,300 queues.
    Steady ones have a lower one of their own, which is met at 1,700.
    """

    settings: ReadingSettings
    fast: int = 0
    """Queues whose target is at zero, or that are moving."""
    steady: int = 0
    connections: int = 0
    """How many have got a phase."""

    def phase(self) -> float:
        """When a connection's bursts are, as a share of the time between two of them, for `next_due`."""
        self.connections += 1
        return (self.connections - 1) % PHASES / PHASES

    def interval(self, *, fast: bool) -> float:
        """Seconds between two readings of a queue that can be read."""
        steady_interval = max(self.settings.steady_interval, self.steady / self.settings.steady_declares_per_second)
        wanted = self.fast / self.settings.fast_interval + self.steady / steady_interval
        stretch = max(1.0, wanted / self.settings.declares_per_second)
        return (self.settings.fast_interval if fast else steady_interval) * stretch

    def next_due(self, *, after: float, fast: bool, phase: float = 0.0) -> float:
        """When to read a queue again that was read at `after`, on the clock of that time.

        Queues are asked about in bursts, one in each interval or some with a part of them each, and an answer counts
        from the burst that it belongs to: would it count from when it comes, the last of a thousand would be read
        every other time only. `phase` is the connection's.
        """
        interval = self.interval(fast=fast)
        between = interval / math.ceil(max(1, self.fast if fast else self.steady) / BURST)
        return (math.floor(after / between - phase + 1 - LATE) + phase) * between + interval

    def count(self, *, fast: bool, change: int) -> None:
        """Note that there are more or fewer queues of a kind."""
        if fast:
            self.fast += change
        else:
            self.steady += change

    def first(self) -> float:
        """Seconds until the first reading of a queue that has just been added.

        Readers that start together are spread over a quarter of the interval: enough to keep ten thousand
        QueueConsumers from being read in one burst, too little for a person to notice.
        """
        return random.uniform(0, self.interval(fast=True) / 4)  # noqa: S311 - not a secret

    def retry(self, *, failures: int) -> float:
        """Seconds until a queue that could not be read is tried again: 5 to 60, less up to a fifth by chance."""
        pause = min(self.settings.retry_first * 2.0 ** min(failures - 1, 16), self.settings.retry_most)
        return pause * random.uniform(0.8, 1.0)  # noqa: S311 - not a secret
