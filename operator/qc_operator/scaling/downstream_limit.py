"""More replicas, the same throughput: what the consumers call (a database, a mail server) is at its limit.

A trial (`trial.py`) measures full work while replicas are added; where that brought nothing (`step_effect.py`), no more
are asked for than there are, or than were enough. After a while one step is let through, to see whether it is still so.
It is over when more is done than before, or when there has been no full work for some minutes. What was not known
meanwhile counts as neither.

Where more is done than before, what a replica manages is not known yet, and during the limit it looked like little. So
there is no step until it has been measured, and those that follow at most double what there is.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from qc_operator.scaling.full_work import FullWork
from qc_operator.scaling.rounding import shown
from qc_operator.scaling.step_effect import Effect, effect, enough_replicas, rose
from qc_operator.scaling.tally import LOST_FOR
from qc_operator.scaling.trial import TRIAL, Trial, begun, compared_anew, gone_on
from qc_operator.scaling.trust import TOTALS_MAX_AGE

FIRST_BLOCK: Final = 300.0
"""Seconds for which no step up is made; twice as many each time that the step after the block brings nothing either, up
to `LONGEST_BLOCK`."""

LONGEST_BLOCK: Final = 1800.0

TRIED: Final = 0.25
"""Share of the replicas that were enough which may be added once the block is over, at least one.

A quarter more, where it brings what it should, is seen at 40 messages/s within three minutes.
"""

LARGER_MOST: Final = 20
"""Doublings of that step, one for each trial's time (and for each limit in a row) that passes without a verdict."""

RISEN_STEP: Final = 30.0
"""Seconds for which replicas stay once throughput has risen, and after each doubling of them."""

RISEN_STEPS: Final = 4
"""After so many of them they may be any number: for two minutes, in which there may be eight times as many."""

AT_REST: Final = 300.0
"""Seconds without full work after which nothing is held any more: queues that are worked off need no guard."""

FORGOTTEN_AFTER: Final = 3600.0
"""Seconds after that, or the end of the block, after which it is forgotten, so that the next one is a first one."""


