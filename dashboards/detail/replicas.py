"""Why this many pods: replicas with their limits, arrivals against capacity, and the reason of the decision."""

from __future__ import annotations

from dashboards.meaning import BAD, COUNT, RATE, WARN, Meaning, Panel, Query
from dashboards.overrides import band, dashed
from dashboards.panels import graph, lanes, number
from dashboards.queries import each, rate


def panels() -> list[Panel]:
    """The panels."""
    replicas = graph(
        Meaning(
            title="Replicas",
            description="Recommended is what the queues ask for, before limits; wanted is after them; current pods "
            "exist, ready ones work. Wanted above ready for long: pods do not start. Recommended above "
            "max: maxReplicas holds it back.",
            unit=COUNT,
            decimals=0,
        ),
        [
            Query(expr=each("spec_max_replicas"), legend="max"),
            Query(expr=each("spec_min_replicas"), legend="min"),
            Query(expr=each("status_recommended_replicas"), legend="recommended"),
            Query(expr=each("status_desired_replicas"), legend="wanted"),
            Query(expr=each("status_current_replicas"), legend="current"),
            Query(expr=each("status_ready_replicas"), legend="ready"),
        ],
        width=12,
        height=9,
        steps=True,
    )
    replicas.override_by_name("max", [*dashed("max", BAD), *band(down_to="min")])
    replicas.override_by_name("min", dashed("min", WARN))
    replicas.override_by_name("recommended", dashed("recommended", "purple", dots=True))
    return [
        replicas,
        graph(
            Meaning(
                title="Arrivals and capacity",
                description="Messages that arrive per second, and what the ready replicas can do (learned "
                "throughput of one, times as many). Arrivals above capacity for long means a growing "
                "backlog.",
                unit=RATE,
                no_value="only with a target other than lag",
            ),
            [
                Query(expr=each("estimated_arrival_messages_per_second"), legend="arrivals"),
                Query(
                    expr=f"{each('estimated_service_messages_per_second')} * {each('status_ready_replicas')}",
                    legend="capacity",
                ),
                Query(expr=rate("queue_acked_messages_total"), legend="acknowledged"),
            ],
            height=9,
        ),
        lanes(
            Meaning(
                title="Reason and limit of the decision",
                description="Why replicas are what they are, and what held the answer back, as in "
                "status.lastDecision. A lane that is long in max, upPolicy or guard tells what to "
                "change.",
                unit="none",
            ),
            [
                Query(
                    expr=each("status_decision", "reason", "limited_by"), legend="{{reason}}, limited by {{limited_by}}"
                )
            ],
            width=18,
            states={"1": ("in force", "purple")},
        ),
        number(
            Meaning(
                title="Last decision",
                description="The reason of the last decision, in the words of the status and of the events. "
                "`kubectl describe queueconsumer` has the whole sentence with its numbers.",
                unit="none",
            ),
            each("status_decision", "reason"),
            width=6,
            height=6,
            text="reason",
        ),
    ]
