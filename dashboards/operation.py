"""The operator itself: whether it works, how quick it is, and what it costs."""

from __future__ import annotations

from dashboards import board as boards
from dashboards.board import OPERATOR
from dashboards.panels import BAD, CALM, COUNT, RATE, SECONDS, WARN, Meaning, Panel, Query, graph, heat, lanes, number
from dashboards.queries import quantile


def board() -> boards.Board:
    """The dashboard."""
    made = boards.board(
        "queueconsumer-operator",
        "QueueConsumer / Operator",
        "The operator's own health: who leads, how quick decisions are, brokers and API server, memory and CPU.",
        since="now-3h",
        refresh="30s",
    )
    boards.row(made, "Does it work?", _works())
    boards.row(made, "Is it quick?", _quick())
    boards.row(made, "Can it read and write?", _reads())
    return boards.row(made, "What does it cost?", _costs())


def _own(metric: str, *, by: str, aggregate: str = "sum") -> str:
    return f"{aggregate} by ({by}) (queueconsumer_operator_{metric}{{{OPERATOR}}})"


def _rate(metric: str, *, by: str) -> str:
    return f"sum by ({by}) (rate(queueconsumer_operator_{metric}{{{OPERATOR}}}[$__rate_interval]))"


def _works() -> list[Panel]:
    return [
        number(
            Meaning(
                title="Leaders",
                description="Pods that hold a Lease: one for each shard. None means that nothing is decided.",
                unit=COUNT,
                thresholds=((None, BAD), (1, "green")),
            ),
            f"sum(queueconsumer_operator_leader{{{OPERATOR}}}) or vector(0)",
        ),
        number(
            Meaning(
                title="Health",
                description="0 healthy, 1 works although something stands in its way (see /readyz), 2 is about to "
                "be started again (see /healthz). The worst of all pods.",
                unit=COUNT,
                thresholds=((None, "green"), (1, WARN), (2, BAD)),
            ),
            f"max(queueconsumer_operator_health_status{{{OPERATOR}}})",
        ),
        number(
            Meaning(
                title="Since the last turn",
                description="Seconds since any QueueConsumer was last decided upon. Turns come several times a "
                "second; 60 s raises an alert.",
                unit=SECONDS,
                thresholds=((None, "green"), (10, WARN), (60, BAD)),
                no_value="no QueueConsumers",
            ),
            f"time() - max(queueconsumer_operator_last_turn_timestamp_seconds{{{OPERATOR}}})",
        ),
        graph(
            Meaning(
                title="QueueConsumers by state",
                description="What this operator serves. Pending lasts for seconds after a start; not_ready wants "
                "somebody.",
                unit=COUNT,
            ),
            [Query(expr=_own("resources", by="phase"), legend="{{phase}}")],
            steps=True,
        ),
        lanes(
            Meaning(
                title="Who leads",
                description="A lane for each pod. Exactly one is 1 at any time, for each shard; a change takes "
                "some two seconds.",
                unit="none",
            ),
            [Query(expr=_own("leader", by="instance", aggregate="max"), legend="{{instance}}")],
            height=5,
            states={"1": ("leads", "green"), "0": ("stands by", "gray")},
        ),
    ]


def _quick() -> list[Panel]:
    return [
        heat(
            Meaning(
                title="Duration of turns",
                description="Look, decide and write for one QueueConsumer. Milliseconds are usual; a dark band "
                "above a second points to a slow API server.",
                unit=SECONDS,
            ),
            Query(
                expr=f"sum by (le) (increase(queueconsumer_operator_turn_duration_seconds_bucket{{{OPERATOR}}}"
                "[$__rate_interval]))",
                legend="{{le}}",
            ),
        ),
        graph(
            Meaning(
                title="Lateness of the event loop",
                description="By how much the one thread was late. Above 0.1 s it holds up readings; above a second "
                "leadership is at risk.",
                unit=SECONDS,
                thresholds=((None, CALM), (0.1, WARN), (1, BAD)),
            ),
            [
                Query(expr=quantile(0.5, "operator_loop_lag_seconds", OPERATOR), legend="p50"),
                Query(expr=quantile(0.99, "operator_loop_lag_seconds", OPERATOR), legend="p99"),
                Query(expr=quantile(1, "operator_loop_lag_seconds", OPERATOR), legend="max"),
            ],
            area=True,
        ),
        graph(
            Meaning(
                title="From reading to write",
                description="From the reading that called for a change to the API server's acceptance, p95. Below "
                "half a second is what the operator promises.",
                unit=SECONDS,
                thresholds=((None, CALM), (0.5, WARN)),
                no_value="no scale event in this time",
            ),
            [
                Query(
                    expr=quantile(0.95, "operator_reaction_seconds", OPERATOR, "direction"), legend="{{direction}} p95"
                )
            ],
            area=True,
        ),
        graph(
            Meaning(
                title="From write to ready pods",
                description="From a write of replicas until as many pods are there, and on the way up ready. It is "
                "the cluster's time: images, nodes, probes.",
                unit=SECONDS,
                no_value="no scale event in this time",
            ),
            [
                Query(
                    expr=quantile(0.5, "operator_scale_completion_seconds", OPERATOR, "direction"),
                    legend="{{direction}} p50",
                ),
                Query(
                    expr=quantile(0.95, "operator_scale_completion_seconds", OPERATOR, "direction"),
                    legend="{{direction}} p95",
                ),
            ],
        ),
    ]


