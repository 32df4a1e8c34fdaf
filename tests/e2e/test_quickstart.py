"""docs/quickstart.md works: every command of it, in its order, on the cluster of KUBECONFIG."""

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Command, run
from tests.packaging.documents import DOCS, Block, blocks

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

NAMESPACE = "quickstart"


@pytest.fixture
def fresh_namespace(kubectl: Command) -> Iterator[None]:
    """The page creates it; what an earlier, broken run has left is gone before, and ours after."""
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=120s")
    yield
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false")


def commands() -> list[Block]:
    """What a reader types. The blocks called `console` are for other machines than this one."""
    return [block for block in blocks(DOCS / "quickstart.md") if block.language == "sh"]


@pytest.mark.usefixtures("operator", "fresh_namespace")
def test_every_command_of_the_quickstart_works() -> None:
    said = [run("bash", "-euo", "pipefail", "-c", block.text) for block in commands()]

    told = "".join(said)
    history = [line.split()[1] for line in told.splitlines() if "->" in line and line.startswith("20")]
    assert "->0" in history[0], told
    assert history[-1].startswith("0->"), told
    assert any(line.endswith("->5") for line in history), told
    assert "receipt for order" in told
    assert "Activated" in told
    assert "ScaledToZero" in told
