"""How many messages per second come and go, from counters that are read every few seconds.

Rates are taken from the growth of counters between two readings, never from the broker's own rates: its samples are
5 s apart and already averaged (RabbitMQ's documentation, management.sample_retention_policies). They are smoothed
exponentially for irregular samples (Eckner 2019, "Algorithms for unevenly spaced time series", EMA with the last
point): a growth over dt seconds has the weight 1 - exp(-dt/tau). The weights that were given are kept beside the sums,
so that the first sample counts for what it says instead of being averaged with a zero nobody saw.
"""

from __future__ import annotations

from math import exp, inf, sqrt
from typing import Final, NamedTuple

from qc_operator.resource import Queue
from qc_operator.scaling.counted import Counted

TAU_LEAST: Final = 20.0
TAU_MOST: Final = 120.0
OBJECTIVE_DEFAULT: Final = 80.0
"""Seconds that stand for the objective of an entry that has none; the smallest time constant comes of it."""
REACH: Final = 6.0
"""Seconds that one reading speaks for. They come every 5 s, a little later where the broker is slow to answer. Of four
readings one may thus be missing all the time, of three none: that is the 75 % of `PRESENT`."""
PRESENT: Final = 0.75
"""Share of the window that must have been read, or else the rates are not known."""
WINDOW_BEGUN: Final = 1.0 - exp(-2.0 / 3.0)
"""Weight of two thirds of the time constant: three readings after the first, at 20 s. Rates are not known before."""
GUESSED: Final = 0.25
"""Share of the window above which arrivals count as estimated."""
LONGEST: Final = 600.0
"""Seconds between two readings after which all begins anew: what came in meanwhile says little about now."""
SHORTEST: Final = 0.1
"""Seconds between two readings below which the later one waits for the next: a growth of one message would be many
per second. The slow lane may be hurried to one turn a second."""


EVERY: Final = 5.0
"""Seconds between two readings."""


class Smoothed(NamedTuple):
    """The last reading of an entry, and what came of those before. The first fields are those of `Counted`.

    The rates are sums of weighted samples: divide by `covered`.
    """

    at: float = -inf
    published: float = 0.0
    acknowledged: float = 0.0
    delivered: float = 0.0
    held: float = -1.0
    ready: float = -1.0
    members: int = 0
    unused: int = 0
    begun: float = 0.0
    """Weight of all the time since the first reading, 0 to 1."""
    covered: float = 0.0
    """Weight of the time that readings speak for."""
    guessed: float = 0.0
    """Weight of those of them whose arrivals were estimated."""
    arrivals: float = 0.0
    deliveries: float = 0.0
    acknowledgements: float = 0.0
    latest: float = 0.0
    """Arrivals per second between the last two readings, not smoothed; 0 where that is not known."""
    previous: float = 0.0
    """The same before that."""
    recent: float = 0.0
    """The least of the last three of these: what has arrived for three readings on end."""


class Interval(NamedTuple):
    """What happened between two readings that can be compared."""

    since: float
    seconds: float
    acknowledged: float
    delivered: float
    ready_before: float
    ready_after: float
    usual: float
    """Deliveries per second before it, smoothed; 0 where nothing is known of them."""
    held_after: float = -1.0
    """Messages ready and unacknowledged at its end; -1 where that is not known."""


def known(*, begun: float, covered: float) -> bool:
    """Whether enough readings of the last window are there for rates."""
    return begun >= WINDOW_BEGUN and covered >= PRESENT * begun


def time_constant(source: Queue) -> float:
    """Seconds over which the rates of an entry are smoothed: a quarter of the objective, from 20 to 120 s.

    The objective is that of `wait`, `withinSeconds` of `drain`, or the smaller of both.
    """
    objective = min(
        source.wait.objective_seconds if source.wait else inf,
        source.drain.within_seconds if source.drain else inf,
    )
    if objective == inf:
        objective = OBJECTIVE_DEFAULT
    return min(max(objective / 4.0, TAU_LEAST), TAU_MOST)


