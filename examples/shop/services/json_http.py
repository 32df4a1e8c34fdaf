"""A small HTTP server for JSON, from the standard library alone: enough for statistics and a rate to set."""

import json
import signal
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

MAX_BODY_BYTES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a route is called with."""

    tail: str
    """What follows the route's path: the order id in `/invoices/<id>`."""
    body: bytes
    headers: dict[str, str]
    """Names in lower case."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a route answers."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"


@dataclass(frozen=True, kw_only=True)
class Route:
    """A method and a path; a path that ends in a slash takes everything below it."""

    method: str
    path: str
    call: Callable[[Request], Answer]


def as_json(document: object, *, status: int = 200) -> Answer:
    """Answer with a JSON document."""
    return Answer(status=status, body=json.dumps(document).encode() + b"\n")


class JsonServer(ThreadingHTTPServer):
    """Serves routes, one thread per connection; port 0 takes any free one."""

    daemon_threads = True
    # 8 consumers and a probe may connect in the same moment; the standard library's 5 would refuse some.
    request_queue_size = 128

    def __init__(self, *, port: int, routes: Iterable[Route], host: str = "0.0.0.0") -> None:
        self.routes = list(routes)
        super().__init__((host, port), _Handler)

    def answer(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Find the route and call it; errors of the caller become 4xx with a sentence."""
        path = unquote(urlsplit(target).path)
        for route in self.routes:
            below = route.path.endswith("/") and path.startswith(route.path)
            if route.method == method and (below or path == route.path):
                tail = path[len(route.path) :]
                try:
                    return route.call(Request(tail=tail, body=body, headers=headers))
                except ValueError as error:
                    return as_json({"error": str(error)}, status=400)
        return as_json({"error": f"nothing is served at {method} {path}"}, status=404)


class _Handler(BaseHTTPRequestHandler):
    server: JsonServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            answer = as_json({"error": f"a body has at most {MAX_BODY_BYTES} bytes"}, status=413)
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = self.server.answer(self.command, self.path, self.rfile.read(length), headers)
        try:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
        except ConnectionError:
            # Whoever has asked is gone, which is no error of ours: socketserver would print a traceback.
            self.close_connection = True

    do_GET = do_PUT = _serve  # noqa: N815 - the standard library calls them so

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the overridden method's name for it
        """Say nothing: probes alone would be a line per second."""


def serve_until_stopped(server: JsonServer) -> None:
    """Serve until SIGTERM or SIGINT; returns once the server is closed. To be called in the main thread.

    The handlers are needed although they only stop: process 1 of a container ignores SIGTERM without one.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    thread = threading.Thread(target=server.serve_forever, name="http", daemon=True)
    thread.start()
    # In turns: the kernel may give the signal to another thread, and its handler runs in this one only.
    while not stop.wait(0.5):
        pass
    server.shutdown()
    server.server_close()
