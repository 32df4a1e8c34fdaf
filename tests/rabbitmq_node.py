"""A real RabbitMQ node for one test run, started from Debian's `rabbitmq-server` package.

The node shares nothing with a broker that may already run on the machine: it has its own name, ports, data
folder, Erlang cookie and port mapper (epmd). It is stopped by process id, and the kernel ends it should the test
run be killed. A node keeps its data over `kill()` and `start()`, which is what the tests of durability rest on.
"""

import base64
import contextlib
import http.client
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.rabbitmq_vhost import Vhost

SCRIPTS = Path("/usr/lib/rabbitmq/bin")
"""Where Debian's package puts the server's own scripts; those in /usr/sbin insist on a change of user."""

START_SECONDS = 60.0
"""A node is up in about 5 s; a busy machine with two cores has taken 20 s."""

AWKWARD = ":/@%?#&+= "
"""Put into each password: clients must cope with any character."""


class RabbitMQMissingError(Exception):
    """Debian's package is not installed."""


def _free_ports(count: int) -> list[int]:
    """Pick ports below the ephemeral range.

    A port of that range could go to an outgoing connection while the node is down, and a client that keeps
    knocking at such a port of its own machine can even connect to itself.
    """
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            candidate = random.randint(20000, 29999)  # noqa: S311 - not a secret
            listener = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                listener.bind(("127.0.0.1", candidate))
                found.append(candidate)
    return found


