"""Decisions that do not come to an end: those who wait in line for a slow API server, and those that never will."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from qc_operator.registry import Key
from qc_operator.turns import Turns

STALLED: Final = 180.0
"""Seconds. A turn that meets a conflict five times and times out at each request takes 100 s."""
HUNG: Final = 900.0
"""Seconds after which one that has not ended never will, whatever the others do: all requests have time limits."""


def stalled(all_turns: Iterable[tuple[Key, Turns]], *, now: float) -> str | None:
    """Which decision does not come to an end, as a sentence; else None. `now` is in seconds of the turns' clock."""
    waiting, moving = None, False
    for key, turns in all_turns:
        # While others end, they wait in line for a slow API server, and the line moves: but not for ever.
        moving = moving or now - turns.ended_at < STALLED
        under_way = 0.0 if turns.since is None else now - turns.since
        if under_way > HUNG:
            return f"{key}: a decision has been under way for {HUNG:.0f} s or longer"
        if under_way > STALLED:
            waiting = f"{key}: a decision has been under way for {STALLED:.0f} s or longer, and no other has ended"
    return None if moving else waiting
