"""What the operator costs: turns, writes that were not needed, memory, CPU, and scrapes."""

from __future__ import annotations

from dashboards.board import OPERATOR
from dashboards.meaning import CALM, COUNT, RATE, SECONDS, WARN, Meaning, Panel, Query
from dashboards.panels import graph
from dashboards.queries import operators_rate


def panels() -> list[Panel]:
    """The panels."""
    return [
        graph(
            Meaning(
                title="Decisions by result",
                description="Turns per second, by what came of them. Nearly all hold; errors are the API server's.",
                unit=RATE,
            ),
            [Query(expr=operators_rate("evaluations_total", by="result"), legend="{{result}}")],
            width=8,
        ),
        graph(
            Meaning(
                title="Status writes that were not needed",
                description="Turns that found nothing worth a write, per second: the more the better for etcd.",
                unit=RATE,
            ),
            [Query(expr=f"sum({operators_rate('status_writes_skipped_total', by='instance')})", legend="skipped")],
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
            [Query(expr=f"sum({operators_rate('events_dropped_total', by='instance')})", legend="dropped")],
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
