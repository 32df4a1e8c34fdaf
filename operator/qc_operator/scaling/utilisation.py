"""Whether replicas are as busy as the throughput that is believed says, and what if they never are.

An estimate that is too low confirms itself. It asks for so many replicas that none of them ever has to work at full,
and only full work teaches (`throughput`). But it also says how often all of them were to be seen at work at once:
C(n, a), Erlang's second formula, with a load of a = deliveries / throughput (Poisson arrivals see time averages; Wolff
1982, Operations Research 30). Once they should have been seen so `UNLIKELY` times, and were not once, a tenth of them
is not needed, and the estimate is raised by just that much. A backlog then teaches whether that was too much: the
estimate of before is back, and the next time takes twice as much to be believed.
"""

from __future__ import annotations

from math import ceil
from typing import Final

from qc_operator.scaling.arrivals import Interval
from qc_operator.scaling.erlang import waiting
from qc_operator.scaling.throughput import Work, believed, only_bounded, saturated, throughput

UNLIKELY: Final = 10.0
"""Looks at which all replicas were to be seen at work, and were not: by chance, exp(-10) of the times. Begun anew each
time they are seen so, that is once in several days of a queue whose estimate is right."""
DOUBLINGS: Final = 10
"""How often that number doubles at most: 17 looks, a minute and a half, become a day."""
LOADED: Final = 0.5
"""Share of their time that replicas work at least, by the estimate; with less to do they are there for another reason,
such as `minReplicas`."""
PART: Final = 10
"""One of so many replicas is tried to do without, at least one."""
LITTLE: Final = 5.0
"""Acknowledgements that an estimate counts for which was raised."""
RAISED_AT_MOST: Final = 65_535
TRIAL: Final = 120
"""Intervals, ten minutes, after which more replicas that are asked for are put down to the load, no longer to the
estimate."""


def doubted(*, before: Work, after: Work, interval: Interval, replicas: int, settled: bool, asked: bool) -> Work:
    """Compare what was seen at the end of an interval with the estimate, and raise it where it is too low.

    `before` and `after` are what is known before and after the interval taught what it could. `settled` says that those
    replicas worked all the time, `asked` that more of them were asked for meanwhile.
    """
    work = (
        after
        if after.trusted <= 0.0
        else _tried(before=before, after=after, interval=interval, replicas=replicas, settled=settled, asked=asked)
    )
    if not settled or replicas < 2 or interval.held_after < 0.0:  # noqa: PLR2004 - one replica stays in any case
        return work
    each, _ = throughput(work)
    if each is None:
        return work
    load = interval.usual / each
    if interval.ready_after > 0.0 or interval.held_after >= replicas or load < LOADED * replicas:
        return work._replace(unseen=0.0) if work.unseen else work
    # Looks that follow each other within a service time see the same messages.
    unseen = work.unseen + waiting(replicas, load) * min(1.0, interval.seconds * each)
    if unseen < UNLIKELY * 2.0**work.refuted:
        return work._replace(unseen=unseen)
    # While the raised one has taken no replica away nothing has borne it out: what was believed before is still that.
    untried = work.trusted > 0.0 and replicas >= work.raised_at
    fewer = replicas - ceil(replicas / PART)
    raised = believed(work, each=each * replicas / fewer, weight=LITTLE)
    return raised._replace(
        unseen=0.0,
        trusted=work.trusted if untried else each,
        tried=0,
        raised_at=work.raised_at if untried else min(replicas, RAISED_AT_MOST),
    )


def _tried(*, before: Work, after: Work, interval: Interval, replicas: int, settled: bool, asked: bool) -> Work:
    """What becomes of an estimate that was raised: a backlog teaches."""
    if after.total > before.total:
        return _ended(after)  # Full work has shown what is true.
    work = after
    if settled:
        work = work._replace(tried=min(work.tried + 1, TRIAL))
        if saturated(interval) and not only_bounded(work):
            # Hardly less certain than what counts otherwise, and the estimate of before is a bound.
            seconds = work.seconds + interval.seconds * replicas
            work = work._replace(acknowledged=work.acknowledged + interval.acknowledged, seconds=seconds)
    each = throughput(work)[0] or 0.0
    if asked and work.tried < TRIAL and (interval.ready_before > 0.0 or interval.ready_after > 0.0):
        return _ended(believed(work, each=min(work.trusted, each), weight=LITTLE))
    return believed(work, each=work.trusted, weight=LITTLE) if each < work.trusted else work


def _ended(work: Work) -> Work:
    """A backlog has ended the trial."""
    return work._replace(unseen=0.0, trusted=0.0, tried=0, refuted=min(work.refuted + 1, DOUBLINGS))
