"""The QueueConsumers of the scene, each with a target and a queue of its own."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any, Final

from tests.chaos.plane import OBJECTS, Plane, until
from tests.rabbitmq_vhost import Vhost

PER_REPLICA: Final = 10
SECRET: Final = "rabbitmq"
SEEN_WITHIN: Final = 20.0
"""Seconds after which a queue's depth is certainly no reason any more."""


@dataclass(kw_only=True)
class Member:
    """A QueueConsumer. Its target, its queue and itself have the same name.

    Where nothing else is said, it goes down as soon as it may, so that a queue wrongly taken for empty would show.
    """

    plane: Plane
    vhost: Vhost
    namespace: str
    name: str
    kind: str = "Deployment"
    before: int = 0
    """Replicas of the target before there is a QueueConsumer."""
    spec: dict[str, Any] = field(default_factory=dict)
    keeps: bool = False
    """Its replicas are to stay as they are, whatever is in the queue."""
    wants: list[tuple[float, int]] = field(default_factory=list)
    """Since when (of the wall clock) the queue has wanted how many replicas."""

    @property
    def wanted(self) -> int:
        """How many replicas the target should have."""
        return self.wants[-1][1]

    def create(self) -> None:
        """Make the queue, the target and the object."""
        self.vhost.declare(self.name)
        self.wants.append((time.time(), self.before if self.keeps else 0))
        self.create_target()
        self.create_object()

    def create_target(self) -> None:
        labels = {"app": self.name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "none.invalid/c"}]}}
        spec = {"replicas": self.before, "selector": {"matchLabels": labels}, "template": template}
        if self.kind == "StatefulSet":
            spec["serviceName"] = self.name
        assert self.plane.call("POST", self.targets, {"metadata": {"name": self.name}, "spec": spec})

    def create_object(self) -> None:
        assert self.plane.call("POST", f"{OBJECTS}/namespaces/{self.namespace}/queueconsumers", self.body())

    def body(self) -> dict[str, Any]:
        return {
            "apiVersion": "queueconsumer.dev/v1alpha1",
            "kind": "QueueConsumer",
            "metadata": {"name": self.name},
            "spec": {
                "scaleTargetRef": {"name": self.name, "kind": self.kind},
                "broker": {"secretName": SECRET},
                "queues": [{"name": self.name, "lag": {"scaleUpAbove": PER_REPLICA, "count": "Ready"}}],
                "maxReplicas": 50,
                "idleAfterSeconds": 1,
                "idleEvidence": "ReadyOnly",
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
                **self.spec,
            },
        }

    @property
    def targets(self) -> str:
        """The path of all targets of its kind."""
        return f"/apis/apps/v1/namespaces/{self.namespace}/{self.kind.lower()}s"

    @property
    def path(self) -> str:
        """Of the object."""
        return f"{OBJECTS}/namespaces/{self.namespace}/queueconsumers/{self.name}"

    def publish(self, messages: int) -> None:
        """Have so many more messages in the queue."""
        ready = self.vhost.ready(self.name) + messages
        # Wanted from the first of them on.
        self.wants.append((time.time(), math.ceil(ready / PER_REPLICA)))
        self.vhost.publish(self.name, [b"order"] * messages)

    def purge(self) -> None:
        """Have no messages in the queue."""
        with self.vhost.channel() as channel:
            channel.queue_purge(self.name)
        self.wants.append((time.time(), 0))

    def until_scaled(self, *, within: float) -> float:
        """Wait until the target is to have the replicas that the queue wants; seconds."""
        return until(
            lambda: self.replicas == self.wanted,
            within=within,
            what=lambda: f"{self.name} has {self.replicas} replicas and not {self.wanted}",
        )

    @property
    def replicas(self) -> int | None:
        """How many replicas the target is to have, None if it cannot be read."""
        target = self.plane.call("GET", f"{self.targets}/{self.name}")
        return None if target is None else int(target["spec"]["replicas"])

    def condition(self, kind: str = "Ready") -> tuple[str, str, str]:
        """Status, reason and message of a condition; empty where there is none."""
        answer = self.plane.call("GET", self.path) or {}
        for condition in answer.get("status", {}).get("conditions", []):
            if condition["type"] == kind:
                return condition["status"], condition["reason"], condition["message"]
        return "", "", ""

    @property
    def wrong(self) -> str:
        """What is not as it should be, or nothing."""
        replicas, (ready, reason, message) = self.replicas, self.condition()
        if replicas != self.wanted:
            return f"{self.name} has {replicas} replicas and not {self.wanted}"
        return "" if ready == "True" else f"{self.name} is not Ready: {reason}: {message}"

    def could_want(self, replicas: int, *, at: float) -> bool:
        """Whether a number may have been written at a time for what was in the queue then or shortly before."""
        numbers = [number for since, number in self.wants if at - SEEN_WITHIN < since <= at + 0.5]
        numbers += [number for since, number in self.wants if since <= at - SEEN_WITHIN][-1:]
        return bool(numbers) and min(numbers) <= replicas <= max(numbers)
