"""More replicas, the same throughput: what the consumers call (a database, a mail server) is at its limit.

Every step up is a trial. Before it and after it, throughput at full work is measured; one that brought nothing
(`step_effect.py`) blocks the next step for a while. Full work is: an entry has messages waiting at every reading, all
pods asked for are ready, none starts or finds no node, every new pod has a consumer, and the first acknowledgement of
the youngest has had its time. Whatever else comes in between ends the trial without a verdict.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from qc_operator.scaling.observation import Observation
from qc_operator.scaling.rounding import shown
from qc_operator.scaling.step_effect import Effect, Span, effect, enough_replicas, rose
from qc_operator.scaling.tally import Tally
from qc_operator.scaling.trust import TOTALS_MAX_AGE
from qc_operator.scaling.unschedulable import PODS_MAX_AGE

FIRST_BLOCK: Final = 300.0
"""Seconds for which the next step up is blocked; twice as many each time that the step after the block brings nothing
either, up to `LONGEST_BLOCK`."""

LONGEST_BLOCK: Final = 1800.0

FORGOTTEN_AFTER: Final = 3600.0
"""Seconds after the end of a block after which it is forgotten, so that the next one is a first one."""

SETTLING: Final = 10.0
"""Seconds by which the broker's statistics may be old: for as long, counters do not show what the new pods do."""

MEMORY: Final = 600.0
"""Seconds of full work after which what was measured of it is halved, so that what is old counts for less and less.

At 40 messages/s, telling whether two more than eight replicas brought something takes 206 s on either side.
"""

TRIAL: Final = 900.0
"""Seconds after a step after which what was measured before it is no longer compared with."""


