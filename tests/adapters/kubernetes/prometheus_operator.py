"""prometheus-operator's own definitions, as it publishes them: those of the kinds that the chart makes objects of."""

import json
from pathlib import Path
from typing import Any, Final

import yaml

from devcluster import toolchain
from devcluster.progress import run

KINDS: Final = ("ServiceMonitor", "PodMonitor", "PrometheusRule")

_MODULE: Final = "github.com/prometheus-operator/prometheus-operator"
_VERSION: Final = "0.85.0"
_SUM: Final = "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s="
"""Of the module, as a go.sum would have it. 4 MB, fetched once into Go's cache."""


def definitions() -> list[dict[str, Any]]:
    """Return the CustomResourceDefinitions of KINDS.

    Raises Failure when Go or the module cannot be had, AssertionError when the module is not the one that is expected.
    """
    go, _ = toolchain.find_go()
    told = json.loads(run([go, "mod", "download", "-json", f"{_MODULE}@v{_VERSION}"]))
    assert told["Sum"] == _SUM, f"{_MODULE} {_VERSION} is {told['Sum']}"
    folder = Path(told["Dir"]) / "example" / "prometheus-operator-crd"
    return [_read(folder / f"monitoring.coreos.com_{kind.lower()}s.yaml") for kind in KINDS]


def _read(file: Path) -> dict[str, Any]:
    # libyaml, because these are 140 kB.
    found: dict[str, Any] = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
    return found
