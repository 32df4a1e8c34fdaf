"""A real Prometheus on loopback with the samples of a recorded run."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from examples.demo import prometheus_server
from examples.demo.prometheus_server import Prometheus
from tests.ports import free_ports


@contextmanager
def running(folder: Path, samples: Sequence[str]) -> Iterator[Prometheus]:
    """A server with these samples, in OpenMetrics' text format with their times."""
    text = folder / "samples.txt"
    text.write_text("\n".join(samples) + "\n# EOF\n")
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", text, folder / "data"],
        check=True,
        capture_output=True,
    )
    (port,) = free_ports(1)
    # The run is some years old or to come.
    options = ["--storage.tsdb.retention.time=100y"]
    with prometheus_server.running(folder, configuration={"global": {}}, port=port, options=options) as server:
        yield server
