"""What a replica manages at full work (mu), learned from the times in which it is certain that it worked at full.

Pods with little to do acknowledge little. Whoever takes that for their throughput adds pods, which have even less to
do: the death spiral. Here it cannot begin, because only an interval in which messages were waiting all the time may
lower the estimate. That is certain where ready was at least what was delivered meanwhile: a queue cannot run empty by
deliveries that are fewer than the messages it began with. Ready above zero at both ends alone does not say so: a queue
that is served well at 70 % by five is seen like that in one interval out of fourteen, while it was empty in between.

Nor may an interval be chosen by what was delivered in it, or those would be chosen in which little was. The counters
are up to 5 s late and ready is not, so that they tell of the interval and of the one before: what decides is how many
messages were waiting when that one began, three times as many as each of the two was expected to deliver, and a few.

All other intervals give a lower bound: what the replicas did they are able to do. It stands in where nothing else is
known, and raises an estimate that is below it.

mu is acknowledgements of this entry per second and ready replica. Where one Deployment serves several entries it is
what a replica manages of this one beside the others. Consumers that do not belong to the target count as if they did.
"""

from __future__ import annotations

from math import exp, sqrt
from typing import Final, NamedTuple

from qc_operator.scaling.arrivals import Interval
from qc_operator.scaling.rates import ThroughputSource

ENOUGH: Final = 20
"""Acknowledgements from which on a throughput counts as learned, and for as many stands the spec's own word."""
EVIDENCE: Final = 200.0
"""Acknowledgements that the estimate rests on, within the bounds of the time constant: 7 % of noise with cv = 1."""
TAU_LEAST: Final = 300.0
TAU_MOST: Final = 900.0
"""Seconds of full work in which what was learned before fades to a third."""
AMPLE: Final = 3.0
FEW: Final = 3.0
"""As many times the deliveries expected of one interval, and as many messages more, must wait before two of them. That
the deliveries of the two come to more happens in one case of a hundred with cv = 1."""
SILENT: Final = 10.0
"""Acknowledgements that were to be expected while none came, from which on the consumers count as stuck rather than
slow: by chance, exp(-10) of the times with cv = 1. Such times are left to the guards."""
SILENCE_MOST: Final = 3600.0
"""Seconds per replica without acknowledgement that are taken into account where nothing is to be expected yet."""
BLOCK_LEAST: Final = 60.0
"""Seconds of a lower bound. Consumers acknowledge many messages at once, and the broker tells 5 s late: in a shorter
time one reading may have the acknowledgements of two."""
BLOCK_MOST: Final = 600.0
BLOCK_ACKNOWLEDGED: Final = 50
"""Acknowledgements of a lower bound at least."""
MARGIN: Final = 2.0
"""Standard errors that a lower bound stays below what was seen: the largest of many noisy ones is too large."""
EACH_LEAST: Final = 1.0 / 86_400.0
EACH_MOST: Final = 1_000_000.0
"""Messages per second and replica, the bounds of any throughput: those of `secondsPerMessage` and of `perReplica`."""
REPLICAS_MOST: Final = 1_000_000
TOTAL_MOST: Final = 2**32 - 1


class Work(NamedTuple):
    """What is known of the throughput of one entry."""

    prior: float = 0.0
    """`secondsPerMessage` of the spec, 0 where it says nothing."""
    acknowledged: float = 0.0
    """Acknowledgements at full work, faded; the spec's word is 20 of them to begin with."""
    seconds: float = 0.0
    """Seconds times replicas that they took."""
    total: int = 0
    """Acknowledgements at full work, all that ever were."""
    lower: float = 0.0
    """The best lower bound, until enough is learned."""
    full: bool = False
    """Whether enough messages were waiting for two intervals when the last one began."""
    silent: float = 0.0
    """Seconds times replicas at full work since the last acknowledgement."""
    block_acknowledged: float = 0.0
    block_seconds: float = 0.0
    """What the next lower bound is made of."""
    unseen: float = 0.0
    """Looks at which all replicas were to be seen at work, by the estimate, since they were (`utilisation`)."""
    trusted: float = 0.0
    """The estimate before it was raised because of that; 0 where none is on trial."""
    tried: int = 0
    """Intervals for which the raised one has been on trial."""
    refuted: int = 0
    """Trials in a row that a backlog has ended."""
    raised_at: int = 0
    """The replicas that there were when it was raised, 65,535 at most."""


