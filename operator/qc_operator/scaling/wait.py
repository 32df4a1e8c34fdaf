"""`wait`: no message waits in the queue for longer than the objective.

A queue that stands a while is no harm as long as its messages are taken in time, so a part of the objective (phi) is
left to it, as much as the lead allows: the time until pods asked for now begin to work. What is more than that is
worked off in half of the time that is left. Where the lead takes most of the objective, replicas are those with which,
by Erlang's formula, 99 % of the messages wait no longer than the objective, and more once a fifth of it stands. Where
it takes all of it, no reaction can be in time.

The queue that may stand is there to even out what comes and goes: while no more than that waits, replicas that are
fewer than it takes stay as they are. It is not there to be filled. Where replicas went below what the arrivals need as
long as the queue was short, it grew until they had to come back, for ever: at a constant load of 10.3 replicas and an
objective of 60 s they changed 2,715 times a day, and 7 times with this rule (see docs/decisions.md).
"""

from __future__ import annotations

from typing import Final

import msgspec

from qc_operator.scaling import erlang
from qc_operator.scaling.answer import ready
from qc_operator.scaling.arrivals import deviation, time_constant
from qc_operator.scaling.backlog import Backlog, entry_backlog
from qc_operator.scaling.flow import Throughput, known, messages_of, throughput
from qc_operator.scaling.objective import infeasible, waiting_time
from qc_operator.scaling.probe import probe
from qc_operator.scaling.rounding import SPARE, shown, whole
from qc_operator.scaling.situation import Demand, Situation
from qc_operator.scaling.staffing import Staffing, in_words, observed, perhaps_fewer, staffing, within_tolerance

STANDING: Final = 0.5
"""The part of the objective that a standing queue may take, where starting pods takes no time."""
STANDING_LEAST: Final = 0.2
"""The same at least, however long pods take to start: as much as comes and goes by chance. Where not one message was to
wait, each that did brought a replica, and a constant load of 5.5 replicas changed them 248 times a day; 12 with this.
"""
SHARE_PER_LEAD: Final = 1.5
"""By how many leads that part is less: with a lead of two thirds of the objective no reaction is surely in time."""
DEVIATIONS: Final = 3.0
"""Standard deviations of the arrival rate that replicas go only with enough to spare for, where no more than the least
may stand, which does not even them out. With two, those that went came back more than twice as often; with four, they
cost some 3 % more pods."""
WINDOW_LEAST: Final = 60.0
WINDOW_MOST: Final = 300.0
"""Seconds between which the window of a step down is the objective: waits are what replicas are to be steady for."""


class _Need(msgspec.Struct, frozen=True):
    """How many replicas the objective takes, with the figures behind it."""

    staffing: Staffing
    """Replicas to go to once their number has to change."""
    urgent: float
    """Replicas below which messages would wait too long; fewer than those while the queue may still grow."""
    later: float
    """Messages that will wait when pods asked for now begin to work (B)."""
    allowed: float
    """Messages that may stand (phi * T * arrivals)."""
    share: float
    """The part of the objective that the lead leaves to a standing queue; none or less: Erlang's formula staffs it."""


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
    replicas = whole(need.staffing.exact)
    if current and not mu.certain:
        return _probe(situation, mu, most=replicas)
    return _to(situation, mu, need, replicas=replicas)


def _need(situation: Situation, *, mu: Throughput, objective: float) -> _Need:
    """What it takes now, with pods that have to start first."""
    arrivals = known(situation, situation.rates.arrivals)
    arriving_now = arrivals or 0.0
    load, lead = arriving_now / mu.each, situation.poll_seconds + situation.start_seconds
    begin = situation.start_seconds + situation.poll_seconds / 2
    later = max(0.0, ready(situation) + (arriving_now - mu.each * situation.effective) * begin)
    share = STANDING * (1.0 - SHARE_PER_LEAD * lead / objective)
    allowed = max(share, STANDING_LEAST) * objective * arriving_now
    if share > 0.0:
        keep, within = load, max(situation.poll_seconds, (objective - lead) / 2)
    else:
        keep, within = erlang.servers(load, objective * mu.each), objective / 2
    messages = max(0.0, later - allowed)
    needed = staffing(mu, arrivals=arrivals, keep=keep, messages=messages, seconds=within)
    return _Need(needed, load + (later - allowed) / (mu.each * within), later, allowed, share)


