"""The numbers at the head of the fleet's dashboard add up, also while something is wrong."""

import json
from pathlib import Path
from typing import Final

from tests.dashboards import grafana, promtool

FLEET: Final = grafana.dashboards()["fleet"]
# Two pods tell of the first one for a moment after a change of leader, with two reasons.
SERIES: Final = {
    'queueconsumer_status_ready_reason{queueconsumer="receipts", reason="Scaling", instance="a"}': "1x5",
    'queueconsumer_status_ready_reason{queueconsumer="receipts", reason="Pending", instance="b"}': "1x5",
    'queueconsumer_status_condition{queueconsumer="receipts", condition="Ready", instance="a"}': "1x5",
    'queueconsumer_info{queueconsumer="receipts", instance="a"}': "1x5",
    # A spec that makes no sense says nothing of what is read and scaled.
    'queueconsumer_status_ready_reason{queueconsumer="invoices", reason="InvalidSpec", instance="a"}': "1x5",
    'queueconsumer_status_condition{queueconsumer="invoices", condition="Ready", instance="a"}': "0x5",
    # While a condition is Unknown it has no series.
    'queueconsumer_status_ready_reason{queueconsumer="letters", reason="TargetUnreachable", instance="a"}': "1x5",
}


def test_one_that_is_not_ready_is_counted_and_can_be_chosen_whatever_is_wrong(tmp_path: Path) -> None:
    expected = {"QueueConsumers": 3, "Not ready": 2}
    asked = {panel["title"]: panel["targets"][0]["expr"] for panel in grafana.panels(FLEET)}
    (variable,) = [each for each in FLEET["templating"]["list"] if each["name"] == "queueconsumer"]
    choices = variable["definition"].removeprefix("label_values(").removesuffix(", queueconsumer)")
    asked["choices"], expected["choices"] = f"count(count by (queueconsumer) ({choices}))", 3
    checks = [
        {
            "expr": grafana.interpolated(asked[title], step=60, seconds=300, chosen=grafana.EVERYTHING),
            "eval_time": "5m",
            "exp_samples": [{"labels": "{}", "value": value}],
        }
        for title, value in expected.items()
    ]
    series = [{"series": name, "values": values} for name, values in SERIES.items()]
    case = {"interval": "1m", "input_series": series, "promql_expr_test": checks}
    cases = tmp_path / "cases.yaml"
    cases.write_text(json.dumps({"rule_files": [], "evaluation_interval": "1m", "tests": [case]}))

    done = promtool.test_rules(cases)

    assert done.returncode == 0, done.stdout + done.stderr