def with_prior(work: Work, *, seconds: float | None) -> Work:
    """Take in `secondsPerMessage`. Once enough is learned it changes nothing any more."""
    prior = seconds or 0.0
    if abs(prior - work.prior) <= 1e-6 * prior:  # It is kept with seven digits.
        return work
    if work.total >= ENOUGH:
        return work._replace(prior=prior)
    weight = float(ENOUGH) if prior else 0.0
    return Work(prior=prior, acknowledged=weight, seconds=weight * prior, lower=work.lower, full=work.full)


def worked(*, before: Work, interval: Interval, replicas: int, settled: bool) -> Work:
    """Take in an interval at the end of which that many replicas were ready.

    `settled` says that they were all the time, and that none was starting or going. Otherwise nothing is learned.
    """
    replicas = min(max(replicas, 0), REPLICAS_MOST)
    each = _each(before)
    busy = saturated(interval)
    full = busy and ample(interval, expected=interval.seconds * max(interval.usual, each * replicas))
    counts, before = busy and before.full, before if full == before.full else before._replace(full=full)
    if not settled or replicas == 0:
        return before
    seconds = interval.seconds * replicas
    if not counts:
        return _at_least(before, acknowledged=interval.acknowledged, seconds=seconds, replicas=replicas)
    if interval.acknowledged <= 0.0:
        return before._replace(silent=min(before.silent + seconds, SILENCE_MOST * replicas))
    if before.silent * each <= SILENT:
        seconds += before.silent  # Slow consumers acknowledge nothing in most intervals.
    tau = TAU_MOST if each <= 0.0 else min(max(EVIDENCE / (each * replicas), TAU_LEAST), TAU_MOST)
    fading = exp(-seconds / replicas / tau)
    return before._replace(
        acknowledged=before.acknowledged * fading + interval.acknowledged,
        seconds=before.seconds * fading + seconds,
        total=min(before.total + int(interval.acknowledged), TOTAL_MOST),
        silent=0.0,
    )


def saturated(interval: Interval) -> bool:
    """Whether messages were waiting all the time: then every replica had work."""
    before, gone = interval.ready_before, max(interval.delivered, interval.acknowledged)
    return before > 0.0 and before >= gone and interval.ready_after > 0.0


def ample(interval: Interval, *, expected: float) -> bool:
    """Whether enough messages were waiting in the beginning for this interval and the next, whatever came of them.

    `expected` is how many deliveries there should have been in this one.
    """
    return interval.ready_before >= AMPLE * expected + FEW


def _at_least(before: Work, *, acknowledged: float, seconds: float, replicas: int) -> Work:
    """Take in an interval in which the replicas may have had less to do than they could."""
    acknowledged += before.block_acknowledged
    seconds += before.block_seconds
    if seconds < BLOCK_LEAST * replicas or (acknowledged < BLOCK_ACKNOWLEDGED and seconds < BLOCK_MOST * replicas):
        return before._replace(block_acknowledged=acknowledged, block_seconds=seconds)
    work = before._replace(block_acknowledged=0.0, block_seconds=0.0)
    if acknowledged < BLOCK_ACKNOWLEDGED:
        return work
    bound = acknowledged / seconds * (1.0 - MARGIN / sqrt(acknowledged))
    if work.total < ENOUGH:
        return work._replace(lower=max(work.lower, bound))
    if bound > _each(work):
        return work._replace(seconds=work.acknowledged / bound)
    return work


def _each(work: Work) -> float:
    return work.acknowledged / work.seconds if work.seconds > 0.0 else 0.0


def believed(work: Work, *, each: float, weight: float) -> Work:
    """Another estimate, for so many acknowledgements at most: it gives way to what is seen at full work."""
    if only_bounded(work):
        return work._replace(lower=each)
    acknowledged = min(work.acknowledged, weight)
    return work._replace(acknowledged=acknowledged, seconds=acknowledged / each)


def only_bounded(work: Work) -> bool:
    """Whether a lower bound is all that is known."""
    return work.total < ENOUGH and work.prior <= 0.0


def throughput(work: Work) -> tuple[float | None, ThroughputSource | None]:
    """Messages per second and replica at full work, and how that is known."""
    each = _each(work)
    if work.total >= ENOUGH:
        return _bounded(each), "learned"
    if work.prior > 0.0 and each >= work.lower:
        return _bounded(each), "spec"
    return (_bounded(work.lower), "lowerBound") if work.lower > 0.0 else (None, None)


def _bounded(each: float) -> float:
    return min(max(each, EACH_LEAST), EACH_MOST)