def _fewer(situation: Situation, mu: Throughput, *, bounds: Backlog, need: _Need) -> Demand:
    """Fewer replicas, if those have some to spare and no more messages wait than may stand; else as many as now."""
    current, entry, needed, target = situation.current, situation.entry, need.staffing, situation.source.wait
    arrivals = needed.arrivals
    if arrivals is None or bounds.at_most is None or entry.unacknowledged is None or target is None:
        doubt = "who has work in hand is not known" if entry.known else "not every queue can be read"
        words = perhaps_fewer(situation, mu, arrivals=arrivals, bounds=bounds, doubt=doubt)
        return _demand(situation, mu, replicas=current, complete=False, words=words)
    most, spare = SPARE * arrivals, "a tenth"
    if need.share <= STANDING_LEAST:
        by_chance = DEVIATIONS * deviation(rate=arrivals, tau=time_constant(situation.source))
        if arrivals + by_chance > most:
            most, spare = arrivals + by_chance, f"{shown(by_chance)}/s"
    keep = most / mu.each
    if need.share <= 0.0:
        keep = erlang.servers(keep, target.objective_seconds * mu.each)
    replicas = whole(keep + needed.exact - needed.keep)
    if replicas < current and need.later <= need.allowed:
        return _to(situation, mu, need, replicas=replicas, spare=spare)
    if replicas < current:
        reason = f"more than {messages_of(need.allowed)} wait"
    elif whole(needed.exact) <= current:
        reason = "none to spare"
    elif need.later <= need.allowed:
        replicas, reason = whole(needed.exact), f"up to {messages_of(need.allowed)} may wait"
    else:
        replicas, reason = whole(needed.exact), "they are done with them in time, too"
    words = f"{_words(situation, mu, need, replicas=replicas, spare=spare)}, held at {current}: {reason}"
    return _demand(situation, mu, replicas=current, complete=True, words=words)


def _words(situation: Situation, mu: Throughput, need: _Need, *, replicas: int, spare: str) -> str:
    target, promise = situation.source.wait, ""
    if need.share <= 0.0 and target is not None:
        promise = f" for 99 % of them to wait no longer than {target.objective_seconds} s"
    return in_words(situation, mu, need.staffing, replicas=replicas, promise=promise, spare=spare)


def _to(situation: Situation, mu: Throughput, need: _Need, *, replicas: int, spare: str = "") -> Demand:
    words = _words(situation, mu, need, replicas=replicas, spare=spare)
    replicas, words = within_tolerance(situation, need.staffing, replicas=replicas, words=words)
    return _demand(situation, mu, replicas=replicas, complete=True, words=words)


def _probe(situation: Situation, mu: Throughput | None, *, most: int | None = None) -> Demand:
    replicas, words = probe(situation, ready=ready(situation), most=most)
    return _demand(situation, mu, replicas=replicas, complete=False, words=words)


def _demand(situation: Situation, mu: Throughput | None, *, replicas: int, complete: bool, words: str) -> Demand:
    target, current = situation.source.wait, situation.current
    objective = float(target.objective_seconds) if target is not None else WINDOW_LEAST
    unacknowledged = situation.entry.unacknowledged if replicas < current else None
    return Demand(
        replicas=replicas,
        complete=complete,
        explanation=words,
        target="wait",
        observed=mu is not None and observed(situation, mu),
        busy_floor=min(unacknowledged, current) if unacknowledged else 0,
        window_seconds=min(max(objective, WINDOW_LEAST), WINDOW_MOST),
        infeasible=infeasible(situation, mu, objective=objective),
        waiting_seconds=waiting_time(situation, mu, replicas=replicas),
    )
