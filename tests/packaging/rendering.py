"""Helm at work: the chart's objects as the release `queueconsumer` would have them."""

import copy
import functools
import subprocess
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "charts" / "queueconsumer-operator"
HOOK: Final = "helm.sh/hook"
IMAGE: Final = ("--set", "image.repository=registry.example.com/team/operator")
"""The chart has no image of its own, and refuses to be rendered without one."""
CRD: Final = ROOT / "crds" / "queueconsumers.queueconsumer.dev.yaml"


def run(helm: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm, *arguments], check=False, capture_output=True, text=True)


def rendered(helm: Path, *settings: str) -> list[dict[str, Any]]:
    """Return the objects that the release `queueconsumer` would have."""
    return [found for found in everything(helm, *settings) if HOOK not in found["metadata"].get("annotations", {})]


def tried(helm: Path, *settings: str) -> list[dict[str, Any]]:
    """Return the objects that `helm test` would make."""
    return [found for found in everything(helm, *settings) if HOOK in found["metadata"].get("annotations", {})]


def everything(helm: Path, *settings: str, namespace: str = "queueconsumer-system") -> list[dict[str, Any]]:
    """Return both. A setting is `path=value`, or `path:=JSON`."""
    return copy.deepcopy(_everything(helm, settings, namespace))


@functools.cache
def _everything(helm: Path, settings: tuple[str, ...], namespace: str) -> list[dict[str, Any]]:
    """Many tests look at the same objects."""
    arguments: list[str] = []
    for setting in settings:
        path, is_json, value = setting.partition(":=")
        arguments += ["--set-json", f"{path}={value}"] if is_json else ["--set", setting]
    done = run(helm, "template", "queueconsumer", str(CHART), "--namespace", namespace, *IMAGE, *arguments)
    assert done.returncode == 0, done.stderr
    # libyaml reads the definition in a tenth of the second that Python takes.
    return [manifest for manifest in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if manifest]


def only(manifests: list[dict[str, Any]], kind: str, name: str | None = None) -> dict[str, Any]:
    """Return the one object of this kind, and of this name where there are several."""
    found = [each for each in manifests if each["kind"] == kind and name in (None, each["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} objects of kind {kind}"
    return found[0]
