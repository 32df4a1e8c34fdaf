"""One QueueConsumer: four questions, one after the other, on one time axis."""

from __future__ import annotations

from typing import Final

from dashboards import board as boards
from dashboards.panels import (
    BAD,
    CALM,
    COUNT,
    RATE,
    SECONDS,
    SHARE,
    WARN,
    Meaning,
    Panel,
    Query,
    bars,
    coloured,
    dashed,
    graph,
    lanes,
    number,
)
from dashboards.queries import counted, each, rate

_RUNBOOKS: Final = "https://runbooks.example.com/"
_BUDGET: Final = 0.01
"""Share of a month that may be late, as in the alerts."""
_KUBE_STATE: Final = "needs kube-state-metrics and the metrics of the kubelet"


def board() -> boards.Board:
    """The dashboard."""
    made = boards.board(
        "queueconsumer-detail",
        "QueueConsumer / Detail",
        "One QueueConsumer: is work on time, why this many pods, what happened, and can it be trusted.",
        since="now-3h",
        refresh="10s",
    )
    made = boards.with_marks(boards.with_consumers(made, several=False))
    made.link(boards.runbooks(_RUNBOOKS))
    boards.row(made, "Is work on time?", _on_time())
    boards.row(made, "Why this many pods?", _why())
    boards.row(made, "What happened?", _happened())
    boards.row(made, "Can I trust it?", _trust())
    return boards.row(made, "What does the workload say?", _workload(), collapsed=True)


def _on_time() -> list[Panel]:
    missed = f"sum(increase(queueconsumer_objective_missed_seconds_total{{{boards.CONSUMER}}}[30d]))"
    known = f"sum(increase(queueconsumer_objective_seconds_total{{{boards.CONSUMER}}}[30d]))"
    return [
        graph(
            Meaning(
                title="Wait and objective",
                description="How long a message waits that arrives now, and wait.objectiveSeconds (dashed). Above "
                "the dashed line is late. Without a wait target there is nothing here: see the "
                "messages beside it.",
                unit=SECONDS,
                no_value="no wait target, or its rates are not known yet",
            ),
            [
                Query(expr=each("estimated_wait_seconds"), legend="wait"),
                Query(expr=each("spec_objective_wait_seconds"), legend="objective"),
            ],
            width=10,
        ).override_by_name("objective", dashed("objective", BAD)),
        graph(
            Meaning(
                title="Messages",
                description="Ready: nobody works on them yet. Unacked: a consumer has them. Ready that grows while "
                "replicas do not is bad. A gap means that the queue could not be read, and not that it "
                "was empty.",
                unit=COUNT,
                no_value="not read",
            ),
            [
                Query(expr=each("queue_messages_ready"), legend="ready"),
                Query(expr=each("queue_messages_unacked"), legend="unacked"),
            ],
            width=10,
        ),
        number(
            Meaning(
                title="Objective's budget left",
                description="Of the 1 % of 30 days that may be late, how much is left. Below a quarter is worth a "
                "look; none left means that the objective was not kept.",
                unit=SHARE,
                thresholds=((None, BAD), (0.0001, WARN), (0.25, "green")),
                no_value="no wait target",
            ),
            f"1 - ({missed} / ({known} > 0)) / {_BUDGET}",
        ),
        number(
            Meaning(
                title="On time now",
                description="1 while every message is expected to be taken in time, 0 while not.",
                unit="bool_yes_no",
                thresholds=((None, BAD), (1, "green")),
                no_value="no wait target",
            ),
            each("objective_met"),
        ),
    ]


def _why() -> list[Panel]:
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
    replicas.override_by_name("max", dashed("max", BAD)).override_by_name("min", dashed("min", WARN))
    replicas.override_by_name("recommended", dashed("recommended", "purple"))
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
            text="reason",
        ),
    ]


