"""Can the operator read and write: brokers and the API server."""

from __future__ import annotations

from dashboards.board import OPERATOR
from dashboards.meaning import BAD, CALM, COUNT, RATE, SECONDS, WARN, Meaning, Panel, Query
from dashboards.panels import graph, lanes
from dashboards.queries import operators, operators_rate, quantile


def panels() -> list[Panel]:
    """The panels."""
    return [
        lanes(
            Meaning(
                title="Brokers",
                description="Whether a connection to each broker is open. False for three minutes wakes somebody.",
                unit="none",
                no_value="no broker yet",
            ),
            [Query(expr=operators("broker_up", by="broker", aggregate="max"), legend="{{broker}}")],
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
            [Query(expr=operators("broker_connections", by="broker, state"), legend="{{broker}} {{state}}")],
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
                "the API server. The watch of QueueConsumers is not counted: it is kopf's.",
                unit=RATE,
            ),
            [Query(expr=operators_rate("api_requests_total", by="verb, code"), legend="{{verb}} {{code}}")],
        ),
        graph(
            Meaning(
                title="Errors of the API server",
                description="Failed requests by resource and reason. Lasting ones stop the telling or the scaling "
                "of what they name.",
                unit=RATE,
                no_value="none in this time",
            ),
            [Query(expr=operators_rate("api_errors_total", by="resource, reason"), legend="{{resource}}: {{reason}}")],
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
