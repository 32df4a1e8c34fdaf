"""Each alert fires when it should and not otherwise, and says what to do; no number in it could be another one."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards import promtool
from tests.dashboards.alert_rules import RULES, RUNBOOKS, alerts, groups, mutants, records
from tests.packaging.documents import DOCS, table

ALERTS = alerts()
NAMES = [alert["alert"] for alert in ALERTS]
# Everything but these and a host would be a link that the chart does not know how to direct.
HOSTS = {"https://grafana.example.com", "https://runbooks.example.com"}
# Of kubectl, as far as alerts and runbooks use it.
VERBS = {"annotate", "delete", "describe", "events", "exec", "get", "logs", "patch", "rollout", "scale"}


@pytest.fixture(params=ALERTS, ids=NAMES)
def alert(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


def test_promtool_takes_the_rules() -> None:
    done = subprocess.run(["promtool", "check", "rules", RULES], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_thirteen_and_no_two_of_one_name() -> None:
    assert len(NAMES) == len(set(NAMES)) == 13


def test_each_case_is_as_promtool_sees_it(alert: dict[str, Any], tmp_path: Path) -> None:
    assert not promtool.notices(alert, folder=tmp_path)


def test_each_alert_has_five_cases_or_more_of_which_some_fire_and_some_do_not(alert: dict[str, Any]) -> None:
    cases = [case for file in promtool.case_files(alert["alert"]) for case in yaml.safe_load(file.read_text())["tests"]]
    checks = [check for case in cases for check in case.get("promql_expr_test", ())]

    assert len(cases) >= 5
    assert len({case["name"] for case in cases}) == len(cases)
    assert any(check["exp_samples"] for check in checks)
    assert any(not check["exp_samples"] for check in checks)
    assert [check["eval_time"] for check in checks if f'"{alert["alert"]}"' not in check["expr"]] == []


def test_each_alert_says_what_is_wrong_what_to_type_next_and_where_to_read_on(alert: dict[str, Any]) -> None:
    labels, annotations = alert["labels"], alert["annotations"]

    assert labels["severity"] in {"critical", "warning", "info"}
    assert labels["part_of"] == "queueconsumer"
    assert set(annotations) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert re.fullmatch(r"[A-Z].*\.", annotations["summary"])
    command = re.search(r" Next: kubectl ([a-z]+) [^\n]*$", annotations["description"])
    assert command is not None
    assert command[1] in VERBS
    assert annotations["runbook_url"] == f"https://runbooks.example.com/{alert['alert']}.md"
    assert annotations["dashboard_url"].startswith("https://grafana.example.com/d/queueconsumer-")
    assert set(re.findall(r"https?://[^/]+", str(annotations))) <= HOSTS


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    assert sorted(page.stem for page in RUNBOOKS.glob("QueueConsumer*.md")) == sorted(NAMES)


def test_each_runbook_answers_the_five_questions_with_commands_that_exist(alert: dict[str, Any]) -> None:
    text = (RUNBOOKS / f"{alert['alert']}.md").read_text()

    assert text.startswith(f"# {alert['alert']}\n\nSeverity: {alert['labels']['severity']},")
    assert re.findall(r"^## (.*)$", text, flags=re.MULTILINE) == [
        "What it means",
        "Who is hit",
        "How to see it",
        "What to do",
        "How it heals",
    ]
    verbs = re.findall(r"kubectl ([a-z-]+)", text)
    assert verbs
    assert set(verbs) <= VERBS


@pytest.mark.timeout(300)  # Up to 65 runs of promtool, each of them 0.1 to 0.7 s of a core.
@pytest.mark.parametrize("rule", [*ALERTS, *records()], ids=lambda rule: rule.get("alert") or rule["record"])
def test_no_number_sign_or_label_of_a_rule_can_be_changed_unnoticed(rule: dict[str, Any], tmp_path: Path) -> None:
    def survives(number: int, mutant: dict[str, Any]) -> bool:
        folder = tmp_path / str(number)
        folder.mkdir()
        return not promtool.notices(mutant, folder=folder)

    changed = list(mutants(rule))
    with ThreadPoolExecutor(2) as pool:
        survived = list(pool.map(survives, range(len(changed)), [mutant.rule for mutant in changed]))

    assert changed
    assert [mutant.what for mutant, alive in zip(changed, survived, strict=True) if alive] == []


def test_sums_of_five_minutes_are_recorded_every_five_minutes() -> None:
    # promtool evaluates all groups at one interval, so no case can tell.
    (group,) = [group for group in groups() if "interval" in group]
    recorded = {rule["record"]: rule["expr"] for rule in group["rules"] if "record" in rule}
    readers = [rule["expr"] for each in groups() for rule in each["rules"]]

    assert group["interval"] == "5m"
    for name, expr in recorded.items():
        assert re.findall(r"\[(.*?)\]", expr) == [group["interval"]]
        steps = [step for reader in readers for step in re.findall(rf"{name}\[\w+:(\w+)\]", reader)]
        assert set(steps) == {group["interval"]}
    assert recorded


def test_the_page_about_monitoring_lists_them() -> None:
    rows = table(DOCS / "monitoring.md", "alerts")

    assert [(re.sub(r"\[(\w+)\].*", r"\1", row[0]), row[1]) for row in rows] == [
        (alert["alert"], alert["labels"]["severity"]) for alert in sorted(ALERTS, key=lambda each: _place(rows, each))
    ]
    assert len(rows) == len(ALERTS)


def _place(rows: list[list[str]], alert: dict[str, Any]) -> int:
    (place,) = [index for index, row in enumerate(rows) if row[0].startswith(f"[{alert['alert']}]")]
    return place
