"""All targets of a spec are asked, and the largest answer wins."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling import capacity
from qc_operator.scaling.drain import drain
from qc_operator.scaling.explanation import MOST_OTHERS, Step
from qc_operator.scaling.lag import lag
from qc_operator.scaling.memory import Memory
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.rate_targets import deliver_rate, publish_rate
from qc_operator.scaling.situation import Demand, Situation, Waiting
from qc_operator.scaling.standing import Standing, given, standing
from qc_operator.scaling.wait import wait
from qc_operator.spec_behavior import Behavior

COUNTED: Final = frozenset({"lag", "drain"})
"""Targets whose answers need unacknowledged messages, which are counted every 5 s."""

POLL_SECONDS: Final = 5.0
"""Seconds between two looks at the counters (brokers' slow lane)."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One target's answer, and which entry it is of."""

    index: int
    """In `spec.queues`."""
    name: str
    demand: Demand


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the targets of all entries ask for together."""

    answers: tuple[Answer, ...]
    """All of them, the largest first; the first is the winner."""
    replicas: int
    complete: bool
    """Whether every answer rests on data that are complete; only then may replicas go."""
    steps: tuple[Step, ...]
    """The winner's, and the others', the largest first."""
    least: int
    """As many as the messages that are known to be there ask for, where the answers are not complete."""
    busy_floor: int
    window_seconds: float | None
    """The longest window of a step down that an answer needs."""
    infeasible: str | None
    waiting: tuple[Waiting | None, ...]
    """An entry each; None where there is no objective."""
    standings: tuple[Standing, ...]
    """For the memory: what holds until the next complete readings."""
    between: bool = False
    """Whether it is incomplete only until the next complete readings."""
    alone: bool = False
    """Whether the answer was capped at one, because a second replica would only stand by."""


def wanted(
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
    learned, entries = memory.capacity, observation.entries
    start, start_observed = capacity.start(learned)
    effective = capacity.effective(learned, observation=observation, now=now)
    for index, source in enumerate(spec.queues):
        situation = Situation(
            source=source,
            entry=entries[index],
            rates=memory.rates[index],
            current=observation.current,
            running=observation.running,
            effective=effective,
            start_seconds=start,
            start_observed=start_observed,
            poll_seconds=POLL_SECONDS,
            changed_at=memory.changed_at,
            max_replicas=max_replicas,
            now=now,
            min_replicas=min_replicas,
            behavior=behavior,
        )
        waits = None
        for demand in _asked(situation):
            if demand is None:
                continue
            waits = demand.waiting_seconds if demand.waiting_seconds is not None else waits
            answer = demand
            if demand.between:
                stands = standing(
                    known=memory.standing, index=index, demand=demand, current=observation.current, now=now
                )
                if stands is not None:
                    answer = stands.demand
                    standings.append(stands)
            elif demand.complete and demand.target in COUNTED:
                standings.append(given(index=index, demand=demand, current=observation.current, now=now))
            answers.append(Answer(index=index, name=entries[index].name, demand=answer))
        waiting.append(Waiting(seconds=waits, objective=source.wait.objective_seconds) if source.wait else None)
    if not answers:
        return None
    together = _together(answers, waiting=tuple(waiting), standings=tuple(standings))
    if together.replicas > 1 and _single_active_consumer(observation):
        return _alone(together, current=observation.current)
    return together


def _asked(situation: Situation) -> list[Demand | None]:
    """The answers of all targets that the entry has."""
    source = situation.source
    answers = []
    if source.lag is not None:
        answers.append(lag(situation))
    if source.publish_rate is not None:
        answers.append(publish_rate(situation))
    if source.deliver_rate is not None:
        answers.append(deliver_rate(situation))
    if source.drain is not None:
        answers.append(drain(situation))
    if source.wait is not None:
        answers.append(wait(situation))
    return answers


def _together(answers: list[Answer], *, waiting: tuple[Waiting | None, ...], standings: tuple[Standing, ...]) -> Wanted:
    # One that rests on complete data wins over a hold of the same number; of equals the first in the spec wins, because
    # the sort is stable.
    answers.sort(key=_weight, reverse=True)
    winner = answers[0]
    steps = tuple([_step(answer, outbid=answer is not winner) for answer in answers[: MOST_OTHERS + 1]])
    complete, between, least, busy_floor, window, infeasible = True, True, 0, 0, None, None
    for answer in answers:
        demand = answer.demand
        complete = complete and demand.complete
        between = between and (demand.complete or demand.between)
        least = max(least, demand.replicas if demand.complete else demand.least)
        busy_floor = max(busy_floor, demand.busy_floor)
        if demand.window_seconds is not None:
            window = max(window or 0.0, demand.window_seconds)
        infeasible = infeasible or demand.infeasible
    return Wanted(
        answers=tuple(answers),
        replicas=winner.demand.replicas,
        complete=complete,
        between=between and not complete,
        steps=steps,
        least=least,
        busy_floor=busy_floor,
        window_seconds=window,
        infeasible=infeasible,
        waiting=waiting,
        standings=standings,
    )


def _weight(answer: Answer) -> tuple[int, bool]:
    return answer.demand.replicas, answer.demand.complete


def _step(answer: Answer, *, outbid: bool = False) -> Step:
    demand = answer.demand
    return Step(
        name=demand.target,
        replicas=demand.replicas,
        words=demand.explanation,
        source=answer.name,
        observed=demand.observed,
        outbid=outbid,
    )


def _alone(wanted: Wanted, *, current: int) -> Wanted:
    """One replica is all that works. Those beside it go once the queue does not ask for more than there are."""
    fewer = wanted.complete and wanted.replicas <= current
    replicas = 1 if fewer else min(wanted.replicas, max(1, current))
    if replicas == wanted.replicas:
        return wanted
    words = f"limited to {replicas}: only one consumer at a time is served (single active consumer)"
    step = Step(name="guard", replicas=replicas, words=words, source="SingleActiveConsumer")
    return replace(wanted, replicas=replicas, steps=(*wanted.steps, step), alone=True)


def _single_active_consumer(observation: Observation) -> bool:
    """Whether every queue gives its messages to one consumer at a time, so that a second replica only stands by.

    RabbitMQ's documentation, "Single Active Consumer": the others take over when that one goes.
    """
    seen = False
    for entry in observation.entries:
        for queue in entry.queues:
            if queue.facts is None or not queue.facts.single_active_consumer:
                return False
            seen = True
    return seen
