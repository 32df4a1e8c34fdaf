"""The metrics of an operator with many QueueConsumers on one broker, and a real Prometheus that scrapes them."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from prometheus_client import generate_latest

from examples.demo import prometheus_server
from examples.demo.prometheus_server import Prometheus
from qc_operator import metric_families as family
from qc_operator.metrics import Metrics
from qc_operator.registry import Key
from tests.dashboards.alert_rules import RULES
from tests.ports import free_ports


class Fleet:
    """An operator that serves `members` objects, all of them on one broker and with an objective."""

    def __init__(self, *, members: int, broker: str) -> None:
        self._metrics = Metrics()
        self._lock = threading.Lock()  # The operator has one thread for all this.
        self._metrics.watch_brokers(lambda: [(broker, self._connected)])
        self._connected = True
        self._metrics.leader.set(1)
        self._metrics.shards.set(1)
        self._metrics.resources.labels("ready").set(members)
        self._series = [self._metrics.objects.of(Key("shop", f"member-{number}")) for number in range(members)]
        for number, series in enumerate(self._series):
            name = f"member-{number}"
            series.set_rows(family.INFO, {("Deployment", name, broker, "shop", name, "lag,wait", "Scale"): 1})
            series.set_rows(family.READY_REASON, {("Scaling",): 1})
            series.set_rows(family.CONDITION, {("Ready",): 1})
            series.set(family.MISSED_SECONDS, 0)
            series.set(family.LAST_READING, time.time())

    def lose_the_broker(self) -> None:
        """No queue can be read from now on."""
        with self._lock:
            self._connected = False
            self._metrics.resources.labels("ready").set(0)
            self._metrics.resources.labels("not_ready").set(len(self._series))
            for series in self._series:
                series.set_rows(family.READY_REASON, {("BrokerUnreachable",): 1})
                series.set_rows(family.CONDITION, {("Ready",): 0, ("FallbackActive",): 1})

    def miss_objectives(self, *, seconds: int) -> None:
        """All of them have been late for so long."""
        with self._lock:
            for series in self._series:
                series.set(family.MISSED_SECONDS, seconds)

    @contextmanager
    def watched(self, folder: Path, *, alertmanager: str) -> Iterator[Prometheus]:
        """A Prometheus that scrapes this every two seconds, with the shipped rules: they wait 3 s for each minute."""
        rules = folder / "alerts.yaml"
        rules.write_text(re.sub(r"for: (\d+)m", lambda wait: f"for: {int(wait[1]) * 3}s", RULES.read_text()))
        fleet = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(fleet._exposition())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base class has it
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        target = {"targets": [f"127.0.0.1:{server.server_port}"]}
        configuration = {
            "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "3s"},
            "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "operator", "honor_labels": True, "static_configs": [target]}],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager.removeprefix("http://")]}]}]},
        }
        (port,) = free_ports(1)
        try:
            with prometheus_server.running(folder, configuration=configuration, port=port) as prometheus:
                yield prometheus
        finally:
            server.shutdown()
            server.server_close()

    def _exposition(self) -> bytes:
        with self._lock:
            self._metrics.last_turn.at = time.time()
            return b"".join(self._metrics.objects.pieces(openmetrics=False)) + generate_latest(self._metrics.process)