class Step(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A step up that is on trial."""

    replicas: int
    """As many were there before it."""
    consumers: int
    span: Span
    at: float
    """When it was first seen."""
    ready_at: float | None = None
    """Since when all new pods have been at work; None while they start."""


class Trial(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Full work as it is measured, and what it was before the last step."""

    entries: int
    """The entries that have had messages waiting all the time, as bits."""
    replicas: int
    consumers: int
    at: float
    """When the counters were read last, and what they were:"""
    acknowledged: int
    elsewhere: int
    span: Span = Span()
    step: Step | None = None


class Limit(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A step up that brought nothing."""

    entries: int
    low: int
    high: int
    enough: int
    """Replicas up to which more of them do help."""
    before: float
    after: float
    """Messages per second before and after the step."""
    variance: float
    """Variance of the latter."""
    times: int
    """How often in a row."""
    until: float
    """When the block ends."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All entries at one reading, as far as a trial needs them."""

    at: float
    tallies: tuple[Tally | None, ...]
    """None for an entry that others consume from."""
    saturated: int
    """The entries that have messages waiting, as bits."""
    current: int
    all_ready: bool


def figures(
    *, tallies: list[Tally | None], consumed: list[bool], observation: Observation, now: float
) -> Figures | None:
    """Put together what is known of all entries that the target consumes from.

    None when something is missing: the work of the new pods may be what is not seen, so nothing can be judged.
    """
    pods = observation.pods
    if pods is None or now - pods.at > PODS_MAX_AGE or True not in consumed:
        return None
    at, saturated = now, 0
    for index, tally in enumerate(tallies):
        if not consumed[index]:
            continue
        if tally is None:
            return None
        at = min(at, tally.at)
        if tally.ready > 0:
            saturated |= 1 << index
    current = observation.current
    return Figures(
        at=at,
        tallies=tuple([tally if ours else None for tally, ours in zip(tallies, consumed, strict=True)]),
        saturated=saturated,
        current=current,
        all_ready=pods.ready == current > 0 and not pods.starting and pods.unschedulable <= 0,
    )


def tried(
    *, before: Trial | None, limit: Limit | None, seen: Figures | None, start_seconds: float, now: float
) -> tuple[Trial | None, Limit | None]:
    """Take in a reading: the trial goes on, ends or begins, and may find a limit or see that it is gone."""
    if limit is not None and now - limit.until > FORGOTTEN_AFTER:
        limit = None
    if seen is None:
        return None, limit
    if before is not None and seen.at <= before.at:
        return before, limit
    trial = None if before is None else _went_on(before, seen)
    if trial is None or before is None:
        return _begun(seen), limit
    if trial.step is None:
        return _before_step(before=before, trial=trial, seen=seen, limit=limit, now=now)
    return _after_step(before=before, trial=trial, seen=seen, limit=limit, start_seconds=start_seconds, now=now)


def _begun(seen: Figures) -> Trial | None:
    if not seen.saturated or not seen.all_ready:
        return None
    acknowledged, elsewhere, consumers = _sums(seen, seen.saturated)
    return Trial(
        entries=seen.saturated,
        replicas=seen.current,
        consumers=consumers,
        at=seen.at,
        acknowledged=acknowledged,
        elsewhere=elsewhere,
    )


def _sums(seen: Figures, entries: int) -> tuple[int, int, int]:
    """Acknowledgements in those entries and in the others, and the consumers in those."""
    acknowledged = elsewhere = consumers = 0
    for index, tally in enumerate(seen.tallies):
        if tally is None:
            continue
        if entries >> index & 1:
            acknowledged += tally.acknowledged
            consumers += tally.consumers
        else:
            elsewhere += tally.acknowledged
    return acknowledged, elsewhere, consumers


def _went_on(before: Trial, seen: Figures) -> Trial | None:
    """The trial with this reading's counters and a longer span; None when its conditions ceased to hold."""
    seconds = seen.at - before.at
    # A queue that ran empty or fewer replicas are no full work of as many; a gap may hide either.
    if before.entries & ~seen.saturated or seen.current < before.replicas or seconds > TOTALS_MAX_AGE:
        return None
    acknowledged, elsewhere, consumers = _sums(seen, before.entries)
    if acknowledged < before.acknowledged or elsewhere < before.elsewhere:
        return None
    span = Span(
        seconds=before.span.seconds + seconds,
        acknowledged=before.span.acknowledged + (acknowledged - before.acknowledged),
        elsewhere=before.span.elsewhere + (elsewhere - before.elsewhere),
    )
    return Trial(
        entries=before.entries,
        replicas=before.replicas,
        consumers=consumers,
        at=seen.at,
        acknowledged=acknowledged,
        elsewhere=elsewhere,
        span=span,
        step=before.step,
    )


def _before_step(
    *, before: Trial, trial: Trial, seen: Figures, limit: Limit | None, now: float
) -> tuple[Trial | None, Limit | None]:
    if seen.current > trial.replicas:
        if not before.span.enough:
            return _begun(seen), limit
        step = Step(replicas=before.replicas, consumers=before.consumers, span=before.span, at=now)
        return replace(trial, replicas=seen.current, span=Span(), step=step), limit
    if not seen.all_ready:
        return None, limit
    if (
        limit is not None
        and limit.entries == trial.entries
        and rose(span=trial.span, rate=limit.after, variance=limit.variance)
    ):
        # The span has some of the slow time in it, which would let the next step look better than it is.
        return replace(trial, span=Span()), None
    if trial.span.seconds > MEMORY:
        trial = replace(trial, span=_halved(trial.span))
    return trial, limit


def _halved(span: Span) -> Span:
    return Span(seconds=span.seconds / 2, acknowledged=span.acknowledged / 2, elsewhere=span.elsewhere / 2)


def _after_step(
    *, before: Trial, trial: Trial, seen: Figures, limit: Limit | None, start_seconds: float, now: float
) -> tuple[Trial | None, Limit | None]:
    step = trial.step
    if step is None or now - step.at > TRIAL:
        return _begun(seen), limit
    ready = seen.all_ready and trial.consumers - step.consumers >= seen.current - step.replicas
    if seen.current > trial.replicas or not ready:
        waiting = replace(step, ready_at=None)
        return replace(trial, replicas=seen.current, span=Span(), step=waiting), limit
    if step.ready_at is None:
        return replace(trial, span=Span(), step=replace(step, ready_at=seen.at)), limit
    if before.at - step.ready_at < SETTLING + max(0.0, start_seconds):
        return replace(trial, span=Span()), limit
    found = effect(before=step.span, after=trial.span, low=step.replicas, high=trial.replicas)
    if found is Effect.UNCLEAR:
        return trial, limit
    measured = replace(trial, step=None)
    if found is Effect.NOTHING:
        limit = _limited(step=step, trial=trial, limit=limit, now=now)
    return measured, limit


def _limited(*, step: Step, trial: Trial, limit: Limit | None, now: float) -> Limit:
    """The limit that was found. A step that came while the last block still held is no further time."""
    times = 1 if limit is None else limit.times + (now >= limit.until)
    block = min(LONGEST_BLOCK, FIRST_BLOCK * 2.0 ** min(times - 1, 8))
    return Limit(
        entries=trial.entries,
        low=step.replicas,
        high=trial.replicas,
        enough=enough_replicas(before=step.span, after=trial.span, low=step.replicas, high=trial.replicas),
        before=step.span.rate,
        after=trial.span.rate,
        variance=trial.span.variance,
        times=times,
        until=now + block,
    )


def limited(limit: Limit) -> str:
    """What was measured and what to do, as a sentence."""
    more = round(100.0 * (limit.after / limit.before - 1.0))
    gain = f"{more} % more" if more > 0 else "nothing"
    return (
        f"from {limit.low} to {limit.high} replicas brought {gain} "
        f"({shown(limit.before)} -> {shown(limit.after)} messages/s): what the consumers call is the limit; "
        f"give it more capacity, or set maxReplicas to {limit.enough}"
    )
