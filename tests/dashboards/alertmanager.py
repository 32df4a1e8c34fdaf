"""A real Alertmanager on loopback, and a pager that counts what it is sent."""

import json
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import yaml

from tests.dashboards.alert_rules import RULES
from tests.ports import free_ports
from tests.rabbitmq_node import until

INHIBITION: Final = RULES.with_name("inhibition.yaml")


class Pager:
    """What Alertmanager has sent, one entry for a notification."""

    def __init__(self) -> None:
        self.notifications: list[dict[str, Any]] = []
        pager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                pager.notifications.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base class has it
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Where it is paged."""
        return f"http://127.0.0.1:{self.server.server_port}/"


def configuration(*, pager: str) -> dict[str, Any]:
    """Page for what is critical, one notification for each alert's name, with the inhibition that the chart ships."""
    return {
        "route": {
            "receiver": "nobody",
            "group_by": ["alertname"],
            "group_wait": "1s",
            "group_interval": "1s",
            "routes": [{"receiver": "pager", "matchers": ['severity = "critical"']}],
        },
        "receivers": [{"name": "nobody"}, {"name": "pager", "webhook_configs": [{"url": pager}]}],
        **yaml.safe_load(INHIBITION.read_text()),
    }


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, Pager]]:
    """Its address and its pager, until the block ends."""
    pager = Pager()
    config = folder / "alertmanager.yaml"
    config.write_text(yaml.safe_dump(configuration(pager=pager.url)))
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    threading.Thread(target=pager.server.serve_forever, daemon=True).start()
    process = subprocess.Popen(
        [
            "prometheus-alertmanager",
            f"--config.file={config}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _ready(address), what="Alertmanager to be ready", within=30)
        yield f"http://{address}", pager
    finally:
        process.terminate()
        process.wait(timeout=20)
        pager.server.shutdown()
        pager.server.server_close()


def post(address: str, alerts: list[dict[str, str]]) -> None:
    """Have these alerts fire, each given by its labels."""
    request = urllib.request.Request(  # noqa: S310 - an address on loopback that was made here
        f"{address}/api/v2/alerts",
        data=json.dumps([{"labels": labels} for labels in alerts]).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20):  # noqa: S310 - likewise
        pass


def suppressed(address: str) -> int:
    """How many alerts are held back now."""
    with urllib.request.urlopen(f"{address}/api/v2/alerts", timeout=20) as answer:  # noqa: S310 - likewise
        return sum(alert["status"]["state"] == "suppressed" for alert in json.load(answer))


def _ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/-/ready", timeout=2):
            return True
    except OSError:
        return False