def _reads() -> list[Panel]:
    return [
        lanes(
            Meaning(
                title="Brokers",
                description="Whether a connection to each broker is open. False for three minutes wakes somebody.",
                unit="none",
                no_value="no broker yet",
            ),
            [Query(expr=_own("broker_up", by="broker", aggregate="max"), legend="{{broker}}")],
            width=12,
            states={"1": ("up", "green"), "0": ("down", "red")},
        ),
        graph(
            Meaning(
                title="Connections to brokers",
                description="AMQP connections by broker and state: one for each vhost and login. Any that is "
                "closed is tried again every few seconds.",
                unit=COUNT,
                no_value="no broker yet",
            ),
            [Query(expr=_own("broker_connections", by="broker, state"), legend="{{broker}} {{state}}")],
            height=6,
            steps=True,
        ),
        graph(
            Meaning(
                title="Latency of broker reads",
                description="p95 of one question to a broker, by method. A declare takes milliseconds; 2 s is "
                "where it is given up.",
                unit=SECONDS,
                thresholds=((None, CALM), (0.25, WARN), (2, BAD)),
            ),
            [
                Query(
                    expr=quantile(0.95, "operator_broker_read_duration_seconds", OPERATOR, "method", "outcome"),
                    legend="{{method}} {{outcome}}",
                )
            ],
            area=True,
        ),
        graph(
            Meaning(
                title="Requests to the API server",
                description="By verb and code. 409 now and then is usual; 403 is a missing right, 429 a limit of "
                "the API server.",
                unit=RATE,
            ),
            [Query(expr=_rate("api_requests_total", by="verb, code"), legend="{{verb}} {{code}}")],
        ),
        graph(
            Meaning(
                title="Errors of the API server",
                description="Failed requests by resource and reason. Lasting ones stop the telling or the scaling "
                "of what they name.",
                unit=RATE,
                no_value="none in this time",
            ),
            [Query(expr=_rate("api_errors_total", by="resource, reason"), legend="{{resource}}: {{reason}}")],
        ),
        graph(
            Meaning(
                title="Latency of the API server",
                description="p95 by verb. Above a second decisions are written late; after 5 s leadership is given up.",
                unit=SECONDS,
                thresholds=((None, CALM), (1, WARN), (5, BAD)),
            ),
            [
                Query(
                    expr=quantile(0.95, "operator_api_request_duration_seconds", OPERATOR, "verb"),
                    legend="{{verb}} p95",
                )
            ],
            area=True,
        ),
    ]


def _costs() -> list[Panel]:
    return [
        graph(
            Meaning(
                title="Decisions by result",
                description="Turns per second, by what came of them. Nearly all hold; errors are the API server's.",
                unit=RATE,
            ),
            [Query(expr=_rate("evaluations_total", by="result"), legend="{{result}}")],
            width=8,
        ),
        graph(
            Meaning(
                title="Status writes that were not needed",
                description="Turns that found nothing worth a write, per second: the more the better for etcd.",
                unit=RATE,
            ),
            [Query(expr=f"sum({_rate('status_writes_skipped_total', by='instance')})", legend="skipped")],
            width=8,
        ),
        graph(
            Meaning(
                title="Dropped events",
                description="Kubernetes events that were not posted, because their object had too many or the API "
                "server was away too long. Any means that `kubectl events` is incomplete.",
                unit=RATE,
                thresholds=((None, CALM), (0.001, WARN)),
            ),
            [Query(expr=f"sum({_rate('events_dropped_total', by='instance')})", legend="dropped")],
            width=8,
            area=True,
        ),
        graph(
            Meaning(
                title="Memory",
                description="Resident memory of each pod. The chart's limit is 1 GiB unless it was changed.",
                unit="bytes",
                thresholds=((None, CALM), (800 * 2**20, WARN)),
            ),
            [
                Query(
                    expr=f"max by (instance) (process_resident_memory_bytes{{{OPERATOR}}}"
                    f" * on (instance) group_left () (0 * queueconsumer_operator_leader{{{OPERATOR}}} + 1))",
                    legend="{{instance}}",
                )
            ],
            width=8,
            area=True,
        ),
        graph(
            Meaning(
                title="CPU",
                description="Cores that each pod uses. It is one thread for decisions: near 1 it is late.",
                unit="cores",
                thresholds=((None, CALM), (0.8, WARN)),
            ),
            [
                Query(
                    expr=f"sum by (instance) (rate(process_cpu_seconds_total{{{OPERATOR}}}[$__rate_interval])"
                    f" * on (instance) group_left () (0 * queueconsumer_operator_leader{{{OPERATOR}}} + 1))",
                    legend="{{instance}}",
                )
            ],
            width=8,
            area=True,
        ),
        graph(
            Meaning(
                title="Garbage collections",
                description="Of Python, per second and generation. Generation 2 walks all objects: more than one "
                "in ten seconds costs lateness.",
                unit=RATE,
            ),
            [
                Query(
                    expr=f"sum by (generation) (rate(python_gc_collections_total{{{OPERATOR}}}[$__rate_interval]))",
                    legend="generation {{generation}}",
                )
            ],
            width=8,
        ),
        graph(
            Meaning(
                title="Size of a scrape",
                description="Samples that Prometheus takes from each pod: up to 45 for each QueueConsumer. Told by "
                "Prometheus.",
                unit=COUNT,
            ),
            [Query(expr=f"max by (instance) (scrape_samples_scraped{{{OPERATOR}}})", legend="{{instance}}")],
        ),
        graph(
            Meaning(
                title="Time of a scrape",
                description="Seconds that Prometheus waits for a pod's metrics. Told by Prometheus.",
                unit=SECONDS,
                thresholds=((None, CALM), (5, WARN)),
            ),
            [Query(expr=f"max by (instance) (scrape_duration_seconds{{{OPERATOR}}})", legend="{{instance}}")],
            area=True,
        ),
    ]
