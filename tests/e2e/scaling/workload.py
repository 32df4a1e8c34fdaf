"""A queue, a Deployment of real consumers and a QueueConsumer: what most tests here are about."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import Command
from tests.e2e.scaling.broker import Broker

HANDLER = Path(__file__).parent / "app.py"
SECRET = "shop-rabbitmq"


@dataclass(kw_only=True)
class Workload:
    """Everything of one name: queue, Deployment, QueueConsumer."""

    name: str
    namespace: str
    kubectl: Command
    broker: Broker
    spec: dict[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> str:
        """The queue on which its consumers tell what they have done."""
        return f"{self.name}-done"

    def declare(self) -> None:
        """Declare both queues."""
        self.broker.declare(self.name)
        self.broker.declare(self.done)

    def apply(self, **spec: Any) -> None:
        """Create Deployment and QueueConsumer, or change the QueueConsumer."""
        self.spec |= spec
        self._kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all([*self._consumers(), self.queue_consumer()]))

    def queue_consumer(self) -> dict[str, Any]:
        """The QueueConsumer as it is applied."""
        return {
            "apiVersion": "queueconsumer.dev/v1alpha1",
            "kind": "QueueConsumer",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {
                "scaleTargetRef": {"name": self.name},
                "broker": {"secretName": SECRET},
                "queues": [{"name": self.name, "lag": {"scaleUpAbove": 10, "scaleDownBelow": 4}}],
                "maxReplicas": 5,
                "idleAfterSeconds": 8,
            }
            | self.spec,
        }

    def publish(self, count: int, *, seconds: float, first: int = 0) -> None:
        """Publish messages that each mean so many seconds of work."""
        self.broker.publish(self.name, count=count, seconds=seconds, done=self.done, first=first)

    @property
    def replicas(self) -> int:
        """What the Deployment asks for."""
        return int(self._get("deployment")["spec"].get("replicas", 1))

    @property
    def ready_replicas(self) -> int:
        """How many of its pods are Ready."""
        return int(self._get("deployment").get("status", {}).get("readyReplicas", 0))

    @property
    def status(self) -> dict[str, Any]:
        """The QueueConsumer's status."""
        return dict(self._get("queueconsumer").get("status", {}))

    def condition(self, kind: str) -> tuple[str, str, str]:
        """Status, reason and message of a condition."""
        for condition in self.status.get("conditions", []):
            if condition["type"] == kind:
                return condition["status"], condition["reason"], condition["message"]
        return "", "", ""

    def events(self) -> list[tuple[str, str]]:
        """Reason and note of the events about the QueueConsumer, oldest first."""
        found = json.loads(
            self._kubectl(
                "get",
                "events",
                "-o",
                "json",
                f"--field-selector=involvedObject.name={self.name},involvedObject.kind=QueueConsumer",
            )
        )["items"]
        return [(e["reason"], e["message"]) for e in sorted(found, key=lambda e: e.get("eventTime") or "")]

    def event_reasons(self) -> list[str]:
        """The reasons of these events. They, and the status, are written a moment after the replicas: wait for them."""
        return [reason for reason, _ in self.events()]

    def changes(self) -> list[tuple[int, int]]:
        """From how many replicas to how many, oldest change first, as the status tells."""
        return [(change["from"], change["to"]) for change in reversed(self.status.get("history", []))]

    @property
    def in_work(self) -> int | None:
        """How many messages are unacknowledged, as the status tells; None while that is unknown."""
        queues = self.status.get("queues", [])
        return queues[0].get("unacknowledged") if queues else None

    def until(self, condition: Callable[[], Any], *, within: float, what: str) -> Any:
        """Wait for the condition; fails with the whole status otherwise."""
        deadline = time.monotonic() + within
        while not (value := condition()):
            if time.monotonic() > deadline:
                pytest.fail(
                    f"not within {within} s: {what}. replicas {self.replicas}; {json.dumps(self.status, indent=1)}"
                )
            time.sleep(0.2)
        return value

    def stays_at(self, replicas: int, *, seconds: float) -> None:
        """Look for so long that the Deployment asks for this and nothing else."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert replicas == self.replicas, json.dumps(self.status, indent=1)
            time.sleep(0.5)

    def delete(self) -> None:
        """Take the QueueConsumer away, then its consumers at once."""
        self._kubectl("delete", "queueconsumer", self.name, "--ignore-not-found")
        self._kubectl("delete", "deployment", self.name, "--ignore-not-found", "--wait=false")
        self._kubectl("delete", "pod", "-l", f"app={self.name}", "--force", "--grace-period=0", "--wait=false")

    def _get(self, kind: str) -> dict[str, Any]:
        return dict(json.loads(self._kubectl("get", kind, self.name, "-o", "json")))

    def _kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self.kubectl("-n", self.namespace, *arguments, stdin=stdin)

    def _consumers(self) -> list[dict[str, Any]]:
        return [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "handler", "namespace": self.namespace},
                "data": {"app.py": HANDLER.read_text()},
            },
            deployment(name=self.name, namespace=self.namespace),
        ]


def deployment(*, name: str, namespace: str) -> dict[str, Any]:
    """A Deployment of the consumer image with our handler. It names no replicas: they are the operator's."""
    container = {
        "name": "consumer",
        "image": "localhost/queueconsumer/consumer:dev",
        "imagePullPolicy": "IfNotPresent",
        "env": [
            {"name": "CONSUMER_QUEUE", "value": name},
            {"name": "CONSUMER_HANDLER", "value": "app:handle"},
            {"name": "SERVICE_BINDING_ROOT", "value": "/bindings"},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        ],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 9090}, "periodSeconds": 1, "failureThreshold": 30},
        "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "rabbitmq", "mountPath": "/bindings/rabbitmq", "readOnly": True},
            {"name": "handler", "mountPath": "/app", "readOnly": True},
        ],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "enableServiceLinks": False,
                    "automountServiceAccountToken": False,
                    "terminationGracePeriodSeconds": 40,
                    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [container],
                    "volumes": [
                        {"name": "rabbitmq", "secret": {"secretName": SECRET}},
                        {"name": "handler", "configMap": {"name": "handler"}},
                    ],
                },
            },
        },
    }
