"""For how long an objective was met, and for how long it was missed: what an error budget is made of."""

from __future__ import annotations

from typing import Final

GAP: Final = 30.0
"""Seconds between two looks up to which what was so at the first is taken to have been so until the second. Looks come
every 10 s or more often; beyond it nothing is known."""


class ObjectiveTime:
    """Seconds of one QueueConsumer, since the process serves it."""

    def __init__(self) -> None:
        self.known = 0.0
        """In which it was known whether the objective is met."""
        self.missed = 0.0
        """Those of them in which it was not."""
        self._met: bool | None = None
        self._since = 0.0

    def note(self, met: bool | None, *, now: float) -> None:  # noqa: FBT001 - the one thing that it is told
        """Take in whether it is met at this moment, None where that is not known; `now` is monotonic."""
        seconds = now - self._since
        if self._met is not None and 0.0 < seconds <= GAP:
            self.known += seconds
            if not self._met:
                self.missed += seconds
        self._met, self._since = met, now
