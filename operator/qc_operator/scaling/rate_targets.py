"""`publishRate` and `deliverRate`: as many replicas as the messages per second ask for, at so many for each."""

from __future__ import annotations

from qc_operator.scaling.answer import not_lower, nothing_known, ready, tolerated
from qc_operator.scaling.flow import arriving, known, named, why_unknown
from qc_operator.scaling.rounding import shown, whole
from qc_operator.scaling.situation import Demand, Situation, TargetName


def publish_rate(situation: Situation) -> Demand | None:
    """Replicas for the messages that arrive: ceil(arrivals per second / perReplica).

    Rounded up as `rounding.whole` says. None when nothing is known of the entry. With a pattern it is the rate of all
    its queues together, whatever `aggregate` says.
    """
    target = situation.source.publish_rate
    if target is None or nothing_known(situation):
        return None
    arrivals = known(situation, situation.rates.arrivals)
    if arrivals is None:
        return _unknown(situation, target="publishRate", rate=f"the arrival rate of {named(situation)}")
    return _answer(
        situation,
        target="publishRate",
        rate=arrivals,
        each=target.each,
        words=arriving(situation, arrivals),
        observed=situation.rates.arrivals_observed,
    )


def deliver_rate(situation: Situation) -> Demand | None:
    """Replicas of what feeds a queue: ceil(deliveries per second / perReplica), redeliveries included.

    Rounded up as `rounding.whole` says. None when nothing is known of the entry. With a pattern it is the rate of all
    its queues together, whatever `aggregate` says.
    """
    target = situation.source.deliver_rate
    if target is None or nothing_known(situation):
        return None
    deliveries = known(situation, situation.rates.deliveries)
    if deliveries is None:
        return _unknown(situation, target="deliverRate", rate=f"the delivery rate of {named(situation)}")
    figure = shown(deliveries)
    words = f"{figure} {'delivery' if figure == '1' else 'deliveries'}/s from {named(situation)}"
    return _answer(situation, target="deliverRate", rate=deliveries, each=target.each, words=words, observed=True)


def _answer(
    situation: Situation, *, target: TargetName, rate: float, each: float, words: str, observed: bool
) -> Demand:
    current, exact = situation.current, rate / each
    replicas, complete = whole(exact), True
    words = f"{words} / {shown(each)} per replica = {replicas}"
    if replicas < current and (why := not_lower(situation)) is not None:
        replicas, complete, words = current, False, f"{words}, held at {current}: {why}"
    elif replicas != current and (direction := tolerated(situation, exact=exact)) is not None:
        replicas, words = current, f"{words}, held at {current} within the tolerance of {direction}"
    return Demand(replicas=replicas, complete=complete, explanation=words, target=target, observed=observed)


def _unknown(situation: Situation, *, target: TargetName, rate: str) -> Demand:
    """Replicas stay where the rate is not known. At zero they do not: what is ready is reason enough for one."""
    current = situation.current
    why = f"{rate} {why_unknown(situation)}"
    if current == 0 and ready(situation):
        return Demand(replicas=1, complete=False, explanation=f"{why}, one replica to begin with", target=target)
    return Demand(replicas=current, complete=False, explanation=f"{why}, held at {current}", target=target)