def deviation(*, rate: float, tau: float) -> float:
    """By how much a smoothed rate is off by chance, as a standard deviation, where messages come one by one.

    An exponential average over a Poisson process has the variance rate / (2 * tau): Campbell's theorem on shot noise
    (Campbell 1909, Proceedings of the Cambridge Philosophical Society 15).
    """
    return sqrt(rate / (2.0 * tau))


def borne_out(least: float) -> float:
    """The rate that the least of a few counts may come from: two standard deviations of a Poisson count, and one more.

    Of a queue with a message now and then the least count is zero, which does not mean that nothing arrives.
    """
    messages = least * EVERY
    return (messages + 2.0 * sqrt(messages + 1.0) + 1.0) / EVERY


def smoothed(*, before: Smoothed, now: Counted, tau: float) -> tuple[Smoothed, Interval | None]:
    """Take in a reading; the interval is None where the two cannot be compared."""
    seconds = now.at - before.at
    if 0.0 <= seconds < SHORTEST:
        return before, None
    if not 0.0 < seconds <= LONGEST:
        return Smoothed(*now), None  # The first one, or the first after a long time.
    decay = exp(-seconds / tau)
    begun = 1.0 - (1.0 - before.begun) * decay
    covered, guessed = before.covered * decay, before.guessed * decay
    arrivals, deliveries = before.arrivals * decay, before.deliveries * decay
    acknowledgements = before.acknowledgements * decay
    acknowledged, delivered = now.acknowledged - before.acknowledged, now.delivered - before.delivered
    arrived, guess = _arrived(before=before, now=now)
    if arrived is None or acknowledged < 0.0 or delivered < 0.0 or not _same_queues(before=before, now=now):
        # A queue has gone, or its counters begin anew: the time counts, and nobody speaks for it.
        return Smoothed(*now, begun, covered, guessed, arrivals, deliveries, acknowledgements), None
    weight = 1.0 - exp(-min(seconds, REACH) / tau)
    each = weight / seconds
    latest = max(arrived / seconds, 0.0)
    after = Smoothed(
        *now,
        begun,
        covered + weight,
        guessed + weight if guess else guessed,
        arrivals + each * arrived,
        deliveries + each * delivered,
        acknowledgements + each * acknowledged,
        latest,
        before.latest,
        min(latest, before.latest, before.previous),
    )
    usual = before.deliveries / before.covered if before.covered > 0.0 else 0.0
    return after, Interval(before.at, seconds, acknowledged, delivered, before.ready, now.ready, usual, now.held)


def _arrived(*, before: Smoothed, now: Counted) -> tuple[float | None, bool]:
    """Messages that arrived between two readings, and whether that is an estimate; None where it is not known.

    Where nothing was ever counted as published, or the counter has begun anew, what was acknowledged and what the
    queue has grown by must have arrived. So it is with a queue that others dead-letter into: RabbitMQ counts no
    publish for that. What expired, was purged or was dead-lettered from here is missing in such an estimate. A single
    one may be negative, because the queue's length is younger or older than its counters; on average they are right.
    """
    arrived = now.published - before.published
    if arrived >= 0.0 and now.published > 0.0:
        return arrived, False
    if before.held < 0.0 or now.held < 0.0:
        return (arrived, False) if arrived >= 0.0 else (None, False)
    estimate = now.acknowledged - before.acknowledged + now.held - before.held
    # Nothing published and nothing moved: no estimate is needed to know that nothing arrived.
    return estimate, arrived < 0.0 or estimate != 0.0


def _same_queues(*, before: Smoothed, now: Counted) -> bool:
    """Whether sums may be compared: the queues are the same, or those that came or went have counted nothing."""
    changed = before.members ^ now.members
    return changed == 0 or changed == before.unused ^ now.unused
