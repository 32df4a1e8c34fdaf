"""A real Prometheus on loopback, and its HTTP API."""

import contextlib
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .failure import DemoError
from .loopback import fetch

READY_SECONDS = 30.0


class Prometheus:
    """Answers as its HTTP API does (prometheus.io, "HTTP API")."""

    def __init__(self, address: str) -> None:
        self.address = address

    def range(self, expr: str, *, start: int, end: int, step: int) -> list[dict[str, Any]]:
        """The series of a query over a range, each with `metric` and `values`; raises DemoError if it is refused."""
        result: list[dict[str, Any]] = self._ask("query_range", query=expr, start=start, end=end, step=step)["result"]
        return result

    def instant(self, expr: str, *, at: int) -> list[dict[str, Any]]:
        """The series of a query at a time, each with `metric` and `value`; raises DemoError if it is refused."""
        result: list[dict[str, Any]] = self._ask("query", query=expr, time=at)["result"]
        return result

    def alerts(self) -> list[dict[str, Any]]:
        """Those that are pending or firing now; raises OSError when Prometheus does not answer."""
        found: list[dict[str, Any]] = self._get("alerts")["alerts"]
        return found

    def alerting_rules(self) -> list[dict[str, Any]]:
        """Each with `name` and `duration`: the seconds for which it is pending before it fires. Raises OSError."""
        return [rule for group in self._get("rules?type=alert")["groups"] for rule in group["rules"]]

    def alerts_page(self) -> str:
        """Where a person sees them: Debian's package has the classic pages only."""
        for path in ("alerts", "classic/alerts"):
            with contextlib.suppress(OSError):
                fetch(f"{self.address}/{path}", timeout_seconds=5)
                return f"{self.address}/{path}"
        return f"{self.address}/api/v1/alerts"

    def _get(self, path: str) -> Any:
        return json.loads(fetch(f"{self.address}/api/v1/{path}", timeout_seconds=10))["data"]

    def _ask(self, path: str, **parameters: object) -> Any:
        form = urllib.parse.urlencode(parameters).encode()
        try:
            return json.loads(fetch(f"{self.address}/api/v1/{path}", form=form, timeout_seconds=30))["data"]
        except urllib.error.HTTPError as error:
            raise DemoError(f"Prometheus refuses {parameters['query']}: {error.read().decode()}") from None


def require_installed() -> None:
    """Raise DemoError where there is no Prometheus to start."""
    if shutil.which("prometheus") is None:
        raise DemoError(
            "DEMO_PROMETHEUS=1 needs the program prometheus on the PATH: `apt-get install prometheus` on Debian, or "
            "https://prometheus.io/download/"
        )


@contextlib.contextmanager
def running(
    folder: Path, *, configuration: Mapping[str, Any], port: int, options: Sequence[str] = ()
) -> Iterator[Prometheus]:
    """Run one for the block, with its files in the folder; raises DemoError when it does not start."""
    config, log = folder / "prometheus.yaml", folder / "prometheus.log"
    # JSON is YAML as well.
    config.write_text(json.dumps(configuration))
    address = f"http://127.0.0.1:{port}"
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
        *options,
    ]
    with log.open("w") as said, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said) as server:
        try:
            _await(server, address, log)
            yield Prometheus(address)
        finally:
            server.terminate()


def _await(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError):
            fetch(f"{address}/-/ready", timeout_seconds=2)
            return
        time.sleep(0.1)
    how = f"was not ready within {READY_SECONDS:.0f} s" if server.poll() is None else f"ended with {server.returncode}"
    raise DemoError(f"Prometheus {how}", evidence=log.read_text().splitlines()[-10:])
