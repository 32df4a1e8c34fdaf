"""The cluster that KUBECONFIG names, and this checkout's operator installed in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kubernetes import client, config

ROOT = Path(__file__).parents[2]
SYSTEM = "queueconsumer-system"
RELEASE = "queueconsumer"
IMAGES = ("operator", "consumer", "rabbitmq")

Command = Callable[..., str]
"""Runs a program with these arguments and returns its output; fails the test with what it said."""


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    path = os.environ.get("KUBECONFIG")
    if not path:
        pytest.fail(
            "KUBECONFIG is not set: these tests need a cluster. `python -m devcluster up` starts one, and "
            "`export KUBECONFIG=$(python -m devcluster kubeconfig)` names it."
        )
    return path


@pytest.fixture(scope="session")
def cluster(kubeconfig: str) -> Iterator[client.ApiClient]:
    """A client of the cluster that KUBECONFIG names."""
    with config.new_client_from_config(config_file=kubeconfig) as api_client:
        yield api_client


def run(*command: str, stdin: str | None = None, seconds: float = 300) -> str:
    """Run a program from the root of the project; fails the test with its output when it fails."""
    done = subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not on PATH: `export PATH=$(python -m devcluster tools):$PATH`")
    return found


@pytest.fixture(scope="session")
def kubectl(kubeconfig: str) -> Command:
    program = _program("kubectl")
    return lambda *arguments, **named: run(program, f"--kubeconfig={kubeconfig}", *arguments, **named)


@pytest.fixture(scope="session")
def operator(kubectl: Command) -> Iterator[str]:
    """The operator of this checkout, installed by its chart; the name of its Deployment."""
    run(sys.executable, "-m", "devcluster", "load", *IMAGES, seconds=900)
    helm = _program("helm")
    run(
        helm, "upgrade", "--install", RELEASE, "charts/queueconsumer-operator",
        "--namespace", SYSTEM, "--create-namespace", "--take-ownership", "--force-conflicts",
        "--set", "image.repository=localhost/queueconsumer/operator", "--set", "image.tag=dev",
        "--set", "logLevel=INFO", "--wait", "--timeout", "180s",
    )  # fmt: skip
    yield "queueconsumer-operator"
    run(helm, "uninstall", RELEASE, "--namespace", SYSTEM, "--wait")
    kubectl("delete", "namespace", SYSTEM, "--timeout=60s")