def until(condition: Callable[[], Any], *, within: float = 10.0, what: str = "", every: float = 0.02) -> Any:
    """Wait for the condition and return its value; fail with the sentence `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what or condition}")
        time.sleep(every)


class RabbitMQNode:
    """One node; create, `start()`, use, `close()`."""

    host = "127.0.0.1"
    username = "admin"

    def __init__(self) -> None:
        if not (SCRIPTS / "rabbitmq-server").exists() or shutil.which("epmd") is None:
            raise RabbitMQMissingError(
                "RabbitMQ is not installed, and these tests run against a real one: "
                "apt-get install rabbitmq-server (and stop the node that the package starts, it is not used)"
            )
        self.folder = Path(tempfile.mkdtemp(prefix="qc-rabbitmq-"))
        self.password = secrets.token_urlsafe(12)
        self.amqp_port, self.management_port, self._dist_port, self._epmd_port = _free_ports(4)
        self.name = f"qc-{os.getpid()}-{self.amqp_port}@localhost"
        self._node: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        self._write_configuration()

    def _write_configuration(self) -> None:
        (self.folder / "enabled_plugins").write_text("[rabbitmq_management].\n")
        lines = [
            f"listeners.tcp.1 = {self.host}:{self.amqp_port}",
            f"management.tcp.ip = {self.host}",
            f"management.tcp.port = {self.management_port}",
            f"default_user = {self.username}",
            f"default_pass = {self.password}",
            # Statistics every second instead of every five: connections and consumers are seen sooner.
            "collect_statistics_interval = 1000",
            "log.file = node.log",
            "log.file.level = info",
            "log.console = false",
            "disk_free_limit.absolute = 50MB",
        ]
        # Erlang's own port listens on all addresses unless told; rabbitmq.conf has no word for it.
        interface = "[{kernel, [{inet_dist_use_interface, {127, 0, 0, 1}}]}].\n"
        (self.folder / "advanced.config").write_text(interface)
        (self.folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": self.host,
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            # The server script then becomes the Erlang VM instead of waiting for it: one process to signal.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        # The kernel ends the child with the test run, even one that was killed with SIGKILL.
        guarded = ["setpriv", "--pdeathsig", "KILL", "--", *command]
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(
                guarded,
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether the node's process exists (it may be paused)."""
        return self._node is not None and self._node.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the Erlang VM."""
        assert self._node is not None
        return self._node.pid

    def start(self, *, wait: bool = True) -> None:
        """Start the node, again after `stop` or `kill`, with the data that it had."""
        if not self.running:
            if self._epmd is None:
                self._epmd = self._spawn("epmd", "-port", str(self._epmd_port), "-address", self.host)
            self._node = self._spawn(str(SCRIPTS / "rabbitmq-server"))
        if wait:
            self.wait_until_up()

    def wait_until_up(self) -> None:
        """Wait until AMQP and the management API answer."""
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if not self.running:
                raise RuntimeError(f"the RabbitMQ node ended while starting:\n{self.log()[-3000:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"the node is not up after {START_SECONDS} s:\n{self.log()[-3000:]}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.amqp_port), timeout=1) as connection:
                # A wrong protocol header is answered with the right one, once connections are accepted.
                connection.sendall(b"AMQP\x00\x00\x00\x00")
                if connection.recv(4) != b"AMQP":
                    return False
            return bool(self.api("GET", "/api/overview").get("listeners"))
        except (OSError, http.client.HTTPException):
            return False

    def stop(self) -> None:
        """Stop the node in order: connections are closed, data is written."""
        if self._node is not None:
            self.resume()
            self._node.send_signal(signal.SIGTERM)
            try:
                self._node.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
            self._node = None

    def kill(self) -> None:
        """End the node with SIGKILL, as a crash or the loss of a machine would."""
        if self._node is not None:
            self._node.kill()
            self._node.wait(30)
            self._node = None

    def pause(self) -> None:
        """Freeze the node (SIGSTOP): its connections stay open and say nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen node go on."""
        if self.running:
            os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End the node and its port mapper, and remove the folder."""
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait(10)
            self._epmd = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """Give what the node has written so far."""
        files = [self.folder / "output", self.folder / "log" / "node.log"]
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl and return its output; about a second each, so prefer `api`."""
        done = subprocess.run(
            [str(SCRIPTS / "rabbitmqctl"), "--silent", *arguments],
            env=self._environment(), cwd=self.folder, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {arguments[0]}: {done.stderr or done.stdout}")
        return done.stdout

    def settle_quorum_queues(self) -> None:
        """Write the directory of quorum queues to disk.

        RabbitMQ 3.10 does so a few seconds after a declaration; a queue declared right before a crash has no leader
        afterwards: it refuses messages, or takes and never confirms them.
        """
        self.ctl("eval", "[dets:sync(Table) || Table <- dets:all()].")

    def settle_metadata(self) -> None:
        """Write vhosts, users and queues to disk: what was declared in the last seconds does not survive a crash."""
        self.ctl("eval", "mnesia:sync_log().")

    def set_memory_alarm(self, on: bool) -> None:  # noqa: FBT001 - reads well: set_memory_alarm(True)
        """Raise or clear the memory alarm, which makes the broker block all publishers."""
        self.ctl("set_vm_memory_high_watermark", "0" if on else "0.6")

    @property
    def alarmed(self) -> bool:
        """Whether an alarm is in force, as the broker itself sees it."""
        try:
            self.api("GET", "/api/health/checks/alarms")
        except urllib.error.HTTPError as error:
            error.close()
            return error.code == HTTPStatus.SERVICE_UNAVAILABLE
        return False

    @property
    def management_uri(self) -> str:
        """The base of the management API."""
        return f"http://{self.host}:{self.management_port}"

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Call the management API as administrator; the answer decoded, or None where there is none."""
        login = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - http on loopback
            self.management_uri + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - http on loopback
            content = answer.read()
        return json.loads(content) if content else None

    def new_vhost(self) -> Vhost:
        """Make a fresh vhost (with a slash in its name) and a user with all rights in it."""
        token = secrets.token_hex(4)
        made = Vhost(
            host=self.host,
            port=self.amqp_port,
            management_uri=self.management_uri,
            vhost=f"qc/{token}",
            username=f"user-{token}",
            password=secrets.token_urlsafe(9) + AWKWARD + "x",
            node=self,
        )
        quoted = urllib.parse.quote(made.vhost, safe="")
        self.api("PUT", f"/api/vhosts/{quoted}", {})
        self.api("PUT", f"/api/users/{made.username}", {"password": made.password, "tags": "management"})
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        self.api("PUT", f"/api/permissions/{quoted}/{made.username}", everything)
        return made

    def drop_vhost(self, vhost: Vhost) -> None:
        """Remove the vhost and its user, and with them all connections to it."""
        self.api("DELETE", f"/api/users/{vhost.username}")
        self.api("DELETE", f"/api/vhosts/{urllib.parse.quote(vhost.vhost, safe='')}")

    @contextlib.contextmanager
    def vhost(self) -> Iterator[Vhost]:
        """Make a fresh vhost for the block; gone afterwards."""
        made = self.new_vhost()
        try:
            yield made
        finally:
            with contextlib.suppress(OSError):  # the test may have removed it, or the node; HTTPError is an OSError
                self.drop_vhost(made)
