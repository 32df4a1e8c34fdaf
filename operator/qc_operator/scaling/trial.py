"""Full work before and after replicas were added, measured while they come: a step up is a trial.

Steps often follow one another before the pods of the first are ready, from zero above all. So nothing waits for a
number of replicas that stands still. *Before* is a span of full work up to the moment at which more are seen at work,
with those that may have been at work at each reading; where throughput fell meanwhile, from then on (`fallen.py`).
*After* is what follows, with those that certainly were: pods that are ready, with consumers, for as long as a first
acknowledgement takes and the statistics are late. More of them in the one and fewer in the other make the gain that is
expected smaller, never larger.

Work is full while an entry has messages waiting at every reading, and at each at least as many as were acknowledged
until the next: a queue cannot run empty in between by fewer. Whatever ends it ends the trial without a verdict.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from qc_operator.scaling.fallen import latest, since_fallen
from qc_operator.scaling.full_work import FullWork
from qc_operator.scaling.step_effect import Span, growth, telling
from qc_operator.scaling.trust import TOTALS_MAX_AGE

STATISTICS_LATE: Final = 10.0
"""Seconds by which the broker's statistics may be old: for as long, counters do not show what the new pods do."""

MEMORY: Final = 600.0
"""Seconds of full work after which what was measured of it is halved, so that what is old counts for less and less.

At 40 messages/s, telling whether two more than eight replicas brought something takes 175 s on either side.
"""

TRIAL: Final = 900.0
"""Seconds for which replicas that were added are compared with those before, at most."""

WARM_UP_MOST: Final = 300.0
"""Seconds that new pods are given for their first acknowledgement at most."""


class Crew(msgspec.Struct, frozen=True, array_like=True):
    """Pods that are ready, and the consumers of the entries that are measured."""

    pods: int
    consumers: int

    def fewest(self, other: Crew) -> Crew:
        """The smaller number of either."""
        return Crew(min(self.pods, other.pods), min(self.consumers, other.consumers))


class Added(msgspec.Struct, frozen=True, array_like=True):
    """Replicas that were added, and what they do."""

    at: float
    """When the first of them were seen at work."""
    mark_at: float
    mark: Crew
    """As many have been at work since then."""
    certain: Crew | None = None
    """As many have been at work for so long that their acknowledgements are in the counters."""
    span: Span = Span()
    """Full work since `certain` is known, with those that certainly were at work."""
    pod_seconds: float = 0.0
    consumer_seconds: float = 0.0
    """The same with those that may have been."""


class Trial(msgspec.Struct, frozen=True, array_like=True):
    """Full work as it is measured."""

    entries: int
    """The entries that have had messages waiting all the time, as bits."""
    replicas: int
    """Those asked for."""
    at: float
    """When the counters were read last, and what they were:"""
    acknowledged: int
    elsewhere: int
    ready: int
    """Messages that were waiting then."""
    since: float
    """From when on the counters tell of nothing but full work."""
    span: Span = Span()
    """Full work before replicas were added."""
    added: Added | None = None
    less: bool = False
    """Whether the last comparison ended with clearly less than before."""
    pieces: tuple[Span, ...] = ()
    """The last half minute of `span`; nothing once replicas have been added."""


def begun(seen: FullWork) -> Trial | None:
    """Measure from here on, if there is work and somebody who does it."""
    sums = seen.sums(seen.saturated)
    if not seen.saturated or not seen.pods or not sums.consumers:
        return None
    return Trial(
        entries=seen.saturated,
        replicas=seen.current,
        at=seen.at,
        acknowledged=sums.acknowledged,
        elsewhere=sums.elsewhere,
        ready=sums.ready,
        since=seen.at + STATISTICS_LATE,
    )


def gone_on(*, before: Trial, seen: FullWork, warm_up: float) -> Trial | None:
    """The trial with one reading more; None when its conditions ceased to hold.

    `warm_up` is how many seconds a pod takes from being ready to its first acknowledgement.
    """
    seconds = seen.at - before.at
    # A queue that ran empty or fewer replicas are no full work of as many; a gap may hide either.
    if before.entries & ~seen.saturated or seen.current < before.replicas or seconds > TOTALS_MAX_AGE:
        return None
    sums = seen.sums(before.entries)
    done, elsewhere = sums.acknowledged - before.acknowledged, sums.elsewhere - before.elsewhere
    if not 0 <= done <= before.ready or elsewhere < 0 or not seen.pods or not sums.consumers:
        return None
    if before.added is not None and seen.at - before.added.at > TRIAL:
        before = compared_anew(before)
    crew = Crew(seen.pods, sums.consumers)
    gone = Span(
        seconds=seconds,
        acknowledged=done,
        elsewhere=elsewhere,
        pod_seconds=crew.pods * seconds,
        consumer_seconds=crew.consumers * seconds,
    )
    span, added, pieces = before.span, before.added, before.pieces
    if added is not None:
        service = span.consumer_seconds / span.acknowledged
        late = STATISTICS_LATE + min(max(warm_up, service), WARM_UP_MOST)
        added = _longer(added, crew=crew, gone=gone, at=seen.at, late=late)
    elif before.at < before.since:
        pass
    elif telling(before=span, growth=growth(before=span, after=gone)):
        added, pieces = Added(seen.at, seen.at, crew), ()
    else:
        span, pieces = (span.halved() if span.seconds > MEMORY else span).plus(gone), latest(pieces, gone)
        span = since_fallen(span=span, pieces=pieces)
    return Trial(
        entries=before.entries,
        replicas=seen.current,
        at=seen.at,
        acknowledged=sums.acknowledged,
        elsewhere=sums.elsewhere,
        ready=sums.ready,
        since=before.since,
        span=span,
        added=added,
        less=before.less,
        pieces=pieces,
    )


def _longer(added: Added, *, crew: Crew, gone: Span, at: float, late: float) -> Added:
    """Take in an interval at the end of which so many were at work."""
    most_pods, most_consumers = added.pod_seconds, added.consumer_seconds
    span, certain = added.span, None if added.certain is None else added.certain.fewest(crew)
    if certain is not None:
        most_pods, most_consumers = most_pods + gone.pod_seconds, most_consumers + gone.consumer_seconds
        pods, consumers = certain.pods * gone.seconds, certain.consumers * gone.seconds
        span = span.plus(replace(gone, pod_seconds=pods, consumer_seconds=consumers))
    mark, mark_at = added.mark.fewest(crew), added.mark_at
    if at - mark_at >= late:
        certain, mark, mark_at = mark, crew, at
    return Added(
        at=added.at,
        mark_at=mark_at,
        mark=mark,
        certain=certain,
        span=span,
        pod_seconds=most_pods,
        consumer_seconds=most_consumers,
    )


def compared_anew(trial: Trial) -> Trial:
    """What was measured of the replicas that were added is what the next ones are compared with."""
    added = trial.added
    if added is None:
        return trial
    span = replace(added.span, pod_seconds=added.pod_seconds, consumer_seconds=added.consumer_seconds)
    return replace(trial, span=span, added=None, less=False)
