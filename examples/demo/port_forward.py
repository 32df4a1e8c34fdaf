"""A port of this machine that leads to a pod, by `kubectl port-forward`, which works on any cluster."""

import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from .loopback import free_port
from .service_proxy import UnreachableError

RETRY_SECONDS = 1.0


class PortForward:
    """Open for as long as its block; `kubectl` ends when its pod does, and is then started again for the next one."""

    def __init__(
        self,
        *,
        kubectl: Sequence[str],
        environment: Mapping[str, str],
        namespace: str,
        pod: Callable[[], str],
        port: int,
    ) -> None:
        """Lead to this port of what `pod` names, which may raise UnreachableError."""
        self.port = free_port(port)
        """Of this machine; the same one all the time, so that a page that is open goes on."""
        self.said: deque[str] = deque(maxlen=5)
        """What went wrong last, in kubectl's words."""
        self._command = [*kubectl, "-n", namespace, "port-forward", "--address=127.0.0.1"]
        self._ports = f"{self.port}:{port}"
        self._environment = dict(environment)
        self._pod = pod
        self._stopped = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._keep, name="port-forward", daemon=True)

    def __enter__(self) -> Self:
        """Begin; whoever needs it open at once asks what is behind it until it answers."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End kubectl."""
        self._stopped.set()
        if self._process is not None:
            self._process.terminate()
        self._thread.join()

    def _keep(self) -> None:
        while not self._stopped.is_set():
            try:
                self._forward(f"pod/{self._pod()}")
            except (UnreachableError, OSError) as error:
                self.said.append(str(error))
            self._stopped.wait(RETRY_SECONDS)

    def _forward(self, target: str) -> None:
        with subprocess.Popen(
            [*self._command, target, self._ports],
            env=self._environment,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            self._process = process
            # The block may have ended after the loop has looked and before there was a process to end.
            if self._stopped.is_set():
                process.terminate()
            for line in process.stdout or ():
                # "Forwarding from 127.0.0.1:8081 -> 8081", and "Handling connection for 8081" for each of them.
                if not line.startswith(("Forwarding ", "Handling ")):
                    self.said.append(line.rstrip())
