"""The objective of `wait`: whether replicas can be there in time to meet it, and how long messages wait now."""

from __future__ import annotations

from qc_operator.scaling import erlang
from qc_operator.scaling.answer import ready
from qc_operator.scaling.flow import Throughput, known, messages_of
from qc_operator.scaling.rounding import SPARE, shown
from qc_operator.scaling.situation import Situation


def infeasible(situation: Situation, mu: Throughput | None, *, objective: float) -> str | None:
    """Why the objective cannot be met by adding replicas, and what would meet it; never for a start-up time assumed."""
    seen = situation.start_observed
    lead = situation.poll_seconds + (situation.start_seconds if seen else 0.0)
    if objective > lead:
        return None
    words = (
        f"no scaling keeps waits under {shown(objective)} s: a pod works {'' if seen else 'more than '}{shown(lead)} s "
        "after it is needed, so enough of them have to be there before"
    )
    arrivals = known(situation, situation.rates.arrivals)
    if mu is None or not mu.certain or arrivals is None:
        return f"{words}, by minReplicas"
    least = max(1, erlang.servers(arrivals / mu.each, objective * mu.each))
    if situation.min_replicas >= least:
        return None
    # What is advised does for a tenth more, or the next reading of the rate would find it too few.
    least = max(1, erlang.servers(SPARE * arrivals / mu.each, objective * mu.each))
    bounds = "minReplicas" if least <= situation.max_replicas else "minReplicas and maxReplicas"
    return f"{words}: {bounds} {least} would do at {messages_of(arrivals)}/s"


def waiting_time(situation: Situation, mu: Throughput | None, *, replicas: int) -> float | None:
    """Seconds until the last message that is there now is taken (Little, 1961); 0 where there is none.

    What the first one of a night will wait for its pod is not counted before it is there: an objective shorter than a
    start would be missed all night, without a message.
    """
    waiting, effective = ready(situation), situation.effective
    if not waiting:
        return 0.0
    if effective <= 0.0:
        return None if mu is None else situation.start_seconds + waiting / (mu.each * max(1, replicas))
    if mu is not None and mu.certain:
        return waiting / (mu.each * effective)
    taken = known(situation, situation.rates.acknowledgements)
    return waiting / taken if taken else None
