"""A standoff with somebody who changes our number of replicas back each time: nothing is written but a try at a time.

The tries come at growing intervals. One that stands for long enough ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

PAUSES: Final = (300.0, 600.0, 1200.0, 2400.0, 3600.0)
"""Seconds without a write, from one try to the next; then always the last."""

STANDS_LEAST: Final = 60.0
STANDS_MOST: Final = 1200.0
"""Seconds that a try must stand until the conflict is over: twice as long as our numbers stood before, within these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standoff:
    """With whom it is, and when the next try may be. Times in seconds."""

    writer: str
    replicas: int
    times: int
    longest: float
    """How long our numbers stood at most once he had begun to change them."""
    tries: int
    until: float
    """When the next try may be."""
    trial_since: float | None = None
    """Since when there is what we want, at the end of a pause."""
    tried: bool = False
    """Whether that took a write: the trial has no second one."""

    @property
    def pause(self) -> float:
        """From the last try to the next."""
        return PAUSES[min(self.tries, len(PAUSES) - 1)]

    def undone(self, *, writer: str, replicas: int, now: float) -> Standoff:
        """The same once the number was changed again: during a trial, that was in vain."""
        changed = replace(self, writer=writer, replicas=replicas)
        if self.trial_since is None:
            return changed
        longer = replace(
            changed,
            times=self.times + 1,
            longest=max(self.longest, now - self.trial_since),
            tries=self.tries + 1,
            trial_since=None,
            tried=False,
        )
        return replace(longer, until=now + longer.pause)

    def over(self, *, now: float) -> bool:
        """Whether the try has stood for long enough."""
        stands = min(max(STANDS_LEAST, 2 * self.longest), STANDS_MOST)
        return self.trial_since is not None and now - self.trial_since >= stands
