"""What the documents tell people to type works on the cluster of KUBECONFIG."""

from collections.abc import Iterator

import pytest
import yaml

from tests.e2e.conftest import Command, delete_namespace, run
from tests.packaging.documents import DOCS, ROOT, Block, blocks

pytestmark = pytest.mark.cluster

NAMESPACE = "quickstart"


@pytest.fixture
def fresh_namespace(kubectl: Command) -> Iterator[None]:
    """The page creates it; what an earlier, broken run has left is gone before, and ours after."""
    delete_namespace(kubectl, NAMESPACE)
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


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("page", ["README.md", "docs/migration-from-keda.md"])
def test_the_api_server_takes_every_example(page: str, kubectl: Command) -> None:
    """Strictly, so that a misspelt field is found; KEDA's own objects are unknown to this cluster."""
    examples = [block.text for block in blocks(ROOT / page) if block.language == "yaml"]
    objects = [example for text in examples for example in yaml.safe_load_all(text) if "keda.sh" not in text]
    for example in objects:
        example["metadata"]["namespace"] = "default"

    said = kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=yaml.safe_dump_all(objects))

    assert len(objects) == said.count("(server dry run)")
    assert f"queueconsumer.queueconsumer.dev/{objects[-1]['metadata']['name']}" in said
