"""A RabbitMQ in the cluster, and a way from this process to it that is as short as the cluster allows."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pika
import yaml
from pika.adapters.blocking_connection import BlockingChannel

from bench.cluster import apply, kubectl
from bench.failure import BenchError
from bench.machine import PROJECT

MANIFESTS = PROJECT / "examples" / "shop" / "manifests"


@dataclass(frozen=True, kw_only=True)
class Broker:
    """Where the broker is, as seen from this machine."""

    host: str
    port: int
    route: str
    """How its port is reached, in words."""
    login: dict[str, str]

    @contextlib.contextmanager
    def channel(self) -> Iterator[BlockingChannel]:
        """Open a connection and a channel with publisher confirms for the block."""
        parameters = pika.ConnectionParameters(
            host=self.host,
            port=self.port,
            virtual_host=self.login["vhost"],
            credentials=pika.PlainCredentials(self.login["username"], self.login["password"]),
            # Nothing answers heartbeats while the bench waits for a pod; the connection is this machine's own.
            heartbeat=0,
        )
        with contextlib.closing(pika.BlockingConnection(parameters)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            yield channel

    def version(self) -> str:
        """RabbitMQ's version and its Erlang's, as `connection.start` tells them (AMQP 0-9-1, 1.4.2.1)."""
        with self.channel() as channel:
            properties = channel.connection._impl.server_properties  # noqa: SLF001 - pika shows them nowhere else
        return f"{_text(properties['version'])} ({_text(properties['platform'])})"


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@contextlib.contextmanager
def running(*, namespace: str) -> Iterator[Broker]:
    """Start the shop's broker in a namespace and yield it once a connection opens."""
    objects = _manifests(namespace)
    apply(*objects)
    kubectl("-n", namespace, "rollout", "status", "statefulset/rabbitmq", "--timeout=180s")
    login = next(each["stringData"] for each in objects if each["kind"] == "Secret")
    service = json.loads(kubectl("-n", namespace, "get", "service", "rabbitmq", "-o", "json"))
    address, port = service["spec"]["clusterIP"], 5672
    if _answers(address, port, within=5):
        yield Broker(host=address, port=port, route=f"the Service's address {address}", login=login)
        return
    with _forwarded(namespace) as local:
        yield Broker(host="127.0.0.1", port=local, route="kubectl port-forward", login=login)


def _manifests(namespace: str) -> list[dict[str, Any]]:
    """The shop's broker and Secret, moved to a namespace."""
    text = "\n---\n".join((MANIFESTS / file).read_text() for file in ("10-broker-secret.yaml", "20-rabbitmq.yaml"))
    objects = [each for each in yaml.safe_load_all(text.replace(".shop.svc", f".{namespace}.svc")) if each]
    for each in objects:
        each["metadata"]["namespace"] = namespace
    return objects


def _answers(host: str, port: int, *, within: float) -> bool:
    """Whether anything accepts a connection: on a cluster elsewhere a Service's address leads nowhere."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=2):
            return True
        time.sleep(0.2)
    return False


@contextlib.contextmanager
def _forwarded(namespace: str) -> Iterator[int]:
    """Forward a free port of this machine to the broker's."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["kubectl", "-n", namespace, "port-forward", "service/rabbitmq", f"{port}:5672"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own words
    try:
        if not _answers("127.0.0.1", port, within=30):
            raise BenchError(f"`{' '.join(command)}` gave no connection within 30 s")
        yield port
    finally:
        process.terminate()
        process.wait(10)
