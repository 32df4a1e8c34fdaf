"""What a fleet is made of: vhosts with queues, and in a namespace for each vhost the targets and QueueConsumers."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pika

from bench.failure import BenchError
from bench.fleet_cluster import GROUP, FleetCluster
from bench.reader_broker import Broker, queue_name
from tests.rabbitmq_vhost import Vhost

VHOSTS: Final = 10
SECRET: Final = "rabbitmq"  # noqa: S105 - a name
MAX_REPLICAS: Final = 10
SCALE_UP_ABOVE: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One QueueConsumer of the fleet, its target and its queue, which all have the same name."""

    namespace: str
    name: str
    vhost: Vhost

    def deployment(self) -> dict[str, Any]:
        """Its target, at zero."""
        labels = {"app": self.name}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "consumer", "image": "example.com/consumer:1"}]},
                },
            },
        }

    def queue_consumer(self, *, max_replicas: int = MAX_REPLICAS) -> dict[str, Any]:
        """The object itself."""
        return {
            "apiVersion": "queueconsumer.dev/v1alpha1",
            "kind": "QueueConsumer",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {
                "scaleTargetRef": {"name": self.name},
                "broker": {"secretName": SECRET},
                "queues": [{"name": self.name, "lag": {"scaleUpAbove": SCALE_UP_ABOVE}}],
                "maxReplicas": max_replicas,
            },
        }

    def publish(self, messages: int = 1) -> None:
        """Put messages into its queue; returns when the broker has confirmed them."""
        publish([self], messages=messages)

    def purge(self) -> None:
        """Empty its queue."""
        with self.vhost.channel() as channel:
            channel.queue_purge(self.name)


def publish(members: Sequence[Member], *, messages: int = 1) -> None:
    """Put messages into the queues of members of one vhost over one connection; each is confirmed."""
    with members[0].vhost.channel() as channel:
        channel.confirm_delivery()
        for member in members:
            for _ in range(messages):
                channel.basic_publish("", member.name, b"order", pika.BasicProperties(delivery_mode=2))


def make_queues(broker: Broker, *, members: int) -> list[Member]:
    """Make the vhosts and the queues of so many members."""
    vhosts = [broker.vhost(queues=-(-members // VHOSTS)) for _ in range(VHOSTS)]
    return [
        Member(namespace=f"fleet-{number % VHOSTS}", name=queue_name(number // VHOSTS), vhost=vhosts[number % VHOSTS])
        for number in range(members)
    ]


async def make_objects(cluster: FleetCluster, members: Sequence[Member]) -> None:
    """Make the namespaces with their Secrets, the targets and the QueueConsumers."""
    for member in members[:VHOSTS]:
        await cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": member.namespace}})
        data = {
            "host": member.vhost.host,
            "port": str(member.vhost.port),
            "username": member.vhost.username,
            "password": member.vhost.password,
            "vhost": member.vhost.vhost,
            "management_uri": member.vhost.management_uri,
        }
        secret = {"metadata": {"name": SECRET}, "stringData": data}
        await cluster.call("POST", f"/api/v1/namespaces/{member.namespace}/secrets", secret)
    await cluster.all(functools.partial(create, cluster, member) for member in members)


async def create(cluster: FleetCluster, member: Member) -> None:
    """Make one target and its QueueConsumer."""
    path = f"/apis/apps/v1/namespaces/{member.namespace}/deployments"
    await cluster.call("POST", path, member.deployment())
    await cluster.call("POST", f"{GROUP}/namespaces/{member.namespace}/queueconsumers", member.queue_consumer())


async def delete(cluster: FleetCluster, member: Member) -> None:
    """Take one QueueConsumer and its target away."""
    await cluster.call("DELETE", f"{GROUP}/namespaces/{member.namespace}/queueconsumers/{member.name}")
    await cluster.call("DELETE", f"/apis/apps/v1/namespaces/{member.namespace}/deployments/{member.name}")


async def at_zero_again(cluster: FleetCluster, members: Sequence[Member], *, within: float) -> None:
    """Empty the queues of members, and wait until their targets are at zero. Raises BenchError after `within` s."""
    for member in members:
        await asyncio.to_thread(member.purge)
    deadline = time.monotonic() + within
    for member in members:
        path = f"/apis/apps/v1/namespaces/{member.namespace}/deployments/{member.name}"
        while (await cluster.call("GET", path))["spec"]["replicas"]:
            if time.monotonic() > deadline:
                raise BenchError(f"{member.namespace}/{member.name} is not at zero {within:.0f} s later")
            await asyncio.sleep(1)
