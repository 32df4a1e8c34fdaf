"""The dashboards that the chart ships are what their source says, and no others."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.dashboards import grafana
from tests.dashboards.alert_rules import ROOT, RUNBOOKS, alerts

BOARDS = {board["uid"]: board for board in grafana.dashboards().values()}


def test_the_json_is_what_its_source_says() -> None:
    done = subprocess.run([sys.executable, "-m", "dashboards", "--check"], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_the_folder_has_nothing_else() -> None:
    assert sorted(path.stem for path in grafana.FOLDER.iterdir()) == ["alerts", "detail", "fleet", "operator"]


def test_a_bar_that_may_have_more_than_its_interval_says_so() -> None:
    panels = [panel for board in BOARDS.values() for panel in grafana.panels(board)]
    counted = [panel for panel in panels if any("offset $__interval" in target["expr"] for target in panel["targets"])]

    said = "After an hour or more without Prometheus, and at its first scrape, one bar has all since the leader began."

    assert len(counted) == 4
    assert [panel["title"] for panel in counted if not panel["description"].endswith(said)] == []


def test_what_is_said_of_other_panels_is_there() -> None:
    titles = {panel["title"] for panel in grafana.panels(BOARDS["queueconsumer-detail"])}
    marks = [mark for board in BOARDS.values() for mark in board["annotations"].get("list", ())]
    named = re.findall(r"dashboard Detail, panel (\w+)", " ".join(str(mark.get("textFormat")) for mark in marks))
    for runbook in RUNBOOKS.glob("*.md"):
        named += re.findall(r'dashboard Detail, "([^"]+)"', " ".join(runbook.read_text().split()))

    assert {"Replicas", "Arrivals and capacity"} == set(named)
    assert set(named) <= titles


def test_the_health_of_the_operator_is_told_in_words() -> None:
    (panel,) = [each for each in grafana.panels(BOARDS["queueconsumer-operator"]) if each["title"] == "Health"]
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]

    assert {value: result["text"] for value, result in mapping["options"].items()} == {
        "0": "healthy",
        "1": "warning",
        "2": "error",
    }


def test_the_command_of_the_documentation_replaces_every_address_that_stands_for_another(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text()
    (command,) = [block for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "sed" in block]
    files = Path("charts", "queueconsumer-operator", "files")
    shutil.copytree(ROOT / files, tmp_path / files)

    subprocess.run(["bash", "-ec", command], check=True, cwd=tmp_path)

    texts = "".join(file.read_text() for file in (tmp_path / files).rglob("*") if file.suffix in {".yaml", ".json"})
    assert re.findall(r"https://\w+\.example\.com", texts) == []
    assert texts.count("https://grafana.example.net/d/") == len(alerts())
    assert texts.count("https://git.example.net/queueconsumer/docs/runbooks/QueueConsumer") == len(alerts())


def test_each_link_leads_to_a_dashboard_and_names_variables_that_it_has() -> None:
    addresses = [alert["annotations"]["dashboard_url"] for alert in alerts()]
    addresses += re.findall(r'"url": "(/d/[^"]+)"', grafana.FOLDER.joinpath("fleet.json").read_text())
    wrong = []
    for address in addresses:
        split = urlsplit(address)
        board = BOARDS[split.path.removeprefix("/d/")]
        known = {f"var-{variable['name']}" for variable in board["templating"]["list"]}
        wrong += [address for name in parse_qs(split.query) if name.startswith("var-") and name not in known]

    assert len(addresses) == len(alerts()) + 1
    assert wrong == []


def test_from_one_queueconsumer_and_from_an_alert_it_is_one_click_to_the_runbooks() -> None:
    for uid in ("queueconsumer-detail", "queueconsumer-alerts"):
        assert "https://runbooks.example.com/" in [link.get("url") for link in BOARDS[uid]["links"]]
    assert "https://runbooks.example.com/${__data.fields.alertname}.md" in str(BOARDS["queueconsumer-alerts"])
