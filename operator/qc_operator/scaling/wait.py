"""`wait`: no message waits in the queue for longer than the objective.

A queue that stands a while is no harm as long as its messages are taken in time, so a part of the objective (phi) is
left to it, as much as the lead allows: the time until pods asked for now begin to work. What is more than that is
worked off in half of the time that is left. Where the lead takes most of the objective nothing may stand: then replicas
are those with which, by Erlang's formula, 99 % of the messages wait no longer than the objective, and more for any
backlog. Where it takes all of it, no reaction can be in time.

The queue that may stand is there to even out what comes and goes: while no more than that waits, replicas that are
fewer than the arrivals need stay as they are. It is not there to be filled. Where replicas went below what the arrivals
need as long as the queue was short, it grew until they had to come back, for ever: at a constant load of 10.3 replicas
and an objective of 60 s they changed 2,715 times a day, and 7 times with this rule (see docs/decisions.md).
"""

from __future__ import annotations

from typing import Final

import msgspec

from qc_operator.scaling import erlang
from qc_operator.scaling.answer import ready, tolerated
from qc_operator.scaling.backlog import Backlog, entry_backlog
from qc_operator.scaling.flow import (
    Throughput,
    clearing,
    known,
    messages_of,
    named,
    needing,
    replicas_of,
    throughput,
    why_unknown,
)
from qc_operator.scaling.probe import probe
from qc_operator.scaling.rounding import SPARE, shown, whole
from qc_operator.scaling.situation import Demand, Situation

STANDING: Final = 0.5
"""The part of the objective that a standing queue may take, where starting pods takes no time."""
SHARE_PER_LEAD: Final = 1.5
"""By how many leads that part is less: with a lead of two thirds of the objective nothing may stand."""
WINDOW_LEAST: Final = 60.0
WINDOW_MOST: Final = 300.0
"""Seconds between which the window of a step down is the objective: waits are what replicas are to be steady for."""


class _Need(msgspec.Struct, frozen=True):
    """How many replicas the objective takes, with the figures behind it."""

    exact: float
    """Replicas to go to once their number has to change: the larger of the next two."""
    urgent: float
    """Replicas below which messages would wait too long; fewer than `lasting` while the queue may still grow."""
    lasting: float
    """Replicas for what arrives alone."""
    arrivals: float | None
    """Messages per second that arrive, as far as known."""
    later: float
    """Messages that will wait when pods asked for now begin to work (B)."""
    allowed: float
    """Messages that may stand (phi * T * arrivals)."""
    within: float
    """Seconds in which what is more is worked off."""
    at_once: bool = False
    """Whether nothing may stand, so that `lasting` is Erlang's answer."""


def wait(situation: Situation) -> Demand | None:
    """Replicas that keep the time a message waits in the queue under the objective.

    With a pattern it is about the messages of all its queues, whatever `aggregate` says. None when nothing is known of
    the entry. Nobody knows how many messages a replica works on at a time, so as many replicas count as having work in
    hand as there are unacknowledged messages: more than there are where consumers fetch ahead.
    """
    target = situation.source.wait
    if target is None:
        return None
    bounds = entry_backlog(
        entry=situation.entry, count="Ready", how="Sum", running=situation.running, now=situation.now
    )
    if bounds is None:
        return None
    mu = throughput(situation)
    if mu is None:
        return _probe(situation, None)
    need = _need(situation, mu=mu, objective=float(target.objective_seconds))
    current = situation.current
    if current and whole(need.urgent) <= current:
        return _fewer(situation, mu, bounds=bounds, need=need)
    replicas = whole(need.exact)
    if current and not mu.certain:
        return _probe(situation, mu, most=replicas)
    return _to(situation, mu, need, replicas=replicas)


def _fewer(situation: Situation, mu: Throughput, *, bounds: Backlog, need: _Need) -> Demand:
    """Fewer replicas, if those have a tenth to spare and no more messages wait than may stand; else as many as now."""
    current, entry = situation.current, situation.entry
    if need.arrivals is None or bounds.at_most is None or entry.unacknowledged is None:
        doubt = bounds.doubt or ("who has work in hand is not known" if entry.known else "not every queue can be read")
        why = f"the arrival rate {why_unknown(situation)}" if need.arrivals is None else doubt
        words = f"{named(situation)} takes no more than {replicas_of(current)} at {mu}, perhaps fewer"
        return _demand(situation, mu, replicas=current, complete=False, words=f"{words}: {why}")
    replicas = whole(SPARE * need.exact)
    if replicas >= current or need.later > need.allowed:
        if replicas < current:
            reason = f"more than {messages_of(need.allowed)} wait"
        elif whole(need.exact) <= current:
            reason = "none to spare"
        else:
            replicas, reason = whole(need.exact), f"up to {messages_of(need.allowed)} may wait"
        words = f"{_words(situation, mu, need, replicas=replicas)}, held at {current}: {reason}"
        return _demand(situation, mu, replicas=current, complete=True, words=words)
    return _to(situation, mu, need, replicas=replicas)


