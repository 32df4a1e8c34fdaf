"""The API server's clock, as the Date headers of its answers tell it, against the monotonic clock of this process.

Times in objects are wall times of other machines: of the API server for what was created, of the node for what became
ready. The clock of this machine may differ from both, so the server's own is taken. It has a resolution of 1 s, as all
times in Kubernetes have, and is cut off rather than rounded.
"""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime


class ServerClock:
    """Turns wall times of the cluster into seconds of the monotonic clock.

    A time stays the same from one answer to the next, although each tells the difference of the two clocks only to a
    second: it is corrected no further than an answer contradicts it.
    """

    def __init__(self) -> None:
        self._ahead = float("-inf")
        """Seconds by which the server's wall clock is ahead of our monotonic one."""

    def note(self, *, date: str, asked: float, answered: float, wall: datetime) -> None:
        """Take in an answer: its Date header, when it was asked for and had, and this machine's wall clock then.

        The wall clock counts where there is no such header, or none that can be read.
        """
        try:
            told = parsedate_to_datetime(date).timestamp()
        except ValueError:
            told = wall.timestamp()
        # The server answered within the second that it tells, and between the two times here.
        least, most = told - answered, told + 1.0 - asked
        if not least <= self._ahead <= most:
            self._ahead = least

    def monotonic(self, time: datetime) -> float:
        """When that was, in seconds of the monotonic clock. To be asked after the first `note`."""
        return time.timestamp() - self._ahead
