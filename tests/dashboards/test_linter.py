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