def _need(situation: Situation, *, mu: Throughput, objective: float) -> _Need:
    """What it takes now, with pods that have to start first."""
    arrivals = known(situation, situation.rates.arrivals)
    arriving_now = arrivals or 0.0
    load, lead = arriving_now / mu.each, situation.poll_seconds + situation.start_seconds
    begin = situation.start_seconds + situation.poll_seconds / 2
    later = max(0.0, ready(situation) + (arriving_now - mu.each * situation.effective) * begin)
    standing = STANDING * (1.0 - SHARE_PER_LEAD * lead / objective)
    if standing > 0.0:
        allowed = standing * objective * arriving_now
        within = max(situation.poll_seconds, (objective - lead) / 2)
        urgent = load + (later - allowed) / (mu.each * within)
        return _Need(max(urgent, load), urgent, load, arrivals, later, allowed, within)
    within = objective / 2
    keep = erlang.servers(load, objective * mu.each)
    urgent = keep + later / (mu.each * within)
    return _Need(urgent, urgent, keep, arrivals, later, 0.0, within, at_once=True)


def _words(situation: Situation, mu: Throughput, need: _Need, *, replicas: int) -> str:
    """`38 messages/s into receipts need 8 replicas at 5/s each, 2 more clear about 412 messages within 24 s = 10`."""
    each, needed = f"at {mu}", whole(need.exact)
    if need.arrivals is None:
        clear = f"to clear about {messages_of(need.later)} in {named(situation)} within {shown(need.within)} s"
        return f"{clear} takes {replicas_of(needed)} {each}, besides what arrives, which is not known"
    keep = whole(need.lasting)
    words = f"{needing(situation, need.arrivals)} {replicas_of(keep)} {each}"
    target = situation.source.wait
    if need.at_once and target is not None:
        words = f"{words} for 99 % of them to wait no longer than {target.objective_seconds} s"
    messages = max(0.0, need.later - need.allowed)
    return clearing(words, keep=keep, messages=messages, seconds=need.within, needed=needed, replicas=replicas)


def _to(situation: Situation, mu: Throughput, need: _Need, *, replicas: int) -> Demand:
    words = _words(situation, mu, need, replicas=replicas)
    if (direction := tolerated(situation, exact=need.exact)) is not None:
        words = f"{words}, held at {situation.current} within the tolerance of {direction}"
        replicas = situation.current
    return _demand(situation, mu, replicas=replicas, complete=True, words=words)


def _probe(situation: Situation, mu: Throughput | None, *, most: int | None = None) -> Demand:
    replicas, words = probe(situation, ready=ready(situation), most=most)
    return _demand(situation, mu, replicas=replicas, complete=False, words=words)


def _demand(situation: Situation, mu: Throughput | None, *, replicas: int, complete: bool, words: str) -> Demand:
    target, current, rates = situation.source.wait, situation.current, situation.rates
    objective = float(target.objective_seconds) if target is not None else WINDOW_LEAST
    unacknowledged = situation.entry.unacknowledged if replicas < current else None
    certain = mu is not None and mu.certain and mu.learned
    return Demand(
        replicas=replicas,
        complete=complete,
        explanation=words,
        target="wait",
        observed=certain and situation.start_observed and rates.arrivals_observed,
        busy_floor=min(unacknowledged, current) if unacknowledged else 0,
        window_seconds=min(max(objective, WINDOW_LEAST), WINDOW_MOST),
        infeasible=_infeasible(situation, mu, objective=objective),
        waiting_seconds=_waiting(situation, mu, replicas=replicas),
    )


def _infeasible(situation: Situation, mu: Throughput | None, *, objective: float) -> str | None:
    """Why the objective cannot be met by adding replicas, and what would meet it."""
    lead = situation.poll_seconds + situation.start_seconds
    if objective > lead:
        return None
    about = "" if situation.start_observed else "about "
    words = (
        f"no scaling keeps waits under {shown(objective)} s: a pod works {about}{shown(lead)} s after it is needed, "
        "so enough of them have to be there before"
    )
    arrivals = known(situation, situation.rates.arrivals)
    if mu is None or not mu.certain or arrivals is None:
        return f"{words}, by minReplicas"
    least = max(1, erlang.servers(arrivals / mu.each, objective * mu.each))
    if situation.min_replicas >= least:
        return None
    # What is advised does for a tenth more, or the next reading of the rate would find it too few.
    least = max(1, erlang.servers(1.1 * arrivals / mu.each, objective * mu.each))
    return f"{words}: minReplicas {least} would do at {messages_of(arrivals)}/s"


def _waiting(situation: Situation, mu: Throughput | None, *, replicas: int) -> float | None:
    """Seconds that a message which arrives now will wait: until those before it are taken (Little, 1961)."""
    waiting, effective = ready(situation), situation.effective
    if effective <= 0.0:
        return None if mu is None else situation.start_seconds + waiting / (mu.each * max(1, replicas))
    if not waiting:
        return 0.0
    if mu is not None and mu.certain:
        return waiting / (mu.each * effective)
    taken = known(situation, situation.rates.acknowledgements)
    return waiting / taken if taken else None
