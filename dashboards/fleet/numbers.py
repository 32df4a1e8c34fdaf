"""How many QueueConsumers there are, and how many of them are in trouble."""

from __future__ import annotations

from typing import Final

from dashboards import board as boards
from dashboards.meaning import BAD, CALM, COUNT, WARN, Meaning, Panel
from dashboards.panels import number
from dashboards.queries import condition, each, not_ready

_ONE_IS_BAD: Final = ((None, CALM), (1, BAD))
_ONE_IS_WORTH_A_LOOK: Final = ((None, CALM), (1, WARN))
_AT_MAX: Final = f"{each('status_desired_replicas')} >= {each('spec_max_replicas')}"


def _how_many(expr: str) -> str:
    return f"count({expr}) or vector(0)"


def panels() -> list[Panel]:
    """The panels."""
    return [
        number(
            Meaning(
                title="QueueConsumers",
                description="How many there are in the chosen namespaces.",
                unit=COUNT,
                no_value="0",
            ),
            _how_many(each("status_ready_reason")),
            width=3,
        ),
        number(
            Meaning(
                title="Not ready",
                description="Those whose condition Ready is False or Unknown: the spec, the Secret, the target or a "
                "queue is in the way. Any is bad. The table below says which and why.",
                unit=COUNT,
                thresholds=_ONE_IS_BAD,
            ),
            _how_many(not_ready()),
            width=3,
        ),
        number(
            Meaning(
                title="Objective missed now",
                description="Those whose messages wait longer than wait.objectiveSeconds just now. For a minute "
                "after a peak that is usual; for longer it is bad.",
                unit=COUNT,
                thresholds=_ONE_IS_BAD,
            ),
            _how_many(f"{each('objective_met')} == 0"),
            width=3,
        ),
        number(
            Meaning(
                title="At max",
                description="Those with as many replicas as maxReplicas allows. No trouble as long as the work is "
                "on time.",
                unit=COUNT,
                thresholds=_ONE_IS_WORTH_A_LOOK,
            ),
            _how_many(_AT_MAX),
            width=3,
        ),
        number(
            Meaning(
                title="Paused",
                description="Those that an annotation holds. One that was forgotten does not follow its queue.",
                unit=COUNT,
                thresholds=_ONE_IS_WORTH_A_LOOK,
            ),
            _how_many(condition("Paused", 1)),
            width=3,
        ),
        number(
            Meaning(
                title="In fallback",
                description="Those whose queues were not read for so long that spec.fallback decides. Any is bad.",
                unit=COUNT,
                thresholds=_ONE_IS_BAD,
            ),
            _how_many(condition("FallbackActive", 1)),
            width=3,
        ),
        number(
            Meaning(
                title="Pods now", description="Pods of all targets, ready or not: what all this costs.", unit=COUNT
            ),
            f"sum({each('status_current_replicas')}) or vector(0)",
            width=3,
        ),
        number(
            Meaning(
                title="Scale events per hour",
                description="Changes of replicas in the last hour. Many of one QueueConsumer point to flapping.",
                unit=COUNT,
                decimals=0,
            ),
            f"sum(increase(queueconsumer_scale_events_total{{{boards.CONSUMER}}}[1h])) or vector(0)",
            width=3,
        ),
    ]
