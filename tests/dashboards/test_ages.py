"""Ages are those at the scrape: what is well has no colour, whenever between two scrapes somebody looks."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.dashboards import grafana, promtool
from tests.dashboards.recorded_pod import SCRAPE

BOARDS: Final = grafana.dashboards()
PANELS: Final = {
    "turn": ("operator", "Since the last turn"),
    "reading": ("detail", "Age of the last reading"),
    "readings": ("fleet", "Every QueueConsumer, worst first"),
}
COLUMN: Final = "Reading age"
SAMPLES: Final = 20
NOW: Final = SCRAPE * SAMPLES // 2
"""A scrape in the middle of the samples."""


def _panel(name: str) -> dict[str, Any]:
    board, title = PANELS[name]
    (panel,) = [panel for panel in grafana.panels(BOARDS[board]) if panel["title"] == title]
    return panel


def _expr(name: str) -> str:
    targets = _panel(name)["targets"]
    (expr,) = [target["expr"] for target in targets if len(targets) == 1 or target["legendFormat"] == COLUMN]
    return grafana.interpolated(expr, step=60, seconds=300, chosen=grafana.EVERYTHING)


def _slow_from(name: str) -> float:
    """The first threshold."""
    config = _panel(name)["fieldConfig"]
    for override in config["overrides"]:
        if override["matcher"]["options"] == COLUMN:
            (thresholds,) = [each["value"] for each in override["properties"] if each["id"] == "thresholds"]
            return float(thresholds["steps"][1]["value"])
    return float(config["defaults"]["thresholds"]["steps"][1]["value"])


def _shown(values: dict[str, str], expected: float, *, at: range, folder: Path) -> str:
    """What promtool has to say where a panel does not show this age at these times of these pods' samples."""
    checks = []
    series = []
    for name in PANELS:
        labels = "{}" if name == "turn" else '{namespace="shop", queueconsumer="receipts"}'
        samples = [{"labels": labels, "value": expected}]
        checks += [{"expr": _expr(name), "eval_time": f"{second}s", "exp_samples": samples} for second in at]
    for pod, times in values.items():
        own = f'job="operator", pod="{pod}"'
        consumer = f'{own}, namespace="shop", queueconsumer="receipts"'
        series += [
            {"series": f"queueconsumer_operator_last_turn_timestamp_seconds{{{own}}}", "values": times},
            {"series": f"queueconsumer_last_reading_timestamp_seconds{{{consumer}}}", "values": times},
        ]
    case = {"interval": f"{SCRAPE}s", "input_series": series, "promql_expr_test": checks}
    cases = folder / "cases.yaml"
    cases.write_text(json.dumps({"rule_files": [], "evaluation_interval": f"{SCRAPE}s", "tests": [case]}))
    done = promtool.test_rules(cases)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize(
    ("values", "age"),
    [
        pytest.param({"a": f"0+{SCRAPE}x{SAMPLES}"}, 0, id="at the very scrape"),
        pytest.param({"a": f"-10+{SCRAPE}x{SAMPLES}"}, 10, id="at rest"),
        pytest.param({"a": f"0.25+{SCRAPE}x{SAMPLES}"}, 0, id="while the answer is written"),
        pytest.param({"a": f"0x{SAMPLES}", "b": f"-2+{SCRAPE}x{SAMPLES}"}, 2, id="another pod leads"),
    ],
)
def test_what_is_well_has_no_colour_at_any_moment(values: dict[str, str], age: float, tmp_path: Path) -> None:
    assert _shown(values, age, at=range(NOW, NOW + SCRAPE), folder=tmp_path) == ""
    assert [name for name in PANELS if age >= _slow_from(name)] == []


def test_what_stands_still_is_older_with_each_scrape(tmp_path: Path) -> None:
    stopped = NOW - 2 * SCRAPE
    values = {"a": f"0+{SCRAPE}x{stopped // SCRAPE} {stopped}x{SAMPLES}"}

    assert _shown(values, 2 * SCRAPE, at=range(NOW, NOW + SCRAPE), folder=tmp_path) == ""
    assert [name for name in PANELS if 2 * SCRAPE < _slow_from(name)] == []
