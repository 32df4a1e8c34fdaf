"""What all dashboards have in common: variables, links between them, rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from dashboards.meaning import DATASOURCE, Panel

TAG: Final = "queueconsumer"
RUNBOOKS: Final = "https://runbooks.example.com/"
"""Stands for where docs/runbooks can be read, as in the alerts; the value `prometheusRule.runbookUrl` says where."""
ANY: Final = ".*"
OPERATOR: Final = 'cluster=~"$cluster", job=~"$job"'
"""Matchers of series that are of the operator itself."""
CONSUMER: Final = f'{OPERATOR}, namespace=~"$namespace", queueconsumer=~"$queueconsumer"'
"""Matchers of series of QueueConsumers. Prometheus must leave their namespace as it is (`honorLabels`)."""

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
    """Have it ask for a namespace and a QueueConsumer, or for several of them.

    Those with a spec that makes no sense are among them: they have a reason for Ready, and no `queueconsumer_info`.
    """
    every = f"queueconsumer_status_ready_reason{{{OPERATOR}"
    namespace = _labels("namespace", f"{every}}}", label="Namespace", several=several)
    consumer = _labels(
        "queueconsumer",
        f'{every}, namespace=~"$namespace"}}',
        label="QueueConsumer",
        several=several,
    )
    return made.with_variable(namespace).with_variable(consumer)


def with_target(made: Board) -> Board:
    """Have it know the name of the chosen QueueConsumer's target, or of all that it has had in this time."""
    series = f'queueconsumer_info{{{OPERATOR}, namespace=~"$namespace", queueconsumer=~"$queueconsumer"}}'
    variable = _labels("target_name", series, label="Target").all_value("")
    return made.with_variable(variable.hide(model.VariableHide.HIDE_VARIABLE))


def runbooks() -> build.DashboardLink:
    """A link to what to do for each alert."""
    link = build.DashboardLink("Runbooks").type(model.DashboardLinkType.LINK).url(RUNBOOKS)
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
