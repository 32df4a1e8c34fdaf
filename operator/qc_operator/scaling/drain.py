"""`drain`: the backlog of now is gone within so many seconds, and what arrives is kept up with.

The promise is about every moment: what is there now is gone `withinSeconds` later. Two rules keep it.

* Up: replicas = arrivals / mu + backlog / (mu * seconds), the seconds being those that are left once pods asked for now
  begin to work, and the backlog the one of then. Those replicas make the backlog fall evenly, to nothing at the end.
* Down: only when the rest would be gone within `LAST_SECONDS` with the fewer ones. Asking for the whole time anew at
  every moment would take a replica away for each that the shrinking backlog no longer needs: it would fall ever more
  slowly, and after `withinSeconds` 37 % of it would still be there (1/e).
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from qc_operator.scaling.answer import ready
from qc_operator.scaling.arrivals import time_constant
from qc_operator.scaling.backlog import Backlog, entry_backlog
from qc_operator.scaling.flow import (
    Throughput,
    arriving,
    known,
    messages_of,
    needing,
    replicas_of,
    throughput,
)
from qc_operator.scaling.probe import probe
from qc_operator.scaling.rounding import SPARE, shown, whole
from qc_operator.scaling.situation import Demand, Situation
from qc_operator.scaling.staffing import Staffing, in_words, observed, perhaps_fewer, staffing, within_tolerance

LAST_SECONDS: Final = 60.0
"""In which the rest of a backlog has to be gone with fewer replicas. The window of a step down is as long by default:
the backlog is then gone before the first replica goes."""

SERVICES: Final = 10.0
"""Service times that the last seconds are at least, as far as `withinSeconds` allows: a long time per message makes
the messages that are being worked on look like a backlog."""


class _Need(msgspec.Struct, frozen=True):
    """How many replicas it takes, with the figures behind it."""

    staffing: Staffing
    lasting: float
    """Messages per second that replicas are to keep up with."""
    waiting: float
    """Messages that are ready now."""
    in_hand: float
    """Messages that replicas work on, one each; they are no backlog."""


def drain(situation: Situation) -> Demand | None:
    """Replicas that clear the backlog in time, on top of those that keep up with what arrives.

    The backlog is ready and unacknowledged messages, less one for each replica at work. With a pattern it is that of
    all its queues, whatever `aggregate` says, and so is the arrival rate. None when nothing is known of the entry.
    """
    target, current = situation.source.drain, situation.current
    if target is None:
        return None
    # At zero nobody of ours consumes, so what is ready is what there is to do.
    bounds = entry_backlog(
        entry=situation.entry,
        count="Total" if current else "Ready",
        how="Sum",
        running=situation.running,
        now=situation.now,
    )
    if bounds is None:
        return None
    mu = throughput(situation)
    if mu is None:
        return _probe(situation)
    need = _need(situation, mu, backlog=bounds.at_least, within=target.within_seconds)
    replicas = whole(need.staffing.exact)
    if current and replicas <= current:
        return _fewer(situation, mu, bounds=bounds, need=need)
    if current and not mu.certain:
        return _probe(situation, most=replicas)
    return _demand(situation, mu, need.staffing, lasting=need.lasting, replicas=replicas)


def _need(situation: Situation, mu: Throughput, *, backlog: int, within: int) -> _Need:
    """What it takes to be done `within` seconds from now, with pods that have to start first."""
    lead = situation.start_seconds + situation.poll_seconds / 2
    # Where starting takes more than half of the time, half is taken all the same: to make up for the rest would take
    # replicas without end, for a short time.
    seconds = max(within - lead, within / 2)
    arrivals, waiting = known(situation, situation.rates.arrivals), float(ready(situation))
    in_hand = min(situation.entry.unacknowledged or 0, situation.effective)
    left = max(waiting, backlog - in_hand)
    lasting = 0.0 if arrivals is None else _lasting(situation, arrivals, left=left, seconds=seconds)
    messages = max(0.0, left + (lasting - mu.each * situation.effective) * lead)
    needed = staffing(mu, arrivals=arrivals, keep=lasting / mu.each, messages=messages, seconds=seconds)
    return _Need(needed, lasting, waiting, in_hand)


def _fewer(situation: Situation, mu: Throughput, *, bounds: Backlog, need: _Need) -> Demand:
    """Fewer replicas, if those are done with the rest in a moment and have a tenth to spare; else as many as now."""
    current, target, arrivals = situation.current, situation.source.drain, need.staffing.arrivals
    if arrivals is None or bounds.at_most is None or target is None:
        doubt = "not all messages were counted a moment ago"
        words = perhaps_fewer(situation, mu, arrivals=arrivals, bounds=bounds, doubt=doubt)
        held = _held(situation, mu, complete=False, words=words)
        between = arrivals is not None and bounds.between
        return replace(held, between=True, least=min(current, whole(need.staffing.exact))) if between else held
    seconds = min(float(target.within_seconds), max(LAST_SECONDS, SERVICES / mu.each))
    left = max(need.waiting, bounds.at_most - need.in_hand)
    # All that arrives counts: what is taken for a burst on the way up is no reason to have fewer.
    last = staffing(mu, arrivals=arrivals, keep=arrivals / mu.each, messages=left, seconds=seconds)
    if last.exact < need.staffing.exact:
        last = replace(last, exact=need.staffing.exact)
    replicas = whole(SPARE * last.exact)
    if replicas >= current:
        if left > 0.0:
            # Counts of two moments are added up, so there may be fewer.
            words = f"{arriving(situation, arrivals)} and up to {messages_of(left)} that may wait take"
            reason = f"fewer would not be done with them in {shown(seconds)} s"
        else:
            words, reason = needing(situation, arrivals), "fewer would have none to spare"
        words = f"{words} {replicas_of(current)} at {mu}: {reason}"
        return _held(situation, mu, complete=True, words=words)
    return _demand(situation, mu, last, lasting=arrivals, replicas=replicas)


def _lasting(situation: Situation, arrivals: float, *, left: float, seconds: float) -> float:
    """Arrivals per second that replicas are to keep up with.

    A burst is in the backlog, and for some minutes in the smoothed arrival rate, too: 1,500 messages at once are
    another 67/s at first, where it is smoothed over 20 s. Those of them that still wait make up no more of the rate
    than their number over that time. As much is taken out of it, down to the rate that three readings on end bear out.

    Of what is left beyond what is worked off, that part counts for which there is no time: all of it in a minute, a
    tenth in ten. If it lasts, the backlog grows and asks for the rest in time.
    """
    rates = situation.rates
    if left > 0.0 and rates.recent is not None:
        burst = arrivals - rates.recent
        if burst > 0.0:
            arrivals -= min(burst, left / time_constant(situation.source))
    worked_off = rates.acknowledgements
    if worked_off is None or worked_off >= arrivals:
        return arrivals
    return worked_off + (arrivals - worked_off) * min(1.0, LAST_SECONDS / seconds)


def _demand(situation: Situation, mu: Throughput, needed: Staffing, *, lasting: float, replicas: int) -> Demand:
    arrivals = needed.arrivals
    besides = f", of which {shown(lasting)}/s seem to last," if arrivals is not None and lasting < arrivals else ""
    words = in_words(situation, mu, needed, replicas=replicas, besides=besides)
    replicas, words = within_tolerance(situation, needed, replicas=replicas, words=words)
    return Demand(replicas=replicas, complete=True, explanation=words, target="drain", observed=observed(situation, mu))


def _held(situation: Situation, mu: Throughput, *, complete: bool, words: str) -> Demand:
    return Demand(
        replicas=situation.current,
        complete=complete,
        explanation=words,
        target="drain",
        observed=observed(situation, mu),
    )


def _probe(situation: Situation, *, most: int | None = None) -> Demand:
    replicas, words = probe(situation, ready=ready(situation), most=most)
    return Demand(replicas=replicas, complete=False, explanation=words, target="drain", observed=False)
