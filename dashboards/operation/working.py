"""Does the operator work: who leads, its health, and what it serves."""

from __future__ import annotations

from dashboards.board import OPERATOR
from dashboards.meaning import BAD, COUNT, SECONDS, WARN, Meaning, Panel, Query
from dashboards.panels import graph, lanes, number
from dashboards.queries import age, operators


def panels() -> list[Panel]:
    """The panels."""
    return [
        number(
            Meaning(
                title="Shards without a leader",
                description="Each shard, or the one operator there is, has a pod that holds its Lease and decides. Any "
                "without one means that nothing is decided upon the QueueConsumers that belong to it.",
                unit=COUNT,
                thresholds=((None, "green"), (1, BAD)),
                no_value="no operator",
            ),
            f"max(queueconsumer_operator_shards{{{OPERATOR}}}) - sum(queueconsumer_operator_leader{{{OPERATOR}}})",
            width=8,
        ),
        number(
            Meaning(
                title="Health",
                description="Of the worst of all pods. Warning: it works although something stands in its way (see "
                "/readyz). Error: it is about to be started again (see /healthz).",
                unit=COUNT,
                thresholds=((None, "green"), (1, WARN), (2, BAD)),
            ),
            f"max(queueconsumer_operator_health_status{{{OPERATOR}}})",
            width=8,
            states={"0": ("healthy", "green"), "1": ("warning", WARN), "2": ("error", BAD)},
        ),
        number(
            Meaning(
                title="Since the last turn",
                description="Seconds since any QueueConsumer was last decided upon, when Prometheus last asked. Each "
                "that works has a turn every second, each at rest one in 10 s: 15 s is slow. 60 s raises an alert.",
                unit=SECONDS,
                thresholds=((None, "green"), (15, WARN), (60, BAD)),
                no_value="no QueueConsumers",
            ),
            age("operator_last_turn_timestamp_seconds", OPERATOR),
            width=8,
        ),
        graph(
            Meaning(
                title="QueueConsumers by state",
                description="What this operator serves. Pending lasts for seconds after a start; not_ready wants "
                "somebody.",
                unit=COUNT,
            ),
            [Query(expr=operators("resources", by="phase"), legend="{{phase}}")],
            steps=True,
        ),
        lanes(
            Meaning(
                title="Who leads",
                description="A lane for each pod. Exactly one is 1 at any time, for each shard; a change takes "
                "some two seconds.",
                unit="none",
            ),
            [Query(expr=operators("leader", by="instance", aggregate="max"), legend="{{instance}}")],
            width=12,
            height=8,
            states={"1": ("leads", "green"), "0": ("stands by", "gray")},
        ),
    ]
