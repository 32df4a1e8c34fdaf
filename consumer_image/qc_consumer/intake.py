"""Whether the broker may still owe us something for what was settled: an acknowledgement sent is not one taken in.

Towards a quorum queue RabbitMQ's channel makes a command of each acknowledgement and each return. While 33 of them are
not written down yet it keeps further ones to itself, and forgets them should it end meanwhile: messages that were
acknowledged come again (rabbit_fifo_client, `soft_limit` and `unsent_commands`, in 3.10.8 and in 4.3.6). Measured with
both, a cancelled consumer that settled 33 deliveries and closed at once got none again in 15 runs, one that settled 34
got one again in each of 15. A round trip is no remedy, since qos-ok and declare-ok come before the queue has written
(14 of 15); waiting for 20 ms was one in all of 15. Classic queues take in what came before the end.
"""

import time
from collections import deque
from collections.abc import Callable

SOFT_LIMIT = 32
"""RabbitMQ's default of `quorum_commands_soft_limit`, which hardly anybody changes."""

INTAKE_SECONDS = 1.0
"""How long the queue may take to write; 13 ms at most on an idle machine, but disks stall."""


class Intake:
    """Watches how densely deliveries are settled; in the I/O thread only.

    window: the prefetch window. No more deliveries than this can be settled and not taken in.
    """

    def __init__(self, *, window: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._possible = window > SOFT_LIMIT
        self._clock = clock
        self._times: deque[float] = deque(maxlen=SOFT_LIMIT + 1)

    def settled(self) -> None:
        """Note that a delivery was acknowledged or given back just now."""
        if self._possible:
            self._times.append(self._clock())

    @property
    def may_lag(self) -> bool:
        """Whether some of it may not be taken in yet."""
        # Twice: what was kept a second ago, because of what came up to a second earlier, is sent by now.
        return len(self._times) > SOFT_LIMIT and self._clock() - self._times[0] < 2 * INTAKE_SECONDS
