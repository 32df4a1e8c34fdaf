"""How the demo runs: from the environment, as `make demo` hands it on, and from the command line."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOCAL_PREFIX = "localhost/queueconsumer"
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be chosen."""

    current_cluster: bool
    """DEMO_CLUSTER=current: use the kubeconfig's current context; otherwise devcluster."""
    keep: bool
    """DEMO_KEEP=1: leave everything running at the end."""
    prometheus: bool
    """DEMO_PROMETHEUS=1: start a Prometheus with the chart's alerts, and tell of those that fired."""
    image_load: str | None
    """IMAGE_LOAD: the command that loads an image into the current cluster, with {archive} or {image}."""
    image_prefix: str
    """IMAGE_PREFIX: where the images are, when the cluster pulls them."""
    per_second: float
    """Orders per second in the calm phase; Black Friday has ten times as many."""
    calm_seconds: float
    black_friday_seconds: float
    record: Path | None
    """Where to write the view at its most interesting moment, as SVG."""

    @property
    def build_images(self) -> bool:
        """Whether the images are built here, rather than pulled."""
        return not self.current_cluster or self.image_load is not None


def parse(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; an unknown choice ends the program with a sentence (argparse does that)."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument("--orders-per-second", type=float, default=5.0, help="in the calm phase; Black Friday: x 10")
    parser.add_argument("--calm-seconds", type=float, default=15.0)
    parser.add_argument("--black-friday-seconds", type=float, default=30.0)
    parser.add_argument("--record", type=Path, metavar="FILE.svg", help="save the view at its peak, and the summary")
    chosen = parser.parse_args(arguments)
    cluster = environ.get("DEMO_CLUSTER", "devcluster")
    if cluster not in {"devcluster", "current"}:
        parser.error(f"DEMO_CLUSTER is {cluster!r}; it may be 'devcluster' (the default) or 'current'")
    return Settings(
        current_cluster=cluster == "current",
        keep=_asked(environ, "DEMO_KEEP"),
        prometheus=_asked(environ, "DEMO_PROMETHEUS"),
        image_load=environ.get("IMAGE_LOAD") or None,
        image_prefix=environ.get("IMAGE_PREFIX", LOCAL_PREFIX).rstrip("/"),
        per_second=chosen.orders_per_second,
        calm_seconds=chosen.calm_seconds,
        black_friday_seconds=chosen.black_friday_seconds,
        record=chosen.record,
    )


def _asked(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "") not in {"", "0"}
