"""/metrics and the probes, served from a thread of their own.

/livez: the I/O loop turns and no worker thread has died. The broker plays no part in it: were it otherwise, its
outage would restart every consumer in the cluster.
/readyz: the broker knows the consumer, and the pod is not going away.
/startupz: the process runs.
"""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from qc_consumer.errors import ConfigurationError


class State(Protocol):
    """What the probes ask; each answer is empty if all is well, else the sentence that says what is not."""

    def dead(self) -> str:
        """Say why the process should be restarted."""

    def unready(self) -> str:
        """Say why no messages are taken."""


class HealthServer:
    """Serves one consumer."""

    def __init__(self, port: int, state: State, registry: CollectorRegistry) -> None:
        answers: dict[str, Callable[[], str]] = {
            "/livez": state.dead,
            "/readyz": state.unready,
            "/startupz": lambda: "",
        }

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path == "/metrics":
                    self._answer(200, generate_latest(registry), "text/plain; version=0.0.4; charset=utf-8")
                elif path in answers:
                    trouble = answers[path]()
                    self._answer(503 if trouble else 200, f"{trouble or 'ok'}\n".encode(), "text/plain; charset=utf-8")
                else:
                    self._answer(404, b"there is /metrics, /livez, /readyz, /startupz\n", "text/plain; charset=utf-8")

            def _answer(self, status: int, content: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Keep probes out of the log."""

        try:
            self._server = ThreadingHTTPServer(("", port), Handler)
        except OSError as error:
            raise ConfigurationError(
                f"port {port} for metrics and probes cannot be opened: {error}; set CONSUMER_METRICS_PORT"
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="qc_consumer http", daemon=True)

    @property
    def port(self) -> int:
        """The port in use, also if 0 was asked for."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Serve."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2)
