"""Consumers that hold messages and finish none: more of them would hold more.

Two signs, both from the broker's counters. *Silence*: nothing was acknowledged for many service times while consumers
held messages. *Loops*: most of what is delivered was delivered before (a poison message that is given back, or that
crashes its consumer, is delivered again and again; rabbitmq.com, "Quorum queues", poison message handling).

Messages that are rejected for good are not acknowledged either (rabbit_channel counts `ack` for basic.ack only), so
consumers that reject all they get count as stuck. Consumers with automatic acknowledgement never hold a message, so
neither sign applies to them.
"""

from __future__ import annotations

from typing import Final

import msgspec

from qc_operator.scaling.rates import Rates
from qc_operator.scaling.tally import Tally
from qc_operator.scaling.trust import TOTALS_MAX_AGE
from qc_operator.spec_targets import MOST_SECONDS

SERVICE_TIMES: Final = 10.0
"""Silence lasts so many service times.

With one replica and exponential service times, 1 of 22,000 messages takes longer than that (e^-10); with n replicas
that work it is e^-10n.
"""

LEAST_SILENCE: Final = 60.0
"""Seconds of silence at least: the broker's statistics are up to 10 s old, and a pause of the garbage collector or a
time-out of what the consumer calls (30 s in many clients) is no reason yet."""

MOST_SILENCE: Final = 3600.0
"""Seconds of silence after which consumers count as stuck whose service time is long, but for `SLOW_SERVICE_TIMES`.

RabbitMQ closes by itself the channel of a consumer that takes 1800 s for a message (rabbitmq.com, "Consumers":
delivery acknowledgement timeout, 30 minutes by default).
"""

SLOW_SERVICE_TIMES: Final = 3.0
"""Service times that silence lasts in any case."""

UNKNOWN_SERVICE: Final = 60.0
"""Seconds that a message is taken to need while nothing is known of it."""

MOVING_FOR: Final = 30.0
"""Seconds between the first acknowledgement after a silence and the one that ends it: a restart finishes a few messages
before it meets the same trouble again."""

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

_MOST_START: Final = 3600.0


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


def patience(*, rates: Rates, seconds_per_message: float | None, start_seconds: float) -> float:
    """Seconds without an acknowledgement after which consumers count as stuck.

    A throughput that is only a lower bound says that a message needs no longer than so: it counts where it is less than
    what is assumed of an unknown one. New pods need their start-up time on top.
    """
    service = seconds_per_message
    throughput = rates.throughput
    if throughput is not None and throughput > 0.0:
        if rates.throughput_from != "lowerBound":
            service = 1.0 / throughput
        elif service is None:
            service = min(1.0 / throughput, UNKNOWN_SERVICE)
    if service is None:
        service = UNKNOWN_SERVICE
    service = min(service, MOST_SECONDS)
    silence = min(SERVICE_TIMES * service, max(MOST_SILENCE, SLOW_SERVICE_TIMES * service))
    return max(LEAST_SILENCE, silence) + min(max(0.0, start_seconds), _MOST_START)


def progressed(
    *,
    before: Progress | None,
    tally: Tally | None,
    working: bool,
    rates: Rates,
    seconds_per_message: float | None,
    start_seconds: float,
) -> Progress | None:
    """Take in a reading. None while the figures are not known: what is not known holds nothing up.

    `working` says that there are pods that are ready. A gap of more than 15 s between two readings, and counters that
    fell because the entry has other queues now, begin anew.
    """
    if tally is None or tally.unacknowledged is None or tally.messages is None:
        return None
    if (
        before is None
        or tally.at - before.read_at > TOTALS_MAX_AGE
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
    loops = _compared(before, tally=tally, working=working) if tally.at - before.at >= WINDOW else None
    goes_on = loops is None
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
        loops=before.loops if loops is None else loops,
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


def _compared(before: Progress, *, tally: Tally, working: bool) -> int | None:
    """Windows in a row in which most deliveries were repeated, with the one that ends now; None where it goes on."""
    if working and tally.delivered - before.delivered >= ENOUGH:
        return _loops(before, tally=tally)
    return 0 if tally.at - before.at >= LONGEST_WINDOW else None


def _loops(before: Progress, *, tally: Tally) -> int:
    """Windows in a row in which most deliveries were repeated, with this one."""
    unacknowledged = tally.unacknowledged or 0
    delivered, acknowledged = tally.delivered - before.delivered, tally.acknowledged - before.acknowledged
    if not (acknowledged or unacknowledged or before.unacknowledged):
        # They acknowledge automatically.
        return 0
    # A fall of unacknowledged is no repeated delivery yet: what a pod gave back is counted when it is delivered again.
    share = (delivered - acknowledged - max(0, unacknowledged - before.unacknowledged)) / delivered
    if share > LOOPING:
        return min(WINDOWS, before.loops + 1)
    return 0 if share < RECOVERED else before.loops


def stuck(*, progress: Progress, name: str) -> str:
    """Why no more pods are asked for and what to do, as a sentence."""
    if progress.silence:
        return (
            f"no message of {name} was acknowledged for {progress.silence:.0f} s or longer while consumers held some: "
            "more would hold more; see in their logs what they wait for, or, if a message does take that long, set "
            "secondsPerMessage"
        )
    return (
        f"more than half of what {name} delivers was delivered before: consumers fail on messages, which come back; "
        "see in their logs why, and have such messages dead-lettered (a delivery limit does)"
    )
