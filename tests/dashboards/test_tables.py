"""The tables of the dashboards begin with what somebody should look at, and say why."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.dashboards import grafana, promtool

BOARDS: Final = grafana.dashboards()
TABLES: Final = {
    panel["title"]: panel for board in BOARDS.values() for panel in grafana.panels(board) if panel["type"] == "table"
}
FLEET: Final = TABLES["Every QueueConsumer, worst first"]
ALERTS: Final = TABLES["Firing now"]
# Of each QueueConsumer what it needs to be in its state. All that work have been read just now.
MEMBERS: Final = {
    "late": ("Scaling", {"condition/Ready": 1, "objective_met": 0, "decision/max": 1}),
    "unread": ("BrokerUnreachable", {"condition/Ready": 0, "decision/max": 1}),
    "misspelt": ("InvalidSpec", {"condition/Ready": 0}),
    "unknown": ("TargetUnreachable", {"condition/Paused": 1}),
    "silent": ("Scaling", {"condition/Ready": 1, "read": 61}),
    "full": ("Scaling", {"condition/Ready": 1, "objective_met": 1, "decision/max": 1}),
    "guarded": ("Scaling", {"condition/Ready": 1, "decision/guard": 1, "condition/Paused": 0}),
    "paused": ("Scaling", {"condition/Ready": 1, "condition/Paused": 1, "decision/paused": 1}),
    "observed": ("Observing", {"condition/Ready": 1, "decision/none": 1, "condition/Paused": 0}),
    "well": ("Scaling", {"condition/Ready": 1, "objective_met": 1, "decision/upPolicy": 1, "read": 60}),
}
STATES: Final = {
    "late": "late",
    "unread": "not ready",
    "misspelt": "not ready",
    "unknown": "not ready",
    "silent": "silent",
    "full": "at its limit",
    "guarded": "at its limit",
    "paused": "paused",
    "observed": "well",
    "well": "well",
}
NOW: Final = 300


def _series() -> dict[str, str]:
    series = {}
    for name, (reason, facts) in MEMBERS.items():
        labels = f'queueconsumer="{name}", instance="a"'
        series[f'queueconsumer_status_ready_reason{{{labels}, reason="{reason}"}}'] = "1x5"
        for fact, value in facts.items():
            kind, _, of = fact.partition("/")
            match kind:
                case "condition":
                    series[f'queueconsumer_status_condition{{{labels}, condition="{of}"}}'] = f"{value}x5"
                case "decision":
                    series[f'queueconsumer_status_decision{{{labels}, reason="Steady", limited_by="{of}"}}'] = "1x5"
                case "read":
                    series[f"queueconsumer_last_reading_timestamp_seconds{{{labels}}}"] = f"{NOW - value}x5"
                case _:
                    series[f"queueconsumer_{fact}{{{labels}}}"] = f"{value}x5"
    # A leader that has just gone is told of for a moment still.
    series['queueconsumer_status_ready_reason{queueconsumer="well", instance="b", reason="BrokerUnreachable"}'] = "1x5"
    series['queueconsumer_status_condition{queueconsumer="well", instance="b", condition="Ready"}'] = "0x5"
    return series


def _asked(table: dict[str, Any], legend: str) -> str:
    (expr,) = [target["expr"] for target in table["targets"] if target["legendFormat"] == legend]
    return grafana.interpolated(expr, step=60, seconds=NOW, chosen=grafana.EVERYTHING)


def _words(table: dict[str, Any], title: str) -> dict[str, int]:
    """The values of a column by the words that stand for them."""
    (column,) = [each for each in table["fieldConfig"]["overrides"] if each["matcher"]["options"] == title]
    (mappings,) = [each["value"] for each in column["properties"] if each["id"] == "mappings"]
    return {result["text"]: int(value) for value, result in mappings[0]["options"].items()}


def _answered(folder: Path, series: dict[str, str], expected: dict[str, list[dict[str, Any]]]) -> None:
    checks = [{"expr": expr, "eval_time": f"{NOW}s", "exp_samples": samples} for expr, samples in expected.items()]
    told = [{"series": name, "values": values} for name, values in series.items()]
    case = {"interval": "1m", "input_series": told, "promql_expr_test": checks}
    cases = folder / "cases.yaml"
    cases.write_text(json.dumps({"rule_files": [], "evaluation_interval": "1m", "tests": [case]}))

    done = promtool.test_rules(cases)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_queueconsumer_has_a_state_and_one_that_is_not_ready_says_why(tmp_path: Path) -> None:
    rank = _words(FLEET, "State")
    not_ready = {name: MEMBERS[name][0] for name, state in STATES.items() if state == "not ready"}

    _answered(
        tmp_path,
        _series(),
        {
            _asked(FLEET, "State"): [
                {"labels": f'{{queueconsumer="{name}"}}', "value": rank[state]} for name, state in STATES.items()
            ],
            # Not with a label `reason`: that of the decision has the name.
            _asked(FLEET, "Because"): [
                {"labels": f'{{because="{why}", queueconsumer="{name}"}}', "value": 1}
                for name, why in not_ready.items()
            ]
            + [{"labels": f'{{queueconsumer="{name}"}}', "value": 1} for name in MEMBERS if name not in not_ready],
        },
    )


def test_the_fleet_is_worst_first_as_on_the_page() -> None:
    rank = _words(FLEET, "State")

    assert sorted(rank, key=lambda word: -rank[word]) == [
        "late",
        "not ready",
        "silent",
        "at its limit",
        "paused",
        "well",
    ]
    assert _order(FLEET) == [("State", True), ("Wait / objective", True), ("Messages ready", True)]


def test_critical_alerts_are_on_top_and_none_is_missing(tmp_path: Path) -> None:
    rank = _words(ALERTS, "Severity")
    fires = {"QueueConsumerA": "critical", "QueueConsumerB": "warning", "QueueConsumerC": "info"}
    series = {
        f'ALERTS{{alertname="{name}", alertstate="firing", severity="{severity}"}}': "1x5"
        for name, severity in {**fires, "QueueConsumerD": "page"}.items()
    }
    series['ALERTS{alertname="QueueConsumerE", alertstate="firing"}'] = "1x5"
    series['ALERTS{alertname="QueueConsumerF", alertstate="pending", severity="critical"}'] = "1x5"

    _answered(
        tmp_path,
        series,
        {
            _asked(ALERTS, "Severity"): [
                {"labels": f'{{alertname="{name}"}}', "value": rank[word]}
                for name, word in {**fires, "QueueConsumerD": "other", "QueueConsumerE": "other"}.items()
            ]
        },
    )

    assert sorted(rank, key=lambda word: -rank[word]) == ["critical", "warning", "info", "other"]
    assert _order(ALERTS) == [("Severity", True)]


@pytest.mark.parametrize("title", TABLES)
def test_a_table_is_sorted_by_columns_that_can_be_seen(title: str) -> None:
    (organised,) = [each["options"] for each in TABLES[title]["transformations"] if each["id"] == "organize"]
    seen = {shown for name, shown in organised["renameByName"].items() if name not in organised["excludeByName"]}

    assert [name for name, _ in _order(TABLES[title]) if name not in seen] == []


def _order(table: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(each["displayName"], each["desc"]) for each in table["options"]["sortBy"]]
