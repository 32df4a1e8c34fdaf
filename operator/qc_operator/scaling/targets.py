"""All targets of all entries are asked: `lag`, `publishRate`, `deliverRate`, `drain` and `wait`.

Each kind of target is a module of its own, which turns a `Situation` into a `Demand`; what becomes of their answers is
in `wanted.py`.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling import capacity
from qc_operator.scaling.drain import drain
from qc_operator.scaling.lag import lag
from qc_operator.scaling.memory import Memory
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.rate_targets import deliver_rate, publish_rate
from qc_operator.scaling.situation import Demand, Situation, Waiting
from qc_operator.scaling.standing import COUNTED, Standing, standing
from qc_operator.scaling.wait import wait
from qc_operator.scaling.wanted import Answer, Wanted, alone, single_active_consumer, together
from qc_operator.spec_behavior import Behavior

POLL_SECONDS: Final = 5.0
"""Seconds between two looks at the counters (brokers' slow lane)."""


def asked(
    *,
    spec: QueueConsumerSpec,
    observation: Observation,
    memory: Memory,
    behavior: Behavior,
    min_replicas: int,
    max_replicas: int,
    now: float,
) -> Wanted | None:
    """Ask every target of every entry. None when nothing is known of any."""
    answers: list[Answer] = []
    waiting: list[Waiting | None] = []
    standings: list[Standing] = []
    current, of_each = observation.current, list(zip(spec.queues, observation.entries, memory.rates, strict=False))
    start_seconds, start_observed = capacity.start(memory.capacity)
    effective = capacity.effective(memory.capacity, observation=observation, now=now)
    source, entry, rates = of_each[0]
    # The entries differ in these three; to name all that they share for each of them would take longer.
    first = Situation(
        source=source,
        entry=entry,
        rates=rates,
        current=current,
        running=observation.running,
        effective=effective,
        start_seconds=start_seconds,
        start_observed=start_observed,
        poll_seconds=POLL_SECONDS,
        changed_at=memory.changed_at,
        max_replicas=max_replicas,
        now=now,
        min_replicas=min_replicas,
        behavior=behavior,
    )
    for index, (source, entry, rates) in enumerate(of_each):
        situation = replace(first, source=source, entry=entry, rates=rates)
        waits = None
        for demand in _demands(situation):
            if demand is None:
                continue
            waits = demand.waiting_seconds if waits is None else waits
            answer = demand
            if demand.target in COUNTED:
                stands = standing(known=memory.standing, index=index, demand=demand, current=current, now=now)
                if stands is not None:
                    answer = stands.demand
                    standings.append(stands)
            answers.append(Answer(index=index, name=entry.name, demand=answer))
        waiting.append(Waiting(seconds=waits, objective=source.wait.objective_seconds) if source.wait else None)
    if not answers:
        return None
    wanted = together(answers, waiting=tuple(waiting), standings=tuple(standings))
    if wanted.replicas > 1 and single_active_consumer(observation):
        return alone(wanted, current=current)
    return wanted


def _demands(situation: Situation) -> list[Demand | None]:
    """The answers of the targets that the entry has; None of one that knows nothing of it."""
    source = situation.source
    demands: list[Demand | None] = []
    if source.lag is not None:
        demands.append(lag(situation))
    if source.publish_rate is not None:
        demands.append(publish_rate(situation))
    if source.deliver_rate is not None:
        demands.append(deliver_rate(situation))
    if source.drain is not None:
        demands.append(drain(situation))
    if source.wait is not None:
        demands.append(wait(situation))
    return demands
