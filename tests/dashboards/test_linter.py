"""The linter finds nothing in the dashboards, and finds what is wrong in one that is."""

from copy import deepcopy
from typing import Any

import pytest

from dashboards.linter import findings
from tests.dashboards import grafana

BOARDS = grafana.dashboards()


@pytest.mark.parametrize("name", BOARDS)
def test_the_linter_finds_nothing(name: str) -> None:
    assert list(findings(BOARDS[name])) == []


def _broken(name: str) -> dict[str, Any]:
    """The fleet with one thing wrong."""
    board = deepcopy(BOARDS["fleet"])
    panel = next(grafana.panels(board))
    defaults, target = panel["fieldConfig"]["defaults"], panel["targets"][0]
    match name:
        case "no description":
            panel["description"] = ""
        case "no unit":
            del defaults["unit"]
        case "the editor's thresholds":
            defaults["thresholds"]["steps"] = [{"value": None, "color": "green"}, {"value": 80, "color": "red"}]
        case "another data source":
            target["datasource"] = {"type": "prometheus", "uid": "P123"}
        case "no cluster":
            target["expr"] = 'sum(queueconsumer_info{job=~"$job"})'
        case "a fixed window":
            target["expr"] = "sum(rate(up[5m]))"
        case "an unknown variable":
            target["expr"] = 'up{pod="$pod"}'
        case "editable":
            board["editable"] = True
        case "a row that asks nothing":
            board["panels"][0]["title"] = "Overview"
    return board


@pytest.mark.parametrize(
    "name",
    [
        *("no description", "no unit", "the editor's thresholds", "another data source"),
        *("no cluster", "a fixed window", "an unknown variable", "editable", "a row that asks nothing"),
    ],
)
def test_the_linter_finds_what_is_wrong(name: str) -> None:
    assert len(list(findings(_broken(name)))) == 1


@pytest.mark.parametrize(
    ("title", "size", "change", "finding"),
    [
        ("Scale events per hour", "w", 1, "Scale events per hour: it ends at column 25 of 24"),
        ("QueueConsumers", "w", 1, "Not ready: it overlaps 'QueueConsumers'"),
        ("QueueConsumers", "w", -1, "the panels of 'Is work on time?' leave a hole"),
        ("QueueConsumers", "h", -1, "the panels of 'Is work on time?' leave a hole"),
    ],
)
def test_every_panel_has_a_place_of_its_own(title: str, size: str, change: int, finding: str) -> None:
    board = deepcopy(BOARDS["fleet"])
    (panel,) = [each for each in grafana.panels(board) if each["title"] == title]
    panel["gridPos"][size] += change

    assert list(findings(board)) == [finding]


def test_panels_of_a_collapsed_row_have_their_places_too() -> None:
    board = deepcopy(BOARDS["detail"])
    (row,) = [panel for panel in board["panels"] if panel.get("collapsed")]
    row["panels"][1]["gridPos"]["x"] = row["panels"][0]["gridPos"]["x"]

    assert list(findings(board)) == [
        "Restarts of containers: it overlaps 'Pods by phase'",
        "the panels of 'What does the workload say?' leave a hole",
    ]
