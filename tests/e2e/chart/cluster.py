"""What is scaled while a release comes, changes and goes, and what the API server says of both."""

import json
import subprocess
from typing import Any, Final

import yaml

from tests.e2e.conftest import SYSTEM, Command

DEFINITION: Final = "queueconsumers.queueconsumer.dev"
NAMESPACE: Final = "chart-lifecycle"
AMQP: Final = 5672
OTHER: Final = 8000
SERVERS: Final = (
    "import http.server as h, threading as t\n"
    f"for port in {AMQP, OTHER}:\n"
    "    t.Thread(target=h.HTTPServer(('', port), h.SimpleHTTPRequestHandler).serve_forever).start()"
)


def target(name: str) -> str:
    """A Deployment, and a QueueConsumer that a pause has keep it at two replicas; no broker is needed.

    Its pods answer to HTTP at a broker's port and at another one.
    """
    labels = {"app": name}
    container = {
        "name": "idle",
        "image": "localhost/queueconsumer/operator:dev",
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", SERVERS],
    }
    metadata = {"name": name, "namespace": NAMESPACE}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
            },
        },
    }
    consumer = {
        "apiVersion": "queueconsumer.dev/v1alpha1",
        "kind": "QueueConsumer",
        "metadata": {**metadata, "annotations": {"queueconsumer.dev/paused-replicas": "2"}},
        "spec": {
            "scaleTargetRef": {"name": name},
            "broker": {"secretName": "none"},
            "queues": [{"name": "none", "lag": {"scaleUpAbove": 1}}],
            "maxReplicas": 2,
        },
    }
    return yaml.safe_dump_all([deployment, consumer])


class Cluster:
    """What the test asks the API server."""

    def __init__(self, kubectl: Command) -> None:
        self.kubectl = kubectl

    def get(self, *what: str) -> dict[str, Any]:
        """One object, or a list of them."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *what, "--output=json"))
        return found

    def names(self, *what: str) -> set[str]:
        return {f"{item['kind']}/{item['metadata']['name']}" for item in self.get(*what)["items"]}

    def replicas(self, name: str) -> int:
        wanted: int = self.get("deployment", name, "--namespace", NAMESPACE)["spec"]["replicas"]
        return wanted

    def has_leader(self) -> bool:
        """Whether the pod that holds the Lease is there to stay."""
        lease = self.get("lease", "queueconsumer-operator", "--namespace", SYSTEM)
        leader = lease["spec"].get("holderIdentity", "").rpartition("_")[0]
        pods = self.get("pods", "--namespace", SYSTEM)["items"]
        return leader in {pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}

    def restarted(self, count: int) -> bool:
        """Whether so many pods of the operator are ready after a restart."""
        pods = self.get("pods", "--namespace", SYSTEM)["items"]
        states = [pod["status"]["containerStatuses"][0] for pod in pods]
        return len([each for each in states if each["ready"] and each["restartCount"]]) == count

    def reaches(self, sender: dict[str, Any], receiver: dict[str, Any], port: int) -> bool:
        """Whether a program in one pod is let through to a port of another one."""
        address = receiver["status"]["podIP"]
        program = f"import socket; socket.create_connection(({address!r}, {port}), timeout=5)"
        metadata = sender["metadata"]
        place = (metadata["name"], f"--namespace={metadata['namespace']}")
        done = subprocess.run(
            ["kubectl", "exec", *place, "--", "python", "-c", program], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0 or "ConnectionRefusedError" in done.stderr, done.stderr
        return done.returncode == 0

    def schema(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.get("customresourcedefinition", DEFINITION)["spec"]
        versions: dict[str, Any] = spec["versions"][0]["schema"]
        return versions

    def may(self, verb: str, *, role: str) -> bool:
        """Whether a person to whom Kubernetes' own role is bound in the namespace may do so with QueueConsumers."""
        return self._allowed(verb, "queueconsumers", namespace=NAMESPACE, who=f"{role}-person")

    def operator_may(self, verb: str, resource: str, *, namespace: str) -> bool:
        """Whether the operator's pods may do so in a namespace."""
        account = f"system:serviceaccount:{SYSTEM}:queueconsumer-operator"
        return self._allowed(verb, resource, namespace=namespace, who=account)

    def _allowed(self, verb: str, resource: str, *, namespace: str, who: str) -> bool:
        # It exits with 1 where the answer is no.
        done = subprocess.run(
            ["kubectl", "auth", "can-i", verb, resource, f"--namespace={namespace}", f"--as={who}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        # A no may be followed by why.
        answer = done.stdout.split()[:1]
        assert answer in (["yes"], ["no"]), done.stderr
        return answer == ["yes"]
