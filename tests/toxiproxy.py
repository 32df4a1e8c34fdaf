"""A bad network between a test and a broker: Toxiproxy, built from its Go module and run on loopback.

Whatever it does, it does to TCP connections: it accepts each, opens one to the real server, and passes on, delays,
drops or ends what goes between. It dies with the test run.
"""

import http.client
import itertools
import json
import subprocess
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from devcluster import layout, lock, toolchain
from devcluster.progress import run_long
from tests.ports import free_ports
from tests.rabbitmq_node import until

VERSION = "2.12.0"

_PACKAGE = "github.com/Shopify/toxiproxy/v2/cmd/server"
_LDFLAGS = "-s -w"
_FOR_EVER_MS = 24 * 3600 * 1000
_BOTH: tuple[Literal["upstream", "downstream"], ...] = ("upstream", "downstream")


def program() -> Path:
    """Find the server's program, built first when it is not in the cache yet.

    Raises Failure when Go or the module cannot be had.
    """
    folder = layout.cache() / "programs"
    with lock.of_folder(folder):
        go, version = toolchain.find_go()
        home = folder / f"toxiproxy-{VERSION}-{toolchain.content_key(_PACKAGE, version, _LDFLAGS)}"
        if not home.exists():
            with lock.scratch(folder) as scratch:
                built = scratch / "bin"
                built.mkdir()
                run_long(
                    [go, "install", "-v", "-ldflags", _LDFLAGS, f"{_PACKAGE}@v{VERSION}"],
                    step=f"building toxiproxy {VERSION} (about half a minute on 2 cores, once)",
                    log=layout.cache() / "logs" / "toxiproxy.log",
                    environment={**toolchain._environment(), "GOBIN": str(built)},
                )
                built.rename(home)
    return home / "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A way to one server, and what can happen on it; each trouble lasts until `heal`."""

    host: str
    port: int
    """Where clients connect to, instead of the server."""
    _name: str
    _server: "Toxiproxy" = field(repr=False)

    def latency(self, milliseconds: int, *, jitter: int = 0) -> None:
        """Delay what the server answers; open connections too."""
        self._add("latency", "downstream", latency=milliseconds, jitter=jitter)

    def blackhole(self) -> None:
        """Drop all bytes in both directions and say nothing: connections are half-open, new ones are accepted.

        Those that lost bytes are of no use any more: `heal` ends them.
        """
        for direction in _BOTH:
            self._add("timeout", direction, timeout=0)

    def stall(self) -> None:
        """Hold all bytes back, as a network does that loses packets for a while: `heal` delivers them."""
        for direction in _BOTH:
            self._add("latency", direction, latency=_FOR_EVER_MS, jitter=0)

    def reset_peer(self) -> None:
        """End all connections, and each new one as soon as either side says something.

        New ones get a TCP reset, and those that are open too if the proxy was made as `abrupt`.
        """
        for direction in _BOTH:
            self._add("reset_peer", direction, timeout=0)
        self.drop()

    def cut(self) -> None:
        """End all connections and refuse new ones."""
        self._server._call("POST", f"/proxies/{self._name}", {"enabled": False})

    def drop(self) -> None:
        """End all connections that are open now; new ones are served."""
        self.cut()
        self._server._call("POST", f"/proxies/{self._name}", {"enabled": True})

    def heal(self) -> None:
        """Have an undisturbed network again."""
        for toxic in self._server._call("GET", f"/proxies/{self._name}/toxics"):
            if toxic["toxicity"]:
                self._server._call("DELETE", f"/proxies/{self._name}/toxics/{toxic['name']}")
        self._server._call("POST", f"/proxies/{self._name}", {"enabled": True})

    def close(self) -> None:
        """Take the proxy away."""
        self._server._call("DELETE", f"/proxies/{self._name}")

    def _add(
        self, kind: str, direction: Literal["upstream", "downstream"], *, toxicity: float = 1.0, **attributes: int
    ) -> None:
        # Its name must be its own: an abrupt proxy has one of this kind already.
        name = f"{kind}-{direction}-{toxicity}"
        body = {"name": name, "type": kind, "stream": direction, "toxicity": toxicity, "attributes": attributes}
        self._server._call("POST", f"/proxies/{self._name}/toxics", body)


class Toxiproxy:
    """The server; create, use, `close()`."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        path = program()
        self._numbers = itertools.count(1)
        (self._port,) = free_ports(1)
        # The kernel ends it with the test run, even one that was killed with SIGKILL.
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", path, "-host", self.host, "-port", str(self._port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until(self._answers, what="the Toxiproxy server answers")

    def _answers(self) -> bool:
        assert self._process.poll() is None, f"the Toxiproxy server ended with status {self._process.returncode}"
        try:
            return bool(self._call("GET", "/version"))
        except (OSError, http.client.HTTPException):
            return False

    def proxy(self, host: str, port: int, *, abrupt: bool = False) -> Proxy:
        """Make a way to a server. An abrupt one ends connections by a TCP reset, also those that end in order."""
        (listening,) = free_ports(1)
        name = f"proxy-{next(self._numbers)}"
        upstream = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        made = Proxy(host=self.host, port=listening, _name=name, _server=self)
        self._call("POST", "/proxies", {"name": name, "listen": f"{self.host}:{listening}", "upstream": upstream})
        if abrupt:
            # Toxiproxy closes a connection by a reset if it had this toxic when it began, even one that never acts.
            made._add("reset_peer", "downstream", toxicity=0.0, timeout=0)
        return made

    def close(self) -> None:
        """End the server and with it all connections through it."""
        self._process.kill()
        self._process.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"http://{self.host}:{self._port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - http on loopback
            content = answer.read()
        return json.loads(content) if content else None
