"""Messages that are delivered over and over: a share of the deliveries that says that consumers get nowhere.

A poison message is given back, or crashes its consumer, and is delivered again and again (rabbitmq.com, "Quorum
queues", poison message handling).
"""

from __future__ import annotations

from typing import Final

WINDOW: Final = 60.0
"""Seconds after which deliveries and acknowledgements are compared."""

LONGEST_WINDOW: Final = 300.0
"""Seconds after which they are let go where there were fewer than `ENOUGH`."""

ENOUGH: Final = 20
"""Deliveries that a share of them is worth looking at."""

LOOPING: Final = 0.5
"""Share of the deliveries above which consumers get nowhere."""

RECOVERED: Final = 0.4
"""Share below which they do again."""

WINDOWS: Final = 2
"""Windows in a row that have to say so: when pods are replaced, what the old ones held is delivered once more."""


def loops(*, seconds: float, delivered: int, acknowledged: int, held: tuple[int, int], before: int) -> int | None:
    """Windows in a row in which most deliveries were repeated, with the one that ends now; None where it goes on.

    In `seconds` since it began, so many messages were delivered and acknowledged; `held` is how many consumers had in
    hand when it began and have now, `before` the windows until then.
    """
    if delivered < ENOUGH:
        return 0 if seconds >= LONGEST_WINDOW else None
    if not acknowledged and held == (0, 0):
        # They acknowledge automatically.
        return 0
    # A fall of unacknowledged is no repeated delivery yet: what a pod gave back is counted when it is delivered again.
    share = (delivered - acknowledged - max(0, held[1] - held[0])) / delivered
    if share > LOOPING:
        return min(WINDOWS, before + 1)
    return 0 if share < RECOVERED else before
