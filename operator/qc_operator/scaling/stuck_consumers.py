"""Consumers that hold messages and finish none: more of them would hold more.

Two signs, both from the broker's counters. *Silence*: nothing was acknowledged for many service times while consumers
held messages (`patience.py`). *Loops*: most of what is delivered was delivered before (`redelivery.py`).

Messages that are rejected for good are not acknowledged either (rabbit_channel counts `ack` for basic.ack only), so
consumers that reject all they get count as stuck. Consumers with automatic acknowledgement never hold a message, so
neither sign applies to them.
"""

from __future__ import annotations

from typing import Final

import msgspec

from qc_operator.scaling.patience import LEAST_SILENCE, patience
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.redelivery import WINDOW, WINDOWS, loops
from qc_operator.scaling.tally import LOST_FOR, EntryTally
from qc_operator.scaling.trust import TOTALS_MAX_AGE

MOVING_FOR: Final = 30.0
"""Seconds between the first acknowledgement after a silence and the one that ends it: a restart finishes a few messages
before it meets the same trouble again."""


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """What has come of the messages of one entry so far."""

    read_at: float
    """When the latest counters were read."""
    at: float
    """When the window began in which deliveries and acknowledgements are compared, and the counters then:"""
    acknowledged: int
    delivered: int
    unacknowledged: int
    since: float
    """From when on an acknowledgement is awaited; during a silence, when the first one came."""
    last_acknowledged: int
    """The counter by the latest reading."""
    messages: int
    """Ready and unacknowledged since then."""
    silence: float = 0.0
    """Seconds of silence that were found; 0 where there is none."""
    moving: bool = False
    """Whether an acknowledgement has come since."""
    loops: int = 0
    """Windows in a row in which most deliveries were repeated, at most `WINDOWS`."""

    @property
    def stuck(self) -> bool:
        """Whether the consumers are."""
        return self.silence > 0.0 or self.loops >= WINDOWS


def progressed(
    *,
    before: Progress | None,
    tally: EntryTally | None,
    working: bool,
    rates: Rates,
    seconds_per_message: float | None,
    start_seconds: float,
) -> Progress | None:
    """Take in a reading. Where the figures are not known, consumers that were stuck still are; else None.

    `working` says that there are pods that are ready. A gap of more than 15 s between two readings begins anew, or of
    more than ten minutes where consumers were stuck; so do counters that fell because the entry has other queues now.
    """
    stuck = before is not None and before.stuck
    if tally is None or tally.unacknowledged is None or tally.messages is None:
        return before if stuck else None
    if (
        before is None
        or tally.at - before.read_at > (LOST_FOR if stuck else TOTALS_MAX_AGE)
        or tally.acknowledged < before.last_acknowledged
        or tally.delivered < before.delivered
    ):
        return Progress(
            read_at=tally.at,
            at=tally.at,
            acknowledged=tally.acknowledged,
            delivered=tally.delivered,
            unacknowledged=tally.unacknowledged,
            since=tally.at,
            last_acknowledged=tally.acknowledged,
            messages=tally.messages,
        )
    if tally.at <= before.read_at:
        return before
    working = working and tally.consumers > 0
    held = working and tally.unacknowledged > 0
    moved = tally.acknowledged > before.last_acknowledged or tally.messages < before.messages
    since, silence, moving = before.since, before.silence, before.moving
    if silence and tally.messages and not held:
        pass  # Consumers that crash on a message are gone for moments: that nobody holds it now is no recovery.
    elif not held or (moved and not silence):
        since, silence, moving = tally.at, 0.0, False
    elif silence:
        since, silence, moving = _recovering(before, at=tally.at, moved=moved)
    elif tally.at - since >= LEAST_SILENCE:
        enough = patience(rates=rates, seconds_per_message=seconds_per_message, start_seconds=start_seconds)
        silence = enough if tally.at - since >= enough else 0.0
    repeated = _repeated(before, tally=tally, working=working) if tally.at - before.at >= WINDOW else None
    goes_on = repeated is None
    return Progress(
        read_at=tally.at,
        at=before.at if goes_on else tally.at,
        acknowledged=before.acknowledged if goes_on else tally.acknowledged,
        delivered=before.delivered if goes_on else tally.delivered,
        unacknowledged=before.unacknowledged if goes_on else tally.unacknowledged,
        since=since,
        last_acknowledged=tally.acknowledged,
        messages=tally.messages if moved or not held else before.messages,
        silence=silence,
        moving=moving,
        loops=before.loops if repeated is None else repeated,
    )


def _recovering(before: Progress, *, at: float, moved: bool) -> tuple[float, float, bool]:
    """When the first acknowledgement after a silence came, the silence, and whether there was one."""
    if not moved:
        return before.since, before.silence, before.moving
    if not before.moving:
        return at, before.silence, True
    if at - before.since >= MOVING_FOR:
        return at, 0.0, False
    return before.since, before.silence, True


def _repeated(before: Progress, *, tally: EntryTally, working: bool) -> int | None:
    """Windows in a row in which most deliveries were repeated; None where this one goes on."""
    return loops(
        seconds=tally.at - before.at,
        # What was delivered to nobody of ours says nothing about them.
        delivered=tally.delivered - before.delivered if working else 0,
        acknowledged=tally.acknowledged - before.acknowledged,
        held=(before.unacknowledged, tally.unacknowledged or 0),
        before=before.loops,
    )


def stuck_words(*, progress: Progress, name: str) -> str:
    """Why no more pods are asked for and what to do, as a sentence."""
    if progress.silence:
        return (
            f"no message of {name} was acknowledged for {progress.silence:.0f} s or longer while consumers held some, "
            "and more replicas would only hold more of them; see in their logs what they wait for; if a message does "
            "take that long, say so in secondsPerMessage"
        )
    return (
        f"more than half of what {name} delivers was delivered before: consumers fail on messages, which come back; "
        "see in their logs why, and have such messages dead-lettered (a delivery limit does)"
    )
