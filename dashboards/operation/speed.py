"""Is the operator quick: its turns, its event loop, and how soon a reading becomes a write."""

from __future__ import annotations

from dashboards.board import OPERATOR
from dashboards.meaning import BAD, CALM, SECONDS, WARN, Meaning, Panel, Query
from dashboards.panels import graph, heat
from dashboards.queries import quantile


def panels() -> list[Panel]:
    """The panels."""
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
