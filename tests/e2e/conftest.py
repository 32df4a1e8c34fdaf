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
FOLDER = Path(__file__).parent

MOST_SECONDS = 1800
"""For one test with the fixtures that it is the first to need. Every wait in them has a shorter deadline of its own and
says what it waited for; their sum, with images that are still to be built, is less than this."""

Command = Callable[..., str]
"""Runs a program with these arguments and returns its output; fails the test with what it said."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # One release of the operator serves a cluster: the test that installs its own comes before those that share one.
    items.sort(key=lambda item: item.path.is_relative_to(FOLDER) and not item.path.is_relative_to(FOLDER / "chart"))
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.timeout(MOST_SECONDS))


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
def helm(kubeconfig: str) -> Command:
    program = _program("helm")
    return lambda *arguments, **named: run(program, f"--kubeconfig={kubeconfig}", *arguments, **named)


def delete_namespace(kubectl: Command, name: str) -> None:
    """Delete a namespace that may be there, or be going already, and wait until it is gone."""
    kubectl("delete", "namespace", name, "--ignore-not-found", "--timeout=120s")


@pytest.fixture(scope="session")
def operator(kubectl: Command, helm: Command) -> Iterator[str]:
    """The operator of this checkout, installed by its chart; the name of its Deployment.

    What an aborted run has left of it is gone before: Helm refuses a release that is half installed, and the API server
    refuses objects in a namespace that is going.
    """
    # Quick where tests.with_cluster has done it; a run without that builds them here.
    run(sys.executable, "-m", "devcluster", "load", *IMAGES, seconds=900)
    helm("uninstall", RELEASE, "--namespace", SYSTEM, "--ignore-not-found", "--wait", "--timeout", "120s")
    delete_namespace(kubectl, SYSTEM)
    helm(
        "upgrade", "--install", RELEASE, "charts/queueconsumer-operator",
        "--namespace", SYSTEM, "--create-namespace", "--take-ownership", "--force-conflicts",
        "--set", "image.repository=localhost/queueconsumer/operator", "--set", "image.tag=dev",
        "--set", "logLevel=INFO", "--wait", "--timeout", "180s",
    )  # fmt: skip
    yield "queueconsumer-operator"
    helm("uninstall", RELEASE, "--namespace", SYSTEM, "--wait", "--timeout", "120s")
    delete_namespace(kubectl, SYSTEM)
