"""What one decision comes to: the conditions of the object, and what was done to its target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from qc_operator.brokers import Problem
from qc_operator.conditions import Condition
from qc_operator.conflict import Conflict
from qc_operator.limitation import objective_met, scaling_limited
from qc_operator.readiness import active, fallen_back, paused, readiness
from qc_operator.reporting import Change, Findings
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.observation import EntryObservation
from qc_operator.scaling.pause import Pause


def verdict(
    *,
    decision: Decision,
    entries: tuple[EntryObservation, ...],
    spec: QueueConsumerSpec,
    pause: Pause,
    problem: Problem | None,
    running: int,
    remarks: tuple[str, ...],
    told: Callable[[str], str | None],
    wrote: bool,
    conflict: Conflict | None,
    by_hand: str,
) -> Findings:
    """Put together what people are to be told.

    `running` pods there are, `remarks` say what is not known of the target. `told` gives the reason that the status
    has for a condition: one that never held is not told, one that holds no longer is taken back. `wrote`, `conflict`
    and `by_hand` are those of `Actuation`.
    """
    observing = spec.mode == "Observe"
    limits = (
        ()
        if decision.between and told("ScalingLimited") is not None
        else (
            *scaling_limited(decision=decision, entries=entries, spec=spec, told=told("ScalingLimited")),
            *objective_met(decision=decision, spec=spec, told=told("ObjectiveMet")),
        )
    )
    return Findings(
        conditions=(
            _with(
                readiness(
                    problem=problem,
                    entries=entries,
                    spec=spec,
                    pause=pause,
                    paused=decision.paused is not None,
                    fallen_back=decision.fallen_back,
                    conflict=conflict,
                ),
                remarks=remarks,
            ),
            active(decision=decision, entries=entries, observing=observing, conflict=None if wrote else conflict),
            *limits,
            *fallen_back(decision=decision, spec=spec, told=told("FallbackActive")),
            *paused(decision=decision, told=told("Paused")),
        ),
        decision=decision,
        entries=entries,
        running=running,
        change=Change(before=decision.current, after=decision.replicas)
        if wrote and decision.replicas != decision.current
        else None,
        by_hand=by_hand,
    )


def _with(condition: Condition, *, remarks: tuple[str, ...]) -> Condition:
    """A condition with remarks that do not change what it says."""
    return replace(condition, message="; ".join((condition.message, *remarks)))
