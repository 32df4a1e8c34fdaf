"""How often a broker's queues are read: the interval of each by its state, and a cap for all of them together."""

from __future__ import annotations

import random
from dataclasses import dataclass

from qc_operator.settings import ReadingSettings


@dataclass(slots=True)
class BrokerPace:
    """Counts the queues of one broker, over all its vhosts and logins, and stretches their intervals evenly.

    With the defaults 1,000 queues at zero ask for 5,000 declares a second, and the cap is met at 2,500 queues.
    """

    settings: ReadingSettings
    fast: int = 0
    """Queues whose target is at zero, or that are moving."""
    steady: int = 0

    @property
    def stretch(self) -> float:
        """The factor by which every interval is longer than its setting, 1 or more."""
        wanted = self.fast / self.settings.fast_interval + self.steady / self.settings.steady_interval
        return max(1.0, wanted / self.settings.declares_per_second)

    def interval(self, *, fast: bool) -> float:
        """Seconds between two readings of a queue that can be read."""
        return (self.settings.fast_interval if fast else self.settings.steady_interval) * self.stretch

    def next_due(self, *, after: float, fast: bool) -> float:
        """When to read a queue again that was read at `after`, on the clock of that time.

        Rounded to halves of the interval, so that queues are asked about together: of 1,000 steady queues a write
        of 250 costs the broker 25 us per queue, one of 50 costs 35.
        """
        interval = self.interval(fast=fast)
        step = interval / 2
        return round((after + interval) / step) * step

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
