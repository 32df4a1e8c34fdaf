"""How much a QueueConsumer needs somebody to look at it: the page shows the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from qc_operator.limitation import LASTING, LIMITED
from qc_operator.scaling.reasons import Limit

State = Literal["late", "notReady", "silent", "limited", "paused", "working", "idle"]

WORST_FIRST: Final[tuple[State, ...]] = ("late", "notReady", "silent", "limited", "paused", "working", "idle")
"""Messages wait too long; not able to work; nothing heard of it; held back; a person's word; all is well."""

LIMITING: Final = LASTING | {LIMITED[Limit.MAX]}
"""Reasons of ScalingLimited that somebody may have to do something about. The others come and go with the load."""

SILENT: Final = 60.0
"""Seconds without a decision after which what was told last cannot be believed: each object has one every 10 s or so,
unless the API server does not answer."""


class Urgency(NamedTuple):
    """A state, and the sentence that goes with it."""

    state: State
    words: str


def urgency(status: Mapping[str, Any], *, silent_for: float = 0.0) -> Urgency:
    """Judge by the conditions. `silent_for` are the seconds since they were told."""
    conditions = {condition["type"]: condition for condition in status.get("conditions", ())}
    return next(_states(conditions, silent_for=silent_for))


def _states(conditions: Mapping[str, Mapping[str, Any]], *, silent_for: float) -> Iterator[Urgency]:
    """All states that apply, the worst first."""

    def words(kind: str) -> str:
        return f"{conditions[kind]['reason']}: {conditions[kind]['message']}"

    held = {(kind, condition.get("status")) for kind, condition in conditions.items()}
    ready = ("Ready", "True") in held
    if ready and silent_for > SILENT:
        # What was told before may be anything by now.
        # A row is made when this begins, and then not before it ends: a number of seconds would stand still.
        yield Urgency("silent", "no decision for more than a minute: the API server or the broker keeps it waiting")
    infeasible = ("ObjectiveMet", "False") in held and conditions["ObjectiveMet"]["reason"] == "ObjectiveInfeasible"
    if ("ObjectiveMet", "False") in held and not infeasible:
        yield Urgency("late", words("ObjectiveMet"))
    if not ready:
        yield Urgency("notReady", words("Ready") if "Ready" in conditions else "nothing is known of it yet")
    if ("Paused", "True") in held:
        yield Urgency("paused", words("Paused"))
    if ("ScalingLimited", "True") in held and conditions["ScalingLimited"]["reason"] in LIMITING:
        yield Urgency("limited", words("ScalingLimited"))
    if infeasible:
        # Nothing waits too long now. It will, with the first message that finds no replica.
        yield Urgency("limited", words("ObjectiveMet"))
    yield Urgency("working" if ("Active", "True") in held else "idle", "")
