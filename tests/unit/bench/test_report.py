"""A report is a table on standard error and one JSON object at the end of standard output."""

import io
import json

import pytest
from rich.console import Console

from bench.report import Figure, Missing, Report, publish

REPORT = Report(
    bench="react",
    machine={"cores": 2},
    versions={"python": "3.11.2"},
    figures=[
        Figure(name="fast", value=123.456789, unit="ms", goal=200),
        Figure(name="slow", value=700, unit="ms", goal=600),
        Figure(name="ratio", value=12, unit="x", goal=10, better="more"),
        Figure(name="of no goal", value=1.5, unit="x"),
    ],
    missing=[Missing(name="lost", reason="no pod became Ready")],
    notes=["The p99 is the worst."],
)


def test_the_last_line_of_standard_output_is_the_whole_report(capsys: pytest.CaptureFixture[str]) -> None:
    publish(REPORT, console=Console(stderr=True))

    assert {
        "bench": "react",
        "machine": {"cores": 2},
        "versions": {"python": "3.11.2"},
        "figures": [
            {"name": "fast", "value": 123.5, "unit": "ms", "goal": 200, "met": True},
            {"name": "slow", "value": 700, "unit": "ms", "goal": 600, "met": False},
            {"name": "ratio", "value": 12, "unit": "x", "goal": 10, "met": True},
            {"name": "of no goal", "value": 1.5, "unit": "x", "goal": None, "met": None},
        ],
        "missing": [{"name": "lost", "reason": "no pod became Ready"}],
        "notes": ["The p99 is the worst."],
    } == json.loads(capsys.readouterr().out.splitlines()[-1])


def test_standard_output_holds_nothing_but_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    publish(REPORT, console=Console(stderr=True))

    captured = capsys.readouterr()
    assert 1 == len(captured.out.splitlines())
    assert "123.5 ms" in captured.err
    assert "The p99 is the worst." in captured.err


def test_the_table_tells_goals_met_missed_and_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    text = io.StringIO()

    publish(REPORT, console=Console(file=text, width=120))

    capsys.readouterr()
    lines = {line.split("  ")[1].strip() or line.strip(): line for line in text.getvalue().splitlines() if "  " in line}
    assert "<= 200 ms" in lines["fast"]
    assert lines["fast"].rstrip().endswith("met")
    assert "NOT met" in lines["slow"]
    assert ">= 10 x" in lines["ratio"]
    assert "met" not in lines["of no goal"]
    assert "no pod became Ready" in lines["lost"]


@pytest.mark.parametrize(("value", "met"), [(200.0, True), (200.1, False)])
def test_a_goal_is_met_up_to_and_including_it(value: float, *, met: bool) -> None:
    assert met is Figure(name="", value=value, unit="ms", goal=200).met
