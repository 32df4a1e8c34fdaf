"""The tests' RabbitMQ in the cluster: the shop's manifests in a namespace of our own, reached by port-forward."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
import yaml

from tests.e2e.conftest import ROOT, Command

MANIFESTS = ROOT / "examples" / "shop" / "manifests"
USERNAME, PASSWORD, VHOST = "shop", "example-only", "shop"


@dataclass(frozen=True, kw_only=True)
class Broker:
    """A broker in the cluster and a port of this machine that leads to it."""

    namespace: str
    port: int

    @contextlib.contextmanager
    def channel(self) -> Iterator[Any]:
        login = pika.PlainCredentials(USERNAME, PASSWORD)
        connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.port, VHOST, login))
        try:
            yield connection.channel()
        finally:
            connection.close()

    def declare(self, queue: str) -> None:
        with self.channel() as channel:
            channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})

    def purge(self, queue: str) -> None:
        with self.channel() as channel:
            channel.queue_purge(queue)

    def publish(self, queue: str, *, count: int, seconds: float, done: str, first: int = 0) -> None:
        """Publish confirmed messages that each mean so many seconds of work."""
        with self.channel() as channel:
            channel.confirm_delivery()
            for number in range(first, first + count):
                body = json.dumps({"id": number, "seconds": seconds, "done": done}).encode()
                properties = pika.BasicProperties(delivery_mode=2, content_type="application/json")
                channel.basic_publish("", queue, body, properties, mandatory=True)

    def taken(self, queue: str) -> list[dict[str, Any]]:
        """Take what the consumers have told on a queue."""
        with self.channel() as channel:
            bodies = []
            while (message := channel.basic_get(queue, auto_ack=True))[0] is not None:
                bodies.append(json.loads(message[2]))
            return bodies

    def ready(self, queue: str) -> int:
        with self.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).method.message_count)


@contextlib.contextmanager
def running(*, namespace: str, kubectl: Command, kubeconfig: str, program: str) -> Iterator[Broker]:
    """Start a broker in the namespace, and forward a port to it for the block."""
    kubectl("apply", "-f", "-", stdin=manifests(namespace))
    kubectl("-n", namespace, "rollout", "status", "statefulset/rabbitmq", "--timeout=180s")
    with _forwarded(namespace=namespace, kubeconfig=kubeconfig, program=program) as port:
        yield Broker(namespace=namespace, port=port)


def manifests(namespace: str) -> str:
    """The shop's broker and Secret, moved to a namespace."""
    moved = []
    for file in ("10-broker-secret.yaml", "20-rabbitmq.yaml"):
        for document in yaml.safe_load_all((MANIFESTS / file).read_text()):
            document["metadata"]["namespace"] = namespace
            if document["kind"] == "Secret":
                text = document["stringData"]
                document["stringData"] = {
                    key: value.replace(".shop.svc", f".{namespace}.svc") for key, value in text.items()
                }
            moved.append(document)
    return yaml.safe_dump_all(moved)


@contextlib.contextmanager
def _forwarded(*, namespace: str, kubeconfig: str, program: str) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = Path("/dev/null").open("wb")  # noqa: SIM115 - closed below, with the process
    command = [
        program,
        f"--kubeconfig={kubeconfig}",
        "-n",
        namespace,
        "port-forward",
        "service/rabbitmq",
        f"{port}:5672",
    ]
    process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert time.monotonic() < deadline, "kubectl port-forward did not come up within 30 s"
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)
        log.close()
