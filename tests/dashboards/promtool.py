"""promtool, Prometheus' own checker of rules."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.dashboards.alert_rules import CASES, alerts, groups


def case_files(alert: str) -> list[Path]:
    """The files with the cases of an alert: most have one, some another one whose cases take hours or days."""
    return sorted(CASES.glob(f"{alert}*.yaml"))


def test_rules(*cases: Path) -> subprocess.CompletedProcess[str]:
    """Run the cases of some files."""
    return subprocess.run(
        ["promtool", "test", "rules", *cases], check=False, capture_output=True, text=True, timeout=60
    )


def notices(rule: dict[str, Any], *, folder: Path) -> bool:
    """Whether a case of the alert fails when the rule is as given. Writes into the folder.

    What is recorded is noticed by an alert that reads it.
    """
    names = [rule["alert"]] if "alert" in rule else _readers(rule["record"])
    return any(_notices(name, rule, folder=folder) for name in names)


def _notices(name: str, rule: dict[str, Any], *, folder: Path) -> bool:
    reduced = [
        {**group, "rules": [rule if _same(one, rule) else one for one in group["rules"] if _kept(one, name)]}
        for group in groups()
    ]
    (folder / "alerts.yaml").write_text(json.dumps({"groups": [group for group in reduced if group["rules"]]}))
    cases = [folder / case.name for case in case_files(name)]
    for case in cases:
        case.write_text(
            re.sub(r"rule_files: .*", "rule_files: [alerts.yaml]", (CASES / case.name).read_text(), count=1)
        )
    return test_rules(*cases).returncode != 0


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one.get(key) == other.get(key) for key in ("alert", "record"))


def _readers(record: str) -> list[str]:
    return [str(alert["alert"]) for alert in alerts() if record in alert["expr"]]


def _kept(rule: dict[str, Any], alert: str) -> bool:
    # Other alerts cost time, and nothing reads them.
    return "record" in rule or rule["alert"] == alert
