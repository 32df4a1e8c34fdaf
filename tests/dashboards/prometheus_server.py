"""A real Prometheus on loopback with the samples of a recorded run."""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.ports import free_ports
from tests.rabbitmq_node import until


class Prometheus:
    """Answers as its HTTP API does (prometheus.io, "HTTP API")."""

    def __init__(self, address: str) -> None:
        self._address = address

    def range(self, expr: str, *, start: int, end: int, step: int) -> list[dict[str, Any]]:
        """The series of a query over a range, each with `metric` and `values`."""
        return self._query("query_range", query=expr, start=start, end=end, step=step)

    def instant(self, expr: str, *, at: int) -> list[dict[str, Any]]:
        """The series of a query at a time, each with `metric` and `value`."""
        return self._query("query", query=expr, time=at)

    def _query(self, path: str, **parameters: object) -> list[dict[str, Any]]:
        body = urllib.parse.urlencode(parameters).encode()
        try:
            with urllib.request.urlopen(f"{self._address}/api/v1/{path}", data=body, timeout=30) as answer:  # noqa: S310 - on loopback
                result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters['query']}: {error.read().decode()}") from None
        return result


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
    config = folder / "prometheus.yaml"
    config.write_text("global: {}\n")
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        until(lambda: _ready(address), what="Prometheus to be ready", within=30)
        yield Prometheus(address)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/-/ready", timeout=2) as answer:  # noqa: S310 - on loopback
            return bool(answer.status == 200)
    except OSError:
        return False