class DownstreamLimit(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Replicas that brought nothing."""

    entries: int
    """Those that messages were waiting in, as bits."""
    low: int
    high: int
    enough: int
    """Replicas up to which more of them do help: the fewest that were found in a row."""
    before: float
    after: float
    """Messages per second of `low` and of `high`."""
    variance: float
    """Variance of the latter."""
    times: int
    """How often in a row; 0 while all is measured anew, as throughput has risen."""
    until: float
    """When the block ends, or the new measurement has begun."""
    busy_at: float
    """When there was full work in these entries last."""
    known_at: float
    """When all that the target consumes from was known last."""
    there: int = 0
    """Replicas asked for when it was found, the fewest in a row; 0 after a restart, when that is not known."""


def tried(
    *, before: Trial | None, limit: DownstreamLimit | None, seen: FullWork | None, warm_up: float, now: float
) -> tuple[Trial | None, DownstreamLimit | None]:
    """Take in a reading: the trial goes on, ends or begins, and may find a limit or see that it is gone."""
    limit = _remembered(limit, now=now)
    if seen is None:
        return None, limit
    if before is not None and seen.at <= before.at:
        return before, limit
    if limit is not None:
        # What was not known was no rest, or the first reading after a while would lift what was held all the time.
        unknown = now - limit.known_at
        busy_at = limit.busy_at + unknown if unknown > TOTALS_MAX_AGE else limit.busy_at
        limit = replace(limit, busy_at=busy_at, known_at=now)
    trial = None if before is None else gone_on(before=before, seen=seen, warm_up=warm_up)
    if trial is None:
        return begun(seen), limit
    if limit is not None and limit.times and limit.entries == trial.entries:
        limit = replace(limit, busy_at=now)
        if trial.added is None and rose(span=trial.span, rate=limit.after, variance=limit.variance):
            # The span has some of the slow time in it, which would let the next step look better than it is.
            return begun(seen), _risen(limit, rate=trial.span.rate, replicas=seen.current, now=now)
    return _judged(trial, limit=limit, seen=seen, now=now)


def _remembered(limit: DownstreamLimit | None, *, now: float) -> DownstreamLimit | None:
    if limit is None or now - max(limit.until, limit.busy_at + AT_REST) > FORGOTTEN_AFTER:
        return None
    return limit if limit.times or allowed(limit=limit, now=now) else None


def _risen(limit: DownstreamLimit, *, rate: float, replicas: int, now: float) -> DownstreamLimit:
    """More is done than before: the replicas there are measure what each of them manages now."""
    return replace(limit, enough=max(1, replicas), before=limit.after, after=rate, times=0, until=now)


def _judged(
    trial: Trial, *, limit: DownstreamLimit | None, seen: FullWork, now: float
) -> tuple[Trial | None, DownstreamLimit | None]:
    found = Effect.UNCLEAR if trial.added is None else effect(before=trial.span, after=trial.added.span)
    if found is Effect.UNCLEAR:
        return trial, limit
    if found is Effect.SOMETHING:
        anew = compared_anew(trial)
        if limit is not None and limit.times and limit.entries == trial.entries:
            limit = _risen(limit, rate=anew.span.rate, replicas=seen.current, now=now)
        return anew, limit
    after = begun(seen)
    if found is Effect.ELSEWHERE:
        return after, limit
    if found is Effect.LESS and not trial.less:
        # If the next comparison ends like this as well, more replicas are what does it.
        return None if after is None else replace(after, less=True), limit
    return after, _found(trial=trial, limit=limit, now=now)


def _found(*, trial: Trial, limit: DownstreamLimit | None, now: float) -> DownstreamLimit:
    """The limit that was found. One that is found while the last block still holds is no further time."""
    before, after = trial.span, trial.span if trial.added is None else trial.added.span
    times, enough, there = 1, enough_replicas(before=before, after=after), trial.replicas
    low, high = max(1, round(before.pods)), round(after.pods)
    if limit is not None:
        times = limit.times + (now >= limit.until)
        if limit.times and limit.entries == trial.entries:
            enough, there = min(enough, limit.enough), min(there, limit.there or there)
    return DownstreamLimit(
        entries=trial.entries,
        low=low,
        high=max(low + 1, high),
        enough=enough,
        before=before.rate,
        after=after.rate,
        variance=after.variance,
        times=times,
        until=now + block(times),
        busy_at=now,
        known_at=now,
        there=there,
    )


def block(times: int) -> float:
    """Seconds of the block after so many limits in a row."""
    return min(LONGEST_BLOCK, FIRST_BLOCK * 2.0 ** min(times - 1, 8))


def allowed(*, limit: DownstreamLimit, now: float, current: int = 0) -> int | None:
    """Replicas that may be asked for all the same, with so many there; None where nothing is held."""
    if now - limit.known_at > LOST_FOR:
        return None
    if not limit.times:
        doublings = int((now - limit.until) / RISEN_STEP)
        return limit.enough << doublings if doublings < RISEN_STEPS else None
    if now < limit.until:
        return limit.enough
    if (now if now - limit.known_at <= TOTALS_MAX_AGE else limit.known_at) < limit.busy_at + AT_REST:
        # A step too small to be told from the noise is never judged, and a limit must not be believed for ever. So it
        # is made larger until it is; more slowly each time that it brought nothing.
        larger = 1 << min(int((now - limit.until) / (TRIAL * limit.times)), LARGER_MOST)
        # Where all are still there that were found to be too many, a step to fewer would be none and show nothing.
        there = limit.there or limit.high
        return (there if current >= there else limit.enough) + larger * max(1, round(TRIED * limit.enough))
    return None


def limit_words(limit: DownstreamLimit) -> str:
    """What was measured and what to do, as a sentence."""
    if not limit.times:
        return (
            f"the limit behind the consumers is gone ({shown(limit.before)} -> {shown(limit.after)} messages/s): what "
            f"a replica manages is measured first, then there may be twice as many every {RISEN_STEP:.0f} s"
        )
    more = round(100.0 * (limit.after / limit.before - 1.0))
    gain = f"{more} % more" if more > 0 else "nothing"
    return (
        f"from {limit.low} to {limit.high} replicas brought {gain} "
        f"({shown(limit.before)} -> {shown(limit.after)} messages/s): what the consumers call is the limit; "
        f"give it more capacity, or set maxReplicas to {limit.enough}"
    )
