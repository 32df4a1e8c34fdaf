"""Two runs of pytest at the same time: every test is in exactly one of them, and a failure of either one counts."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import side_by_side
from tests.side_by_side import BUSY, WAITING

ROOT = Path(__file__).parents[2]


def test_every_suite_is_run() -> None:
    suites = {f"tests/{folder.name}" for folder in (ROOT / "tests").iterdir() if any(folder.glob("**/test_*.py"))}

    assert suites == {*BUSY, "tests/chaos"}


def test_what_runs_beside_is_there() -> None:
    assert [] == [suite for suite in WAITING if not any((ROOT / suite).glob("**/test_*.py"))]


@pytest.mark.parametrize(
    ("busy", "waiting", "status"),
    [(0, 0, 0), (1, 0, 1), (0, 1, 1), (2, 1, 2), (0, 5, 0), (5, 0, 0), (5, 5, 5)],
)
def test_a_failure_of_either_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], busy: int, waiting: int, status: int
) -> None:
    ports = []

    class Beside(subprocess.Popen[str]):
        def __init__(self, command: list[str], *, env: dict[str, str], **given: object) -> None:
            assert set(WAITING) <= set(command)
            ports.append(env["QC_TEST_PORTS"])
            super().__init__([sys.executable, "-c", f"print('beside'); exit({waiting})"], stdout=given["stdout"])  # type: ignore[call-overload]

    def run(command: list[str], *, check: bool, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        assert not check
        ports.append(env["QC_TEST_PORTS"])
        assert {f"--ignore={suite}" for suite in WAITING} <= set(command)
        return subprocess.CompletedProcess(command, busy)

    monkeypatch.setattr("subprocess.Popen", Beside)
    monkeypatch.setattr("subprocess.run", run)

    assert status == side_by_side.main(["-x"])
    assert capsys.readouterr().out.endswith("beside\n")
    assert sorted(ports) == ["20000-24999", "25000-29999"]
