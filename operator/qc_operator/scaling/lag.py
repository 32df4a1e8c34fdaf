"""The target `lag`: so many messages for each replica, with a threshold for up and one for down."""

from __future__ import annotations

from qc_operator.resource import Queue
from qc_operator.scaling.backlog import Backlog, entry_backlog, matching, ready_of
from qc_operator.scaling.behavior import within_tolerance
from qc_operator.scaling.observation import EntryObservation
from qc_operator.scaling.rounding import number_of
from qc_operator.scaling.situation import Demand, Situation
from qc_operator.spec_targets import Lag


def lag(situation: Situation) -> Demand | None:
    """Replicas for the two thresholds: clamp(current, ceil(L/scaleUpAbove), ceil(L/scaleDownBelow)).

    Scales up above one threshold, down below the other, holds between, and holds within the tolerances of `behavior`.
    None when nothing is known of the entry.
    """
    source, entry, current = situation.source, situation.entry, situation.current
    target = source.lag
    if target is None:
        return None
    bounds = entry_backlog(
        entry=entry, count=target.count, how=source.aggregate, running=situation.running, now=situation.now
    )
    if bounds is None:
        return None
    # At zero nobody of ours consumes, so what is ready is what there is to do.
    at_least = ready_of(entry, source.aggregate) if current == 0 else bounds.at_least
    least = _ceil(at_least, target.scale_up_above)
    if current == 0 or least > current:
        return _more(situation, target, messages=at_least, replicas=least)
    return _fewer(situation, target, bounds)


def _more(situation: Situation, target: Lag, *, messages: int, replicas: int) -> Demand:
    current, each = situation.current, target.scale_up_above
    counted = number_of(messages, "message")
    words = f"{counted} in {_where(situation.source, situation.entry)} / {each} per replica = {replicas}"
    if current and within_tolerance(ratio=messages / (each * current), behavior=situation.behavior):
        return _tolerated(current, words, "scaleUp")
    return Demand(replicas=replicas, complete=True, explanation=words)


def _fewer(situation: Situation, target: Lag, bounds: Backlog) -> Demand:
    current, where = situation.current, _where(situation.source, situation.entry)
    each = target.scale_down_below or target.scale_up_above
    messages = bounds.at_most
    if messages is None:
        words = (
            f"at least {number_of(bounds.at_least, 'message')} in {where},"
            if bounds.at_least
            else f"messages in {where} are"
        )
        words = f"{words} not known to be so few that replicas may go"
        explanation = f"{words}: {bounds.doubt}" if bounds.doubt else words
        return Demand(
            replicas=current,
            complete=False,
            explanation=explanation,
            between=bounds.between,
            least=min(current, _ceil(bounds.at_least, each)),
        )
    replicas = _ceil(messages, each)
    if replicas >= current:
        need = "needs" if messages == 1 else "need"
        words = f"{number_of(messages, 'message')} in {where} {need} no other number of replicas than {current}"
        return Demand(replicas=current, complete=True, explanation=words)
    words = f"{number_of(messages, 'message')} in {where} / {each} per replica = {replicas}"
    if within_tolerance(ratio=messages / (each * current), behavior=situation.behavior):
        return _tolerated(current, words, "scaleDown")
    return Demand(replicas=replicas, complete=True, explanation=words)


def _tolerated(current: int, words: str, direction: str) -> Demand:
    held = f"{words}, held at {current} within the tolerance of {direction}"
    return Demand(replicas=current, complete=True, explanation=held)


def _where(source: Queue, entry: EntryObservation) -> str:
    """The queue, or what stands for the queues that a pattern matches."""
    if source.pattern is None:
        return entry.name
    if len(entry.queues) + entry.awaited == 1:
        return matching(entry)
    return {"Sum": "", "Max": "the longest of ", "Average": "the average of "}[source.aggregate] + matching(entry)


def _ceil(messages: int, per_replica: int) -> int:
    return -(-messages // per_replica)
