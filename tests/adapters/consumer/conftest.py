"""Consumers in this process, and as the program that the image runs."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qc_consumer import Consumer
from tests.rabbitmq_node import until
from tests.rabbitmq_vhost import Vhost


@pytest.fixture
def consumers() -> Iterator[Callable[..., Consumer]]:
    """Start consumers in this process; they are drained, or given up, at the end of the test."""
    made: list[Consumer] = []

    def make(vhost: Vhost, handler: Callable[..., Any], **options: Any) -> Consumer:
        options = {"queue": "orders", "metrics_port": None, "shutdown_timeout": 5.0} | options
        made.append(Consumer(handler=handler, url=vhost.url, **options))
        made[-1].start()
        return made[-1]

    yield make
    for consumer in made:
        consumer.stop()
        if not consumer.wait(6):
            consumer.stop()
            assert consumer.wait(5), "a consumer did not end"


class Program:
    """`python -m qc_consumer` with an `app.py` of the test."""

    def __init__(self, folder: Path, app: str, environment: dict[str, str]) -> None:
        self.folder = folder
        (folder / "app.py").write_text(textwrap.dedent(app))
        self._log = folder / f"log-{len(list(folder.iterdir()))}"
        defaults = {
            "CONSUMER_QUEUE": "orders",
            "CONSUMER_HANDLER": "app:handle",
            "CONSUMER_METRICS_PORT": "0",
            "POD_NAMESPACE": "shop",
            "POD_NAME": "orders-1",
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "qc_consumer"],
                env={**os.environ, **defaults, **environment},
                cwd=folder,
                stderr=log,
            )

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of the log so far."""
        return [json.loads(line) for line in self._log.read_text().splitlines(keepends=True) if line.endswith("\n")]

    @property
    def raw_log(self) -> str:
        return self._log.read_text()

    def outcomes(self, name: str) -> list[str]:
        """The message ids with this outcome."""
        return [line["message_id"] for line in self.log if line.get("outcome") == name]

    def until_logged(self, text: str, *, within: float = 15) -> None:
        """Wait for a line that contains the text."""
        until(lambda: text in self.raw_log or self._ended(), within=within, what=f"{text!r} in the log")
        assert text in self.raw_log, self.raw_log

    def _ended(self) -> bool:
        return self.process.poll() is not None

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def handled(self) -> list[str]:
        """What the app has noted in the file `handled`."""
        file = self.folder / "handled"
        return file.read_text().split() if file.exists() else []


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Run the program; each further one of a test gets a folder of its own, unless it names one."""
    made: list[Program] = []

    def make(vhost: Vhost, app: str, *, folder: Path | None = None, **environment: str) -> Program:
        folder = folder or tmp_path / str(len(made))
        folder.mkdir(exist_ok=True)
        made.append(Program(folder, app, {"RABBITMQ_URL": vhost.url, **environment}))
        return made[-1]

    yield make
    for one in made:
        with contextlib.suppress(ProcessLookupError):
            one.process.kill()
        one.process.wait(10)


def get(port: int, path: str) -> tuple[int, str]:
    """Ask a probe; the answer's status and text."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture
def ask() -> Callable[[int, str], tuple[int, str]]:
    return get
