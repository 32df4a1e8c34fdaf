"""Which QueueConsumers need somebody: all of them in a table, and the first ten by two measures."""

from __future__ import annotations

from typing import Final

from dashboards import board as boards
from dashboards.meaning import BAD, CALM, COUNT, SECONDS, TIME, WARN, Meaning, Panel, Query
from dashboards.panels import ranking
from dashboards.queries import age_of_reading, condition, each, not_ready
from dashboards.tables import column, columns

_DETAIL: Final = (
    "Open in detail",
    (
        "/d/queueconsumer-detail?var-datasource=${datasource}&var-namespace=${__data.fields.namespace}"
        "&var-queueconsumer=${__data.fields.queueconsumer}&${__url_time_range}"
    ),
)
_STATES: Final = (
    ("late", BAD, f"({each('objective_met')} == 0)"),
    ("not ready", BAD, not_ready()),
    ("silent", WARN, f"({age_of_reading()} > 60)"),
    ("at its limit", WARN, each("status_decision", where=', limited_by=~"max|guard"')),
    ("paused", "blue", f"({condition('Paused', 1)})"),
    ("well", CALM, each("status_ready_reason")),
)
"""Words, colours and who is in that state, the worst first, as on the page. The last is everybody: each QueueConsumer
has a reason of its condition Ready, and so a state, also one without an objective or of which nothing could be read."""
_RANKED: Final = [(len(_STATES) - 1 - index, *state) for index, state in enumerate(_STATES)]
_STATE: Final = " or ".join(f"{who} * 0 + {rank}" for rank, _, _, who in _RANKED)
_BECAUSE: Final = (
    # Decision has a label `reason` as well: in one table these would be one column, and no two lines would meet.
    f'max by (namespace, queueconsumer, because) (label_join({not_ready("reason")}, "because", "", "reason"))'
    f" or on (namespace, queueconsumer) {each('status_ready_reason')}"
)
"""The reason of Ready of those that are not; the others are there without one."""
_WAIT_SHARE: Final = f"{each('estimated_wait_seconds')} / {each('spec_objective_wait_seconds')}"


def table() -> Panel:
    """Every QueueConsumer, worst first."""

    def now(name: str, expr: str) -> Query:
        return Query(expr=expr, legend=name, instant=True)

    last_scale = "max by (namespace, queueconsumer) (queueconsumer_last_scale_timestamp_seconds{%s}) * 1000"
    return columns(
        Meaning(
            title="Every QueueConsumer, worst first",
            description="By state (late, not ready, silent for a minute, at its limit, paused, well), then by wait / "
            "objective, where above 100 % is late, then by messages. A name leads to the details. Decision is why "
            "replicas are what they are, Limited by what held them back. A reading that was older than 15 s when "
            "Prometheus asked is bad: the operator does not see that queue.",
            unit=COUNT,
        ),
        [
            now("State", _STATE),
            now("Because", _BECAUSE),
            now("Wait / objective", _WAIT_SHARE),
            now("Messages ready", each("queue_messages_ready")),
            now("Messages unacked", each("queue_messages_unacked")),
            now("Wait", each("estimated_wait_seconds")),
            now("Objective", each("spec_objective_wait_seconds")),
            now("Replicas", each("status_current_replicas")),
            now("Wanted", each("status_desired_replicas")),
            now("Max", each("spec_max_replicas")),
            now("Decided", each("status_decision", "reason", "limited_by")),
            now("Last scale", last_scale % boards.CONSUMER),
            now("Reading age", age_of_reading()),
        ],
        hidden=("Because", "Decided"),
        renamed={"because": "Not ready because", "reason": "Decision", "limited_by": "Limited by"},
        sort_by=["State", "Wait / objective", "Messages ready"],
        overrides=[
            ("queueconsumer", column("string", link=_DETAIL)),
            ("State", column("none", states={str(rank): (word, colour) for rank, word, colour, _ in _RANKED})),
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
