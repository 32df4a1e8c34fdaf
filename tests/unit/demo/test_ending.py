import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from examples.demo.cluster import Cluster
from examples.demo.ending import Ending
from examples.demo.progress import Progress
from examples.demo.settings import parse
from examples.demo.windows import Windows


def told(*, kubeconfig: Path, ours: bool) -> list[str]:
    """What the end of a demo with DEMO_KEEP=1 says where no cluster is left to ask."""
    output = io.StringIO()
    cluster = Cluster(
        programs={"kubectl": "/tools/kubectl", "helm": "/bin/true"},
        environment={"KUBECONFIG": str(kubeconfig)},
        ours=ours,
        progress=Progress(Console(file=output)),
    )
    ending = Ending(cluster, parse([], {"DEMO_KEEP": "1"}))
    # Without a terminal nobody could end a demo that waits.
    ending.hold_open(Windows(page="http://127.0.0.1:8081/", prometheus=None))
    ending.come()
    return [line.strip() for line in output.getvalue().splitlines()]


@pytest.mark.parametrize("keep", ["1", "0"])
@pytest.mark.parametrize("terminal", [True, False])
def test_windows_stay_open_for_a_person_who_asked_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, keep: str, terminal: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", _Stdin(terminal=terminal))
    cluster = Cluster(
        programs={"kubectl": "/tools/kubectl", "helm": "/bin/true"},
        environment={"KUBECONFIG": str(tmp_path / "none")},
        ours=True,
        progress=Progress(Console(file=io.StringIO(), force_terminal=terminal)),
    )

    assert Ending(cluster, parse([], {"DEMO_KEEP": keep})).holds_open is (terminal and keep == "1")


class _Stdin(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def test_what_is_kept_can_be_looked_at_and_taken_away(tmp_path: Path) -> None:
    lines = told(kubeconfig=tmp_path / "none", ours=True)

    assert "Everything is left running, as DEMO_KEEP asks" in lines[0]
    assert lines[1:3] == [f"export KUBECONFIG={tmp_path / 'none'}", "export PATH=/tools:$PATH"]
    assert lines[-1] == "python3 -m devcluster down   # the end of it"


def test_a_cluster_of_somebody_else_is_not_taken_down(tmp_path: Path) -> None:
    lines = told(kubeconfig=tmp_path / "none", ours=False)

    assert lines[-2:] == [
        "kubectl delete namespace shop   # the end of it",
        "helm uninstall queueconsumer -n queueconsumer-system",
    ]
