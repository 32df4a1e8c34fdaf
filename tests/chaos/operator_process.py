"""The operator as processes, as its image starts it, and what can be seen of one from outside."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.chaos.plane import NAMESPACE, until
from tests.e2e.hpa.control_plane import HOST
from tests.packaging.rendering import ROOT
from tests.ports import free_ports

PROBE_SECONDS: Final = 5.0
"""As the chart's probes wait."""
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class OperatorProcess:
    """Enter it to have it run; on leaving it is told to end."""

    def __init__(
        self,
        *,
        user: str,
        kubeconfig: Path,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        wrapped: Sequence[str] = (),
        program: Sequence[str] = ("-m", "qc_operator"),
        output: int | None = None,
    ) -> None:
        self.user = user
        self.port, self.page_port = free_ports(2)
        self.log = folder / f"operator-{user}-{self.port}.log"
        self.sick: list[str] = []
        """What the liveness probe answered that was not 200."""
        self._variables = os.environ | {
            "KUBECONFIG": str(kubeconfig),
            "POD_NAMESPACE": NAMESPACE,
            "POD_NAME": user,
            "QC_PORT": str(self.port),
            "QC_PAGE_PORT": str(self.page_port),
            **(environment or {}),
        }
        self._wrapped = wrapped
        """A command that becomes the one after it."""
        self._program = program
        self._output = output
        """A file descriptor that it writes to instead of its log."""
        self._process: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()
        self._awake = threading.Event()
        self._awake.set()

    def __enter__(self) -> Self:
        self.start()
        self._prober = threading.Thread(target=self._probe)
        self._prober.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._prober.join(PROBE_SECONDS + 1)
        self.end()

    def start(self) -> None:
        """Start it, again after it has ended."""
        with self.log.open("ab") as written:
            self._process = subprocess.Popen(
                # The kernel ends it with the test run, even one that was killed with SIGKILL.
                ["setpriv", "--pdeathsig", "KILL", "--", *self._wrapped, sys.executable, *self._program],
                cwd=ROOT,
                env=self._variables,
                stdin=subprocess.DEVNULL,
                stdout=self._output or written,
                stderr=self._output or written,
                start_new_session=True,
            )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """It must have been started."""
        assert self._process is not None
        return self._process

    def end(self) -> int:
        """Tell it to end, as Kubernetes does, and wait; its exit status."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.terminate()
        try:
            return process.wait(25)
        finally:
            process.kill()

    def kill(self) -> None:
        """SIGKILL."""
        process, self._process = self.process, None
        process.kill()
        process.wait(10)

    def freeze(self) -> None:
        """SIGSTOP."""
        self._awake.clear()
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)
        self._awake.set()

    def answer(self, path: str) -> tuple[int, str]:
        """What it serves over HTTP; (0, why) when it does not answer."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return 0, repr(error)
        finally:
            connection.close()

    def metric(self, name: str) -> float:
        """One of them, all its series added up; 0 where it does not answer."""
        found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", self.answer(f"/metrics?name[]={name}")[1], re.MULTILINE)
        return sum(float(value) for value in found)

    @property
    def leading(self) -> bool:
        """Whether it holds its Lease."""
        return self.metric("queueconsumer_operator_leader") == 1.0

    def until_ready(self, *, within: float = 30.0) -> float:
        """Wait until it knows all objects."""
        return until(lambda: self.answer("/readyz")[0] == 200, within=within, what=f"{self.user} is ready")

    def until_leading(self, *, within: float = 30.0) -> float:
        """Wait until it decides."""
        return until(lambda: self.leading, within=within, what=f"{self.user} leads; see {self.log}")

    def figures(self) -> dict[str, int]:
        """Memory in MiB, open files (sockets among them), and threads."""
        folder = Path(f"/proc/{self.process.pid}")
        return {
            "MiB": int((folder / "statm").read_text().split()[1]) * _PAGE // 2**20,
            "files": len(list((folder / "fd").iterdir())),
            "threads": len(list((folder / "task").iterdir())),
        }

    def said(self) -> str:
        """Its log."""
        return self.log.read_text()

    def _probe(self) -> None:
        """The kubelet's liveness probe, ten times as often."""
        lived: subprocess.Popen[bytes] | None = None
        while not self._over.wait(1.0):
            process = self._process
            status, text = self.answer("/healthz")
            if process is None or process is not self._process or not self._awake.is_set():
                continue
            if status == 200:
                lived = process
            elif lived is process:
                self.sick.append(f"{time.strftime('%H:%M:%S')} {status} {text}")
