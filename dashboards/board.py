"""What all dashboards have in common: variables, links between them, rows, and the marks of scale events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.models import dashboard as model

from dashboards.panels import DATASOURCE, Panel

TAG: Final = "queueconsumer"
ANY: Final = ".*"
OPERATOR: Final = 'cluster=~"$cluster", job=~"$job"'
"""Matchers of series that are of the operator itself."""
CONSUMER: Final = f'{OPERATOR}, namespace=~"$namespace", queueconsumer=~"$queueconsumer"'
"""Matchers of series of QueueConsumers. Prometheus must leave their namespace as it is (`honorLabels`)."""
MARK_STEP: Final = "1s"
"""Marks this close together become one region (Grafana, processAnnotationResponse of its Prometheus data source)."""

Board = build.Dashboard


def board(uid: str, title: str, description: str, *, since: str, refresh: str) -> Board:
    """An empty dashboard whose `uid` never changes, for alerts link to it."""
    return (
        build.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .time(since, "now")
        .refresh(refresh)
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .with_variable(build.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(
            _labels("cluster", "queueconsumer_operator_build_info", label="Cluster").hide(
                model.VariableHide.HIDE_VARIABLE
            )
        )
        .with_variable(_labels("job", 'queueconsumer_operator_build_info{cluster=~"$cluster"}', label="Job"))
        .link(
            build.DashboardLink("QueueConsumer dashboards")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .keep_time(True)
            .include_vars(True)
        )
    )


def with_consumers(made: Board, *, several: bool) -> Board:
    """Have it ask for a namespace and a QueueConsumer, or for several of them."""
    namespace = _labels("namespace", f"queueconsumer_info{{{OPERATOR}}}", label="Namespace", several=several)
    consumer = _labels(
        "queueconsumer",
        f'queueconsumer_info{{{OPERATOR}, namespace=~"$namespace"}}',
        label="QueueConsumer",
        several=several,
    )
    return made.with_variable(namespace).with_variable(consumer)


def runbooks(address: str) -> build.DashboardLink:
    """A link to what to do for each alert."""
    link = build.DashboardLink("Runbooks").type(model.DashboardLinkType.LINK).url(address)
    return link.icon("doc").tooltip("What to do for each alert").target_blank(True)


def row(made: Board, question: str, panels: Sequence[Panel], *, collapsed: bool = False) -> Board:
    """Add panels that answer a question."""
    head = build.Row(question).collapsed(collapsed)
    if collapsed:
        for panel in panels:
            head.with_panel(panel)
        return made.with_row(head)
    made.with_row(head)
    for panel in panels:
        made.with_panel(panel)
    return made


def with_marks(made: Board) -> Board:
    """Mark scale events by their direction, alerts, and the times in which an object was paused or in its fallback.

    The time of a scale event is the value of its series, in milliseconds. It is right whether Grafana leaves out
    samples of no more than zero or not, and it stays when another pod leads, for the value comes from the status.
    """
    last_scale = f'queueconsumer_last_scale_timestamp_seconds{{{CONSUMER}, direction="%s"}}'
    latest = "max by (namespace, queueconsumer, direction, reason) (%s) * 1000 > 0"
    for name, direction, colour, sign in (("Scaled up", "up", "green", "▲"), ("Scaled down", "down", "blue", "▼")):
        made.annotation(
            _mark(name, latest % (last_scale % direction), colour=colour, step=MARK_STEP)
            .title_format(f"{sign} {{{{namespace}}}}/{{{{queueconsumer}}}} {direction}: {{{{reason}}}}")
            .text_format("Why: {{reason}}. The numbers are in the panel of replicas, and in status.history.")
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


def _labels(name: str, series: str, *, label: str, several: bool = True) -> build.QueryVariable:
    variable = (
        build.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"qryType": 1, "query": f"label_values({series}, {name})", "refId": f"{name}-values"})
        .definition(f"label_values({series}, {name})")
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )
    if several:
        everything = model.VariableOption(selected=True, text=["All"], value=["$__all"])
        variable = variable.multi(True).include_all(True).all_value(ANY).current(everything)
    return variable
