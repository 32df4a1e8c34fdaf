"""How many events one object may cause: a flapping one must not fill etcd, nor the list that people read."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

BURST: Final = 25
PER_SECOND: Final = 1 / 300
"""As client-go's EventSourceObjectSpamFilter has them (k8s.io/client-go/tools/record): 25, then one in 5 min."""
OBJECTS: Final = 10_000
"""Whose budgets are remembered. The one that was not drawn upon for longest is forgotten, that is: full again."""


class EventBudget:
    """A token bucket for each object. Times are seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """By uid: tokens, and when there were so many."""

    def spend(self, uid: str, *, now: float) -> bool:
        """Take one token of an object; False when there is none."""
        tokens, at = self._left.pop(uid, (float(BURST), now))
        tokens = min(BURST, tokens + (now - at) * PER_SECOND)
        allowed = tokens >= 1
        self._left[uid] = (tokens - 1 if allowed else tokens, now)
        if len(self._left) > OBJECTS:
            self._left.popitem(last=False)
        return allowed
