"""What an observation adds to the memory, before anything is decided."""

from __future__ import annotations

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling import capacity, fallback, guards, idleness
from qc_operator.scaling.memory import Memory
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.trust import TOTALS_MAX_AGE


def learned(*, spec: QueueConsumerSpec, observation: Observation, memory: Memory, unread: bool, now: float) -> Memory:
    """Take in what this observation says about the past: flow, capacity, and whether a guard has to hold."""
    estimated = capacity.learned(
        before=memory.capacity, spec=spec, observation=observation, now=now, undecided=memory.guards.undecided
    )
    rates, passed = memory.rates, memory.passed
    if estimated is not memory.capacity or len(rates) != len(spec.queues):
        rates = tuple([capacity.rates(estimated, index) for index in range(len(spec.queues))])
        passed = idleness.passed(spec=spec, observation=observation)
    start, _ = capacity.start(estimated)
    lapsed = memory.seen_at is not None and now - memory.seen_at > TOTALS_MAX_AGE
    return Memory(
        # A time in which nobody looked, as while the API server was away, is one in which nothing was known.
        since=now if unread or lapsed else memory.since,
        seen_at=now,
        busy_at=idleness.last_busy(
            spec=spec,
            observation=observation,
            before=memory.busy_at,
            moved=lapsed or (bool(memory.passed) and passed != memory.passed),
            now=now,
        ),
        unread_since=fallback.unread_since(before=memory.unread_since, unread=unread, now=now),
        answers=memory.answers,
        changes=memory.changes,
        changed_at=memory.changed_at,
        passed=passed,
        capacity=estimated,
        rates=rates,
        standing=memory.standing,
        guards=guards.watched(
            before=memory.guards,
            spec=spec,
            observation=observation,
            rates=rates,
            start_seconds=start,
            warm_up=estimated.start_up.to_acknowledgement,
            now=now,
        ),
    )
