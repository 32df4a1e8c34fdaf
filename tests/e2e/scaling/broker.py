"""The tests' RabbitMQ in the cluster: the shop's manifests in a namespace of our own, reached by port-forward."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

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

    def declare(self, queue: str, **arguments: object) -> None:
        """Declare a quorum queue, or what `x_queue_type` and other arguments make of it."""
        given = {"x-queue-type": "quorum"} | {name.replace("_", "-"): value for name, value in arguments.items()}
        with self.channel() as channel:
            channel.queue_declare(queue, durable=True, arguments=given)

    def delete(self, queue: str) -> None:
        with self.channel() as channel:
            channel.queue_delete(queue)

    def purge(self, queue: str) -> None:
        with self.channel() as channel:
            channel.queue_purge(queue)

    def publish(self, queue: str, *, count: int, seconds: float, done: str, first: int = 0) -> None:
        """Publish messages that each mean so many seconds of work, as one burst; returns when all are confirmed.

        A transaction, so that the broker takes all of them at one moment, however slow the port-forward is, and answers
        once, when all are in the queue. A confirm for each would spread them over several readings of the operator.
        """
        with self.channel() as channel:
            # A queue that is not there is an error here; without it the broker would drop what is for it.
            channel.queue_declare(queue, passive=True)
            channel.tx_select()
            for number in range(first, first + count):
                body = json.dumps({"id": number, "seconds": seconds, "done": done}).encode()
                properties = pika.BasicProperties(delivery_mode=2, content_type="application/json")
                channel.basic_publish("", queue, body, properties)
            channel.tx_commit()

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
    """A port that kubectl picks itself: one that was only found free could be another program's by then."""
    command = [program, f"--kubeconfig={kubeconfig}", "-n", namespace, "port-forward", "service/rabbitmq", ":5672"]
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT) as process,
    ):
        try:
            yield _port(process, said)
        finally:
            process.terminate()


def _port(process: subprocess.Popen[bytes], said: IO[str]) -> int:
    deadline = time.monotonic() + 30
    while True:
        said.seek(0)
        text = said.read()
        if found := re.search(r"^Forwarding from 127\.0\.0\.1:(\d+) ", text, re.MULTILINE):
            return int(found[1])
        assert process.poll() is None, f"kubectl port-forward ended with {process.returncode}: {text}"
        assert time.monotonic() < deadline, f"kubectl port-forward did not come up within 30 s: {text}"
        time.sleep(0.1)