def _happened() -> list[Panel]:
    return [
        bars(
            Meaning(
                title="Scale events by direction and reason",
                description="Every change of replicas, counted once, at any range. The marks in the graphs say when.",
                unit=COUNT,
                no_value="no scale event in this time",
            ),
            [Query(expr=counted("scale_events_total", "direction", "reason"), legend="{{direction}}: {{reason}}")],
            width=12,
        ).interval("2m"),
        bars(
            Meaning(
                title="Replicas added and taken away",
                description="How many replicas the changes were about. Many small ones up and down cost start-up time.",
                unit=COUNT,
                no_value="none in this time",
            ),
            [Query(expr=counted("scaled_replicas_total", "direction"), legend="{{direction}}")],
            width=12,
        )
        .interval("2m")
        .override_by_name("up", coloured("green"))
        .override_by_name("down", coloured("blue")),
        number(
            Meaning(
                title="Reversals per hour",
                description="Changes in the other direction than the one before. Six an hour is flapping: widen "
                "the window of behavior.scaleDown, or the gap between the two thresholds of lag.",
                unit=COUNT,
                thresholds=((None, "green"), (3, WARN), (6, BAD)),
                decimals=0,
            ),
            f"sum(increase(queueconsumer_direction_reversals_total{{{boards.CONSUMER}}}[1h]))",
        ),
        number(
            Meaning(
                title="Start of a pod",
                description="From the creation of a pod to its first acknowledgement, p90. Longer than the "
                "objective means that a cold start cannot be in time.",
                unit=SECONDS,
                no_value="not observed yet",
            ),
            each("estimated_start_seconds"),
        ),
    ]


def _trust() -> list[Panel]:
    return [
        graph(
            Meaning(
                title="Age of the last reading",
                description="How long ago all queues were last read. Readings come several times a second: 3 s is "
                "slow, 60 s raises an alert, and replicas do not go down meanwhile.",
                unit=SECONDS,
                thresholds=((None, CALM), (3, WARN), (60, BAD)),
                no_value="never read",
            ),
            [Query(expr=f"time() - {each('last_reading_timestamp_seconds')}", legend="age")],
            width=8,
            area=True,
        ),
        bars(
            Meaning(
                title="Failures of reading by reason",
                description="Times that the queues could no longer be read, by the reason that Ready shows.",
                unit=COUNT,
                no_value="none in this time",
            ),
            [Query(expr=counted("reading_failures_total", "reason"), legend="{{reason}}")],
            width=8,
            height=8,
        ).interval("2m"),
        lanes(
            Meaning(
                title="Conditions",
                description="Ready should be True. Paused and FallbackActive say that something other than the "
                "queues decides. A gap means Unknown.",
                unit="none",
            ),
            [Query(expr=each("status_condition", "condition"), legend="{{condition}}")],
            width=8,
            height=8,
            states={"1": ("True", "blue"), "0": ("False", "gray")},
        ),
        lanes(
            Meaning(
                title="Reason of the condition Ready",
                description="Scaling, or Observing, is well. Everything else says in one word what is in the way.",
                unit="none",
                no_value="not known",
            ),
            [Query(expr=each("status_ready_reason", "reason"), legend="{{reason}}")],
            height=4,
            states={"1": ("so", "purple")},
        ),
    ]


def _workload() -> list[Panel]:
    target = (
        '* on (namespace, pod) group_left () (0 * kube_pod_info{namespace=~"$namespace", pod=~"$queueconsumer-.*"} + 1)'
    )
    return [
        graph(
            Meaning(
                title="Pods by phase",
                description="Pods whose name begins with that of the QueueConsumer. Pending for long: no room on "
                "the nodes.",
                unit=COUNT,
                no_value=_KUBE_STATE,
            ),
            [
                Query(
                    expr=f'sum by (phase) (kube_pod_status_phase{{namespace=~"$namespace"}} {target})',
                    legend="{{phase}}",
                )
            ],
            width=8,
        ),
        graph(
            Meaning(
                title="Restarts of containers",
                description="Restarts in each interval. A pod that crashes again and again takes messages and "
                "gives none back.",
                unit=COUNT,
                no_value=_KUBE_STATE,
            ),
            [
                Query(
                    expr="sum(increase(kube_pod_container_status_restarts_total"
                    f'{{namespace=~"$namespace"}}[$__rate_interval]) {target})',
                    legend="restarts",
                )
            ],
            width=8,
        ),
        graph(
            Meaning(
                title="CPU",
                description="Cores that the pods use. A replica at its limit works no faster for more messages.",
                unit="cores",
                no_value=_KUBE_STATE,
            ),
            [
                Query(
                    expr='sum(rate(container_cpu_usage_seconds_total{namespace=~"$namespace", '
                    'pod=~"$queueconsumer-.*", container!=""}[$__rate_interval]))',
                    legend="CPU",
                )
            ],
            width=8,
        ),
    ]
