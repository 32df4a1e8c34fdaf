"""A real RabbitMQ node for one test run, of this machine's release or of the newest that Debian has.

The node shares nothing with a broker that may already run on the machine: it has its own name, ports, data
folder, Erlang cookie and port mapper (epmd). It is stopped by process id, and the kernel ends it should the test
run be killed. A node keeps its data over `kill()` and `start()`, which is what the tests of durability rest on.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import secrets
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

from tests import rabbitmq_settings
from tests.certificates import Certificate, ServerTls
from tests.ports import free_ports
from tests.rabbitmq_process import NodeProcess
from tests.rabbitmq_release import release as find_release
from tests.rabbitmq_vhost import Vhost

START_SECONDS = 150.0
"""A node is up in about 5 s. Its threads wait for one another at each step of the way, so where other work keeps both
cores busy it takes many times as long: two nodes of a cluster have taken more than 60 s."""

AWKWARD = ":/@%?#&+= "
"""Put into each password: clients must cope with any character."""


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


class RabbitMQNode(NodeProcess):
    """One node; create, `start()`, use, `close()`.

    `release` is `3.10`, this machine's own, or `4`, the newest that Debian has. `plugins` come on top of management.
    `settings` are lines of rabbitmq.conf. `cluster_of` is a node that runs: this one joins it at its first start, and
    must be closed before it.
    """

    host = rabbitmq_settings.HOST
    username = rabbitmq_settings.USERNAME

    def __init__(
        self,
        *,
        release: str = "3.10",
        plugins: Sequence[str] = (),
        settings: Sequence[str] = (),
        tls: ServerTls | None = None,
        cluster_of: RabbitMQNode | None = None,
    ) -> None:
        found = find_release(release)
        self._ports = rabbitmq_settings.Ports.choose()
        self.password: str = cluster_of.password if cluster_of else secrets.token_urlsafe(12)
        self._cookie: str = cluster_of._cookie if cluster_of else secrets.token_hex(16)
        self._seed = cluster_of
        super().__init__(
            release=found,
            name=f"qc-{os.getpid()}-{self._ports.amqp}@localhost",
            distribution_port=self._ports.distribution,
            epmd_port=cluster_of._epmd_port if cluster_of else free_ports(1)[0],
            cookie=self._cookie,
        )
        rabbitmq_settings.write(
            self.folder,
            ports=self._ports,
            password=self.password,
            plugins=plugins,
            extra=settings,
            tls=tls,
            cluster=[cluster_of.name, self.name] if cluster_of else [],
        )

    @property
    def amqp_port(self) -> int:
        """Where AMQP is spoken."""
        return self._ports.amqp

    @property
    def amqps_port(self) -> int:
        """Where AMQP is spoken over TLS, if it was asked for."""
        return self._ports.amqps

    @property
    def management_uri(self) -> str:
        """The base of the management API."""
        return f"http://{self.host}:{self._ports.management}"

    @property
    def management_tls_uri(self) -> str:
        """The base of the management API over TLS, if it was asked for."""
        return f"https://{self.host}:{self._ports.management_tls}"

    @property
    def metrics_uri(self) -> str:
        """The base of the node's metrics, with the plugin rabbitmq_prometheus."""
        return f"http://{self.host}:{self._ports.metrics}"

    def start(self, *, wait: bool = True) -> None:
        """Start the node, again after `stop` or `kill`, with the data that it had."""
        self.launch(with_epmd=self._seed is None)
        if wait:
            self.wait_until_up()

    def wait_until_up(self) -> None:
        """Wait until AMQP and the management API answer, if that is on, and it is one of its cluster."""
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
            if not self.has_management:
                return True
            if self._seed is not None and len(self.api("GET", "/api/nodes")) == 1:
                return False
            overview = self.api("GET", "/api/overview")
            # Without statistics it has no list of listeners.
            return bool(overview["disable_stats"] or overview.get("listeners"))
        except (OSError, http.client.HTTPException):
            return False

    @property
    def has_management(self) -> bool:
        """Whether the management API is switched on."""
        return "rabbitmq_management" in (self.folder / "enabled_plugins").read_text()

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl and return its output; about half a second each, so prefer `api`."""
        return self.tool("rabbitmqctl", *arguments)

    def enable_plugin(self, name: str) -> None:
        """Switch a plugin on while the node runs, and for its next start."""
        self.tool("rabbitmq-plugins", "enable", name)

    def disable_plugin(self, name: str) -> None:
        """Switch a plugin off while the node runs, and for its next start: the node forgets its listeners at once."""
        self.tool("rabbitmq-plugins", "disable", name)

    def show_certificate(self, certificate: Certificate) -> None:
        """Show another certificate to connections that come from now on."""
        rabbitmq_settings.write_certificate(self.folder, certificate)
        # Erlang would look at the files again only after two minutes.
        self.ctl("eval", "ssl:clear_pem_cache().")

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

    def api(self, method: str, path: str, body: object = None, *, timeout: float = 30) -> Any:
        """Call the management API as administrator; the answer decoded, or None where there is none."""
        login = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - http on loopback
            self.management_uri + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
        )
        # A vhost took 10 s on a node that another one had just joined.
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310 - http on loopback
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
        self._put_vhost(quoted)
        # A node that has just joined starts it later than the first, or only when asked; it refuses connections before.
        until(lambda: self._runs_everywhere(quoted), every=0.1, within=30.0, what=f"{made.vhost} runs on all nodes")
        self.api("PUT", f"/api/users/{made.username}", {"password": made.password, "tags": "management"})
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        self.api("PUT", f"/api/permissions/{quoted}/{made.username}", everything)
        return made

    def _put_vhost(self, quoted: str) -> None:
        """Declare the vhost, and once more without an answer: nodes that have just joined wait for each other."""
        try:
            self.api("PUT", f"/api/vhosts/{quoted}", {}, timeout=20)
        except TimeoutError:
            self.api("PUT", f"/api/vhosts/{quoted}", {})

    def _runs_everywhere(self, quoted: str) -> bool:
        # An empty object comes as an empty list: no node has told of it yet.
        states = self.api("GET", f"/api/vhosts/{quoted}")["cluster_state"] or {}
        down = [node for node, state in states.items() if state != "running"]
        for node in down:
            with contextlib.suppress(urllib.error.HTTPError):  # not yet; asked again
                self.api("POST", f"/api/vhosts/{quoted}/start/{node}", {})
        return bool(states) and not down

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
