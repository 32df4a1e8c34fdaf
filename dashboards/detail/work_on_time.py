"""Is work on time: waits against their objective, messages, and what is left of the time that may be late."""

from __future__ import annotations

from typing import Final

from dashboards import board as boards
from dashboards.meaning import BAD, COUNT, SECONDS, SHARE, WARN, Meaning, Panel, Query
from dashboards.overrides import dashed
from dashboards.panels import graph, number
from dashboards.queries import each

_BUDGET: Final = 0.01
"""Share of a month that may be late, as in the alerts."""


def panels() -> list[Panel]:
    """The panels."""
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
            width=8,
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
            width=8,
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
            height=8,
        ),
        number(
            Meaning(
                title="On time now",
                description="Yes while every message is expected to be taken in time, No while not.",
                unit="bool_yes_no",
                thresholds=((None, BAD), (1, "green")),
                no_value="no wait target",
            ),
            each("objective_met"),
            height=8,
        ),
    ]
