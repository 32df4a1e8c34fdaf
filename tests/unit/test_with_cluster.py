"""The runner of `make test`, with a devcluster that only writes down what it is asked."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import with_cluster
from tests.rabbitmq_node import until

DEVCLUSTER = """
import os, pathlib, sys
with pathlib.Path("log").open("a") as log:
    print(*sys.argv[1:], file=log)
print("/nowhere")
sys.exit(1 if sys.argv[1] == os.environ["FAILING"] else 0)
"""

COMMAND = """
import pathlib, signal, time
def write(word):
    with pathlib.Path("log").open("a") as log:
        print(word, file=log)
try:
    write("command")
    signal.pause()
except KeyboardInterrupt:
    time.sleep(0.3)  # the work of tidying up
    write("tidied")
"""

Start = Callable[..., subprocess.Popen[bytes]]
Log = Callable[[], list[str]]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """What has happened so far, but the questions, in order."""
    file = tmp_path / "log"
    questions = {"status", "tools", "kubeconfig"}
    return lambda: [line for line in file.read_text().splitlines() if line not in questions] if file.exists() else []


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a copy of the runner in a session of its own, as a terminal has one.

    A copy, in a folder without this checkout: no mistake there or here can find the real devcluster.
    """
    runner = Path(shutil.copy(with_cluster.__file__, tmp_path))
    package = tmp_path / "devcluster"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(DEVCLUSTER)

    def start(*, failing: str = "status", command: str = COMMAND, cluster: str = "") -> subprocess.Popen[bytes]:
        given = {"PYTHONPATH": str(tmp_path), "FAILING": failing, "DEMO_CLUSTER": cluster}
        return subprocess.Popen(
            [sys.executable, runner, sys.executable, "-c", command],
            cwd=tmp_path,
            env=os.environ | given,
            start_new_session=True,
        )

    return start


def test_a_cluster_that_it_brought_up_gets_the_images_and_goes_again(start: Start, log: Log) -> None:
    assert start(command="raise SystemExit(7)").wait(30) == 7
    assert log() == ["up", "load operator consumer rabbitmq", "down"]


def test_a_cluster_that_was_there_stays(start: Start, log: Log) -> None:
    assert start(failing="nothing", command="").wait(30) == 0
    assert log() == ["up", "load operator consumer rabbitmq"]


def test_without_images_the_command_is_not_run(start: Start, log: Log) -> None:
    assert start(failing="load", cluster="current").wait(30) == 1
    assert log() == ["load operator consumer rabbitmq"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_interrupted_it_lets_the_command_tidy_up_before_the_cluster_goes(
    start: Start, log: Log, number: signal.Signals, status: int
) -> None:
    runner = start()
    until(lambda: "command" in log(), within=30, what="the command runs")

    # Ctrl-C goes to all processes of the terminal, SIGTERM to one.
    (os.killpg if number == signal.SIGINT else os.kill)(runner.pid, number)

    assert runner.wait(30) == status
    assert log()[-3:] == ["command", "tidied", "down"]
