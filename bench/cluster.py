"""The cluster that KUBECONFIG names, the operator in it, and a namespace for the measurement."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from rich.console import Console

from bench.failure import BenchError
from bench.machine import PROJECT

RELEASE = "queueconsumer"
SYSTEM = "queueconsumer-system"
OPERATOR = "app.kubernetes.io/name=queueconsumer-operator"
IMAGES = ("operator", "consumer", "rabbitmq")
LOCAL_PREFIX = "localhost/queueconsumer"


def run(*command: str, stdin: str | None = None, seconds: float = 300) -> str:
    """Run a program in the project's folder and return what it printed. Raises BenchError when it fails."""
    name = " ".join(command[:4])
    try:
        done = subprocess.run(  # noqa: S603 - kubectl, helm and our own modules, with arguments of our own
            command, cwd=PROJECT, input=stdin, capture_output=True, text=True, timeout=seconds, check=False
        )
    except FileNotFoundError:
        raise BenchError(f"{command[0]} is not on PATH: `export PATH=$(python -m devcluster tools):$PATH`") from None
    except subprocess.TimeoutExpired:
        raise BenchError(f"`{name}` did not end within {seconds:.0f} s") from None
    if done.returncode:
        raise BenchError(f"`{name}` ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout


def kubectl(*arguments: str, stdin: str | None = None, seconds: float = 300) -> str:
    """Run kubectl; see run()."""
    return run("kubectl", *arguments, stdin=stdin, seconds=seconds)


def apply(*objects: dict[str, Any]) -> None:
    """Create or change objects."""
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


def image_prefix() -> str:
    """Where the cluster finds our images: IMAGE_PREFIX on a cluster of somebody's, devcluster's own otherwise."""
    return os.environ.get("IMAGE_PREFIX", LOCAL_PREFIX).rstrip("/")


def load_images(console: Console) -> None:
    """Build what has changed and load it into devcluster; a cluster elsewhere pulls its images."""
    if os.environ.get("DEMO_CLUSTER") == "current":
        console.print(f"the cluster pulls its images from {image_prefix()}")
        return
    console.print("building and loading the images, as far as they have changed")
    run(sys.executable, "-m", "devcluster", "load", *IMAGES, seconds=1200)


@contextlib.contextmanager
def operator(console: Console) -> Iterator[dict[str, str]]:
    """The operator, installed by its chart with defaults; yields what runs. Left alone if it was there already."""
    there = RELEASE in run("helm", "list", "--namespace", SYSTEM, "--short").split()
    if there:
        console.print(f"using the release {RELEASE} in {SYSTEM}, which was there already")
    else:
        console.print("installing the operator by its chart, with defaults")
        run(
            "helm", "upgrade", "--install", RELEASE, "charts/queueconsumer-operator", "--namespace", SYSTEM,
            "--create-namespace", "--take-ownership", "--set", f"image.repository={image_prefix()}/operator",
            "--set", "image.tag=dev", "--wait", "--timeout", "180s",
        )  # fmt: skip
    try:
        yield _installed()
    finally:
        if not there:
            run("helm", "uninstall", RELEASE, "--namespace", SYSTEM, "--wait")
            kubectl("delete", "namespace", SYSTEM, "--timeout=100s")


def _installed() -> dict[str, str]:
    """What runs: the image, and values of the chart other than the image's. Raises BenchError unless it is one pod."""
    pods = json.loads(kubectl("get", "pods", "-A", "-l", OPERATOR, "-o", "json"))["items"]
    if len(pods) != 1:
        raise BenchError(f"there are {len(pods)} pods of operators in the cluster; figures are only true of one")
    status = pods[0]["status"]["containerStatuses"][0]
    values = json.loads(run("helm", "get", "values", RELEASE, "--namespace", SYSTEM, "--output", "json")) or {}
    values.pop("image", None)
    return {"operator_image": status["imageID"].removeprefix("sha256:")[:12], "chart_values": json.dumps(values)}


@contextlib.contextmanager
def namespace(name: str) -> Iterator[None]:
    """Make a namespace of restricted pods for the block, and take it away with all that is in it."""
    kubectl("delete", "namespace", name, "--ignore-not-found", "--timeout=120s")
    kubectl("create", "namespace", name)
    try:
        kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
        yield
    finally:
        kubectl("delete", "namespace", name, "--timeout=120s")


def other_queue_consumers(namespace: str) -> int:
    """How many QueueConsumers there are in other namespaces."""
    names = kubectl("get", "queueconsumers", "-A", "-o", "jsonpath={.items[*].metadata.namespace}").split()
    return sum(name != namespace for name in names)
