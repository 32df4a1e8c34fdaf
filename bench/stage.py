"""One queue with one Deployment of its consumers, and the clock: publishes a message and sees what comes of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pika
from kubernetes import client
from pika.adapters.blocking_connection import BlockingChannel

from bench.cluster import apply
from bench.failure import BenchError
from bench.watching import Watch
from bench.workload import deployment, is_ready, replicas

WRITTEN_SECONDS = 30
READY_SECONDS = 90
ZERO_SECONDS = 120
GONE_SECONDS = 90


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """What came of one message; times in seconds of the monotonic clock of this process."""

    confirmed: float
    """From the publish to the broker's confirm."""
    written: float
    """From the confirm to the arrival of the watch's event that shows replicas above zero."""
    ready: float | None
    """From the confirm to the arrival of the watch's event that shows the first pod Ready; None if it never was."""


class Stage:
    """A queue and a Deployment of the same name, watched."""

    def __init__(self, *, name: str, channel: BlockingChannel, deployments: Watch, pods: Watch) -> None:
        self.name = name
        self._channel = channel
        self._deployments = deployments
        self._pods = pods

    def send(self) -> Reaction:
        """Publish one message with a confirm, and wait for replicas and for the first pod that is Ready.

        Raises BenchError when replicas are not at zero before, or still are 30 s after.
        """
        self._deployments.catch_up()
        if self._asked_for():
            raise BenchError(f"{self.name} was scaled before the message came; something else writes to it")
        published = time.monotonic()
        self._channel.basic_publish(
            "",
            self.name,
            b"{}",
            pika.BasicProperties(delivery_mode=2, content_type="application/json"),
            mandatory=True,
        )
        confirmed = time.monotonic()
        written = self._deployments.until(
            lambda _: self._asked_for() > 0, within=WRITTEN_SECONDS, what=f"/scale of {self.name} is written"
        )
        ready: float | None = None
        with contextlib.suppress(BenchError):
            ready = self._pods.until(
                lambda pods: any(is_ready(pod) for pod in pods.values()), within=READY_SECONDS, what="a pod is Ready"
            )
        return Reaction(
            confirmed=confirmed - published,
            written=written - confirmed,
            ready=None if ready is None else ready - confirmed,
        )

    def rest(self) -> None:
        """Wait until replicas are back at zero, the pods gone, and the queue empty. Raises BenchError."""
        self._deployments.until(
            lambda _: self._asked_for() == 0, within=ZERO_SECONDS, what=f"{self.name} is back at zero replicas"
        )
        self._pods.until(lambda pods: not pods, within=GONE_SECONDS, what=f"the pods of {self.name} are gone")
        # A pod that went before it had worked gives its message back.
        self._channel.queue_purge(self.name)

    def _asked_for(self) -> int:
        return replicas(self._deployments.objects[self.name])


@contextlib.contextmanager
def staged(
    name: str, *, namespace: str, channel: BlockingChannel, queue_type: str, image_prefix: str
) -> Iterator[Stage]:
    """A new queue and Deployment, watched for the block."""
    channel.queue_declare(name, durable=True, arguments={"x-queue-type": queue_type})
    apply(deployment(name=name, namespace=namespace, image_prefix=image_prefix))
    deployments = Watch(
        client.AppsV1Api().list_namespaced_deployment, namespace=namespace, field_selector=f"metadata.name={name}"
    )
    with contextlib.closing(deployments):
        pods = Watch(client.CoreV1Api().list_namespaced_pod, namespace=namespace, label_selector=f"app={name}")
        with contextlib.closing(pods):
            yield Stage(name=name, channel=channel, deployments=deployments, pods=pods)
