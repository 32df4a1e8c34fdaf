"""Which QueueConsumers need somebody: all of them in a table, and the first ten by two measures."""

from __future__ import annotations

from typing import Final

from dashboards import board as boards
from dashboards.meaning import BAD, CALM, COUNT, SECONDS, TIME, WARN, Meaning, Panel, Query
from dashboards.panels import ranking
from dashboards.queries import age_of_reading, each
from dashboards.tables import column, columns

_DETAIL: Final = (
    "Open in detail",
    (
        "/d/queueconsumer-detail?var-datasource=${datasource}&var-namespace=${__data.fields.namespace}"
        "&var-queueconsumer=${__data.fields.queueconsumer}&${__url_time_range}"
    ),
)
_WAIT_SHARE: Final = f"{each('estimated_wait_seconds')} / {each('spec_objective_wait_seconds')}"


def table() -> Panel:
    """Every QueueConsumer, worst first."""

    def now(name: str, expr: str) -> Query:
        return Query(expr=expr, legend=name, instant=True)

    last_scale = "max by (namespace, queueconsumer) (queueconsumer_last_scale_timestamp_seconds{%s}) * 1000"
    return columns(
        Meaning(
            title="Every QueueConsumer, worst first",
            description="Wait / objective above 1 is late: the list begins with it, and a name leads to the "
            "details. Reason is why replicas are what they are, limited_by what held them back. A "
            "reading that was older than 15 s when Prometheus asked is bad: the operator does not see that queue.",
            unit=COUNT,
        ),
        [
            now("Wait / objective", _WAIT_SHARE),
            now("Ready", each("queue_messages_ready")),
            now("Unacked", each("queue_messages_unacked")),
            now("Wait", each("estimated_wait_seconds")),
            now("Objective", each("spec_objective_wait_seconds")),
            now("Replicas", each("status_current_replicas")),
            now("Wanted", each("status_desired_replicas")),
            now("Max", each("spec_max_replicas")),
            now("Decision", each("status_decision", "reason", "limited_by")),
            now("Last scale", last_scale % boards.CONSUMER),
            now("Reading age", age_of_reading()),
        ],
        hidden=("Value #I",),
        sort_by="Wait / objective",
        overrides=[
            ("queueconsumer", column("string", link=_DETAIL)),
            ("Wait / objective", column("percentunit", thresholds=((None, CALM), (0.8, WARN), (1, BAD)))),
            ("Wait", column(SECONDS)),
            ("Objective", column(SECONDS)),
            ("Last scale", column(TIME)),
            ("Reading age", column(SECONDS, thresholds=((None, CALM), (15, WARN), (60, BAD)))),
        ],
    )


def rankings() -> list[Panel]:
    """The first ten."""
    return [
        ranking(
            Meaning(
                title="Longest wait",
                description="The ten whose messages wait longest, in seconds. Orange from a minute, red from five.",
                unit=SECONDS,
                thresholds=((None, "green"), (60, WARN), (300, BAD)),
            ),
            Query(
                expr=f"topk(10, {each('estimated_wait_seconds')})",
                legend="{{namespace}}/{{queueconsumer}}",
                instant=True,
            ),
        ),
        ranking(
            Meaning(
                title="Longest at max",
                description="The ten that spent the largest share of the chosen time at maxReplicas. Half of it is "
                "worth a look, nearly all of it says that maxReplicas is too small or a replica too "
                "slow.",
                unit="percentunit",
                thresholds=((None, "green"), (0.5, WARN), (0.9, BAD)),
            ),
            Query(
                expr=f"topk(10, avg_over_time(({each('status_desired_replicas')} >= bool {each('spec_max_replicas')})"
                "[$__range:1m]))",
                legend="{{namespace}}/{{queueconsumer}}",
                instant=True,
            ),
        ),
    ]
