"""All QueueConsumers: which of them need somebody, and what happened."""

from __future__ import annotations

from typing import Final

from dashboards import board as boards
from dashboards.panels import (
    BAD,
    CALM,
    COUNT,
    SECONDS,
    TIME,
    WARN,
    Meaning,
    Panel,
    Query,
    bars,
    column,
    columns,
    number,
    ranking,
)
from dashboards.queries import counted, each

_DETAIL: Final = (
    "Open in detail",
    (
        "/d/queueconsumer-detail?var-datasource=${datasource}&var-namespace=${__data.fields.namespace}"
        "&var-queueconsumer=${__data.fields.queueconsumer}&${__url_time_range}"
    ),
)
_ONE_IS_BAD: Final = ((None, CALM), (1, BAD))
_ONE_IS_WORTH_A_LOOK: Final = ((None, CALM), (1, WARN))
_WAIT_SHARE: Final = f"{each('estimated_wait_seconds')} / {each('spec_objective_wait_seconds')}"
_AT_MAX: Final = f"{each('status_desired_replicas')} >= {each('spec_max_replicas')}"


def _condition(name: str, value: int) -> str:
    where = f', condition="{name}"'
    return f"{each('status_condition', where=where)} == {value}"


def _how_many(expr: str) -> str:
    return f"count({expr}) or vector(0)"


def board() -> boards.Board:
    """The dashboard."""
    made = boards.board(
        "queueconsumer-fleet",
        "QueueConsumer / Fleet",
        "All QueueConsumers of an operator, worst first. A name in the table leads to its details.",
        since="now-6h",
        refresh="30s",
    )
    made = boards.with_marks(boards.with_consumers(made, several=True))
    boards.row(made, "Is work on time?", _numbers())
    boards.row(made, "Which ones need somebody?", [_table(), *_rankings()])
    return boards.row(made, "What happened?", [_events()])


def _numbers() -> list[Panel]:
    return [
        number(
            Meaning(
                title="QueueConsumers",
                description="How many there are in the chosen namespaces.",
                unit=COUNT,
                no_value="0",
            ),
            _how_many(each("info")),
            width=3,
        ),
        number(
            Meaning(
                title="Not ready",
                description="Those whose condition Ready is False: the spec, the Secret, the target or a queue is "
                "in the way. Any is bad. `kubectl describe queueconsumer` says which and why.",
                unit=COUNT,
                thresholds=_ONE_IS_BAD,
            ),
            _how_many(_condition("Ready", 0)),
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
            _how_many(_condition("Paused", 1)),
            width=3,
        ),
        number(
            Meaning(
                title="In fallback",
                description="Those whose queues were not read for so long that spec.fallback decides. Any is bad.",
                unit=COUNT,
                thresholds=_ONE_IS_BAD,
            ),
            _how_many(_condition("FallbackActive", 1)),
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


def _table() -> Panel:
    def now(name: str, expr: str) -> Query:
        return Query(expr=expr, legend=name, instant=True)

    last_scale = "max by (namespace, queueconsumer) (queueconsumer_last_scale_timestamp_seconds{%s}) * 1000"
    return columns(
        Meaning(
            title="Every QueueConsumer, worst first",
            description="Wait / objective above 1 is late: the list begins with it, and a name leads to the "
            "details. Reason is why replicas are what they are, limited_by what held them back. A "
            "reading older than a few seconds is bad: the operator does not see that queue.",
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
            now("Reading age", f"time() - {each('last_reading_timestamp_seconds')}"),
        ],
        hidden=("Value #I",),
        sort_by="Wait / objective",
        overrides=[
            ("queueconsumer", column("string", link=_DETAIL)),
            ("Wait / objective", column("percentunit", thresholds=((None, CALM), (0.8, WARN), (1, BAD)))),
            ("Wait", column(SECONDS)),
            ("Objective", column(SECONDS)),
            ("Last scale", column(TIME)),
            ("Reading age", column(SECONDS, thresholds=((None, CALM), (10, WARN), (60, BAD)))),
        ],
    )


def _rankings() -> list[Panel]:
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


def _events() -> Panel:
    return bars(
        Meaning(
            title="Scale events by direction and reason",
            description="Every change of replicas, counted once, at any range: the marks in graphs may merge when "
            "they are close together, these bars do not.",
            unit=COUNT,
            no_value="no scale event in this time",
        ),
        [Query(expr=counted("scale_events_total", "direction", "reason"), legend="{{direction}}: {{reason}}")],
        height=8,
    ).interval("2m")
