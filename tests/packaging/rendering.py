"""Helm at work: the chart's objects as the release `queueconsumer` would have them."""

import subprocess
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "charts" / "queueconsumer-operator"
CRD: Final = ROOT / "crds" / "queueconsumers.queueconsumer.dev.yaml"


def run(helm: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm, *arguments], check=False, capture_output=True, text=True)


def rendered(helm: Path, *settings: str) -> list[dict[str, Any]]:
    """Return the objects that the release `queueconsumer` would have."""
    arguments = [part for setting in settings for part in ("--set", setting)]
    done = run(
        helm, "template", "queueconsumer", str(CHART), "--namespace", "queueconsumer-system", "--skip-tests", *arguments
    )
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def only(manifests: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    found = [manifest for manifest in manifests if manifest["kind"] == kind]
    assert len(found) == 1, f"{len(found)} objects of kind {kind}"
    return found[0]
