"""Marks in graphs: scale events with their reason, alerts, and times in which not the queues decide."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus

from dashboards.board import CONSUMER, Board
from dashboards.meaning import DATASOURCE

MARK_STEP: Final = "1s"
"""Marks this close together become one region (Grafana, processAnnotationResponse of its Prometheus data source)."""

_SCALED: Final = (
    ("Scaled up", "up", '!="WokeUp"', "green", "▲"),
    ("Scaled from zero", "up", '="WokeUp"', "purple", "▲"),
    ("Scaled down", "down", '!="Idle"', "blue", "▼"),
    ("Scaled to zero", "down", '="Idle"', "purple", "▼"),
)
"""Name, direction, reason, colour and sign of the marks of scale events."""


def with_marks(made: Board) -> Board:
    """Mark scale events by their direction, alerts, and the times in which an object was paused or in its fallback.

    The time of a scale event is the value of its series, in milliseconds. It is right whether Grafana leaves out
    samples of no more than zero or not, and it stays when another pod leads, for the value comes from the status.
    """
    last_scale = f'queueconsumer_last_scale_timestamp_seconds{{{CONSUMER}, direction="%s", reason%s}}'
    latest = "max by (namespace, queueconsumer, direction, reason) (%s) * 1000 > 0"
    for name, direction, reason, colour, sign in _SCALED:
        made.annotation(
            _mark(name, latest % (last_scale % (direction, reason)), colour=colour, step=MARK_STEP)
            .title_format(f"{sign} {{{{namespace}}}}/{{{{queueconsumer}}}} {direction}: {{{{reason}}}}")
            .text_format(
                "Why: {{reason}}. The numbers are in the dashboard Detail, panel Replicas, and in status.history."
            )
            .tag_keys("direction,reason")
            .use_value_for_time(True)
        )
    condition = f'max by (namespace, queueconsumer) (queueconsumer_status_condition{{{CONSUMER}, condition="%s"}}) > 0'
    for name, condition_type, colour in (("Paused", "Paused", "gray"), ("Fallback", "FallbackActive", "orange")):
        made.annotation(
            _mark(name, condition % condition_type, colour=colour, step="60s")
            .title_format(f"{name}: {{{{namespace}}}}/{{{{queueconsumer}}}}")
            .text_format("The condition " + condition_type + " was True.")
        )
    return made.annotation(
        _mark(
            "Alerts",
            'ALERTS{alertname=~"QueueConsumer.*", alertstate="firing", namespace=~"$namespace|", '
            'queueconsumer=~"$queueconsumer|"} > 0',
            colour="red",
            step="60s",
        )
        .title_format("{{alertname}}")
        .text_format("{{severity}}: {{namespace}}/{{queueconsumer}} {{broker}}")
        .tag_keys("alertname,severity")
    )


def _mark(name: str, expression: str, *, colour: str, step: str) -> build.AnnotationQuery:
    query = prometheus.Dataquery().expr(expression).interval(step).ref_id("Anno").range()
    return (
        build.AnnotationQuery()
        .name(name)
        .datasource(DATASOURCE)
        .enable(True)
        .icon_color(colour)
        .target(query)
        .expr(expression)
        .step(step)
    )
