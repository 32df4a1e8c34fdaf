"""What all targets of a spec ask for together: the largest answer wins."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from qc_operator.scaling.explanation import MOST_OTHERS, Step
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.situation import Demand, Waiting
from qc_operator.scaling.standing import Standing


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
    waiting: tuple[Waiting | None, ...]
    """An entry each; None where there is no objective."""
    standings: tuple[Standing, ...]
    """For the memory: what holds until the next complete readings."""
    busy_floor: int
    """On the way down: as many replicas as have work in their hands."""
    window_seconds: float | None
    """The longest window of a step down that an answer needs."""
    infeasible: str | None
    """Why an objective cannot be met by reacting, and which minReplicas would meet it."""
    between: bool = False
    """Whether it is incomplete only until the next complete readings."""
    alone: bool = False
    """Whether the answer was capped at one, because a second replica would only stand by."""

    @property
    def least(self) -> int:
        """As many as the messages that are known to be there ask for, where the answers are not complete."""
        demands = [answer.demand for answer in self.answers]
        return max([demand.replicas if demand.complete else demand.least for demand in demands])


def together(answers: list[Answer], *, waiting: tuple[Waiting | None, ...], standings: tuple[Standing, ...]) -> Wanted:
    """Put the answers together, of which there is one at least.

    One that rests on complete data wins over a hold of the same number; of equals the first in the spec wins, because
    the sort is stable.
    """
    answers = sorted(answers, key=_weight, reverse=True)
    winner, complete, between = answers[0], True, True
    windows, infeasible = [], None
    for answer in answers:
        demand = answer.demand
        if not demand.complete:
            complete, between = False, between and demand.between
        if demand.window_seconds is not None:
            windows.append(demand.window_seconds)
        infeasible = infeasible or demand.infeasible
    return Wanted(
        answers=tuple(answers),
        replicas=winner.demand.replicas,
        complete=complete,
        between=between and not complete,
        steps=tuple(
            [
                Step(
                    name=answer.demand.target,
                    replicas=answer.demand.replicas,
                    words=answer.demand.explanation,
                    source=answer.name,
                    observed=answer.demand.observed,
                    outbid=answer is not winner,
                )
                for answer in answers[: MOST_OTHERS + 1]
            ]
        ),
        waiting=waiting,
        standings=standings,
        busy_floor=max([answer.demand.busy_floor for answer in answers]),
        window_seconds=max(windows, default=None),
        infeasible=infeasible,
    )


def _weight(answer: Answer) -> tuple[int, bool]:
    return answer.demand.replicas, answer.demand.complete


def alone(wanted: Wanted, *, current: int) -> Wanted:
    """One replica is all that works. Those beside it go once the queue does not ask for more than there are."""
    fewer = wanted.complete and wanted.replicas <= current
    replicas = 1 if fewer else min(wanted.replicas, max(1, current))
    if replicas == wanted.replicas:
        return wanted
    words = f"limited to {replicas}: only one consumer at a time is served (single active consumer)"
    step = Step(name="guard", replicas=replicas, words=words, source="SingleActiveConsumer")
    return replace(wanted, replicas=replicas, steps=(*wanted.steps, step), alone=True)


def single_active_consumer(observation: Observation) -> bool:
    """Whether every queue gives its messages to one consumer at a time, so that a second replica only stands by.

    RabbitMQ's documentation, "Single Active Consumer": the others take over when that one goes.
    """
    seen = False
    for entry in observation.entries:
        if not entry.sums.single:
            return False
        seen = seen or bool(entry.queues)
    return seen
