"""What is scaled: a Deployment of real consumers, and a QueueConsumer that says no more than it must."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SECRET = "shop-rabbitmq"  # noqa: S105 - the name of a Secret
MESSAGES_PER_REPLICA = 10

HANDLER = '''"""Does nothing: the time until a message is handled is not what is measured."""


def handle(body, delivery):
    pass
'''


def handler(*, namespace: str) -> dict[str, Any]:
    """The ConfigMap with the consumers' handler."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "handler", "namespace": namespace},
        "data": {"app.py": HANDLER},
    }


def queue_consumer(*, name: str, namespace: str) -> dict[str, Any]:
    """A QueueConsumer with the defaults, but for `idleAfterSeconds`.

    It has no part in scaling up, and a shorter one makes the trials follow each other faster.
    """
    return {
        "apiVersion": "queueconsumer.dev/v1alpha1",
        "kind": "QueueConsumer",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "scaleTargetRef": {"name": name},
            "broker": {"secretName": SECRET},
            "queues": [{"name": name, "lag": {"scaleUpAbove": MESSAGES_PER_REPLICA}}],
            "maxReplicas": 5,
            "idleAfterSeconds": 1,
        },
    }


def deployment(*, name: str, namespace: str, image_prefix: str) -> dict[str, Any]:
    """Consumers of the queue of the same name, none at first."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "enableServiceLinks": False,
                    "automountServiceAccountToken": False,
                    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [_container(queue=name, image=f"{image_prefix}/consumer:dev")],
                    "volumes": [
                        {"name": "rabbitmq", "secret": {"secretName": SECRET}},
                        {"name": "handler", "configMap": {"name": "handler"}},
                    ],
                },
            },
        },
    }


def _container(*, queue: str, image: str) -> dict[str, Any]:
    return {
        "name": "consumer",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "env": [
            {"name": "CONSUMER_QUEUE", "value": queue},
            {"name": "CONSUMER_HANDLER", "value": "app:handle"},
            {"name": "SERVICE_BINDING_ROOT", "value": "/bindings"},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        ],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 9090}, "periodSeconds": 1},
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


def replicas(deployment: Mapping[str, Any]) -> int:
    """How many a Deployment asks for."""
    return int(deployment["spec"].get("replicas", 1))


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether a pod's Ready condition is True."""
    conditions = pod.get("status", {}).get("conditions", ())
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
