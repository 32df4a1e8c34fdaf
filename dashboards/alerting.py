"""Alerts and objectives: what fired, and how fast the time that may be late is used up."""

from __future__ import annotations

from typing import Final

from dashboards import board as boards
from dashboards.board import CONSUMER
from dashboards.meaning import BAD, CALM, COUNT, SHARE, WARN, Meaning, Panel, Query
from dashboards.panels import graph, lanes, number
from dashboards.queries import BY_CONSUMER
from dashboards.tables import column, columns

_ALERTS = 'ALERTS{alertname=~"QueueConsumer.*", namespace=~"$namespace|", queueconsumer=~"$queueconsumer|"'
"""Those of the operator and of brokers have no namespace, and are shown whatever is chosen."""
_SEVERITIES: Final = (("critical", 3, BAD), ("warning", 2, WARN), ("info", 1, "blue"), (".*", 0, "gray"))
"""Those of the alerts, their rank and colour: the words themselves do not sort by what they mean. The last is for
alerts that others have added: their severities may have other names."""
_SEVERITY_WORDS: Final = {str(rank): (severity if rank else "other", colour) for severity, rank, colour in _SEVERITIES}
_BUDGET = 0.01


def board() -> boards.Board:
    """The dashboard."""
    made = boards.board(
        "queueconsumer-alerts",
        "QueueConsumer / Alerts and objectives",
        "Which alerts fired and when, and how fast the 1 % of a month that may be late is used up.",
        since="now-24h",
        refresh="1m",
    )
    made = boards.with_consumers(made, several=True)
    made.link(boards.runbooks())
    boards.row(made, "What is wrong?", _alerts())
    return boards.row(made, "Is the objective kept?", _objectives())


def _burn(window: str) -> str:
    return f"sum {BY_CONSUMER} (rate(queueconsumer_objective_missed_seconds_total{{{CONSUMER}}}[{window}])) / {_BUDGET}"


def _in_an_hour(what: str) -> str:
    return f"sum {BY_CONSUMER} (increase(queueconsumer_objective_{what}_total{{{CONSUMER}}}[1h]))"


def _alerts() -> list[Panel]:
    firing = f'{_ALERTS}, alertstate="firing"}}'
    return [
        number(
            Meaning(
                title="Critical alerts",
                description="Alerts that wake somebody and fire now.",
                unit=COUNT,
                thresholds=((None, "green"), (1, BAD)),
            ),
            f'count({_ALERTS}, alertstate="firing", severity="critical"}}) or vector(0)',
            width=12,
        ),
        number(
            Meaning(
                title="Warnings",
                description="Alerts for working hours that fire now.",
                unit=COUNT,
                thresholds=((None, "green"), (1, WARN)),
            ),
            f'count({_ALERTS}, alertstate="firing", severity="warning"}}) or vector(0)',
            width=12,
        ),
        lanes(
            Meaning(
                title="When alerts fired",
                description="A lane for each alert and QueueConsumer. The runbook of an alert says what to do: "
                "its annotations name it.",
                unit="none",
                no_value="no alert in this time",
            ),
            [
                Query(
                    expr=f"max by (alertname, namespace, queueconsumer, broker) ({firing})",
                    legend="{{alertname}} {{namespace}} {{queueconsumer}} {{broker}}",
                )
            ],
            height=10,
            states={"1": ("fires", "red")},
        ),
        columns(
            Meaning(
                title="Firing now",
                description="One line for each alert that fires, the critical ones on top. Begin with these.",
                unit="none",
                no_value="no alert fires",
            ),
            [
                Query(
                    expr=" or ".join(
                        f"max by (alertname, namespace, queueconsumer, broker) "
                        f'({_ALERTS}, alertstate="firing", severity=~"{severity}"}}) * {rank}'
                        for severity, rank, _ in _SEVERITIES
                    ),
                    legend="Severity",
                    instant=True,
                )
            ],
            sort_by=["Severity"],
            overrides=[
                ("Severity", column("none", states=_SEVERITY_WORDS)),
                (
                    "alertname",
                    column("string", link=("Runbook", "https://runbooks.example.com/${__data.fields.alertname}.md")),
                ),
            ],
            height=7,
        ),
    ]


def _objectives() -> list[Panel]:
    limits = ((None, CALM), (6, WARN), (14.4, BAD))
    return [
        graph(
            Meaning(
                title="Burn rate of an hour",
                description="How many times as fast as allowed (1) time is late. 14.4 within an hour wakes "
                "somebody: 2 % of the month's budget in that hour.",
                unit="short",
                thresholds=limits,
                no_value="no wait target",
            ),
            [Query(expr=_burn("1h"), legend="{{namespace}}/{{queueconsumer}}")],
            area=True,
        ),
        graph(
            Meaning(
                title="Burn rate of six hours",
                description="The same over six hours. 6 wakes somebody, 1 for three days is a warning.",
                unit="short",
                thresholds=((None, CALM), (1, WARN), (6, BAD)),
                no_value="no wait target",
            ),
            [Query(expr=_burn("6h"), legend="{{namespace}}/{{queueconsumer}}")],
            area=True,
        ),
        graph(
            Meaning(
                title="Share of the time in which the objective was kept",
                description="Of each hour. 99 % is the promise that the alerts rest on. Hours in which it falls "
                "every day call for a schedule.",
                unit=SHARE,
                no_value="no wait target",
            ),
            [
                Query(
                    expr=f"1 - {_in_an_hour('missed_seconds')} / ({_in_an_hour('seconds')} > 0)",
                    legend="{{namespace}}/{{queueconsumer}}",
                )
            ],
            width=24,
        ),
    ]
